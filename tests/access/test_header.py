"""Language and theme, as they are switched in the head of every page."""

from tests.page import send


def test_choice_goes_with_the_user(ada, secured):
    """Another browser, once signed in, shows what was chosen in the first."""
    ada.sign_in()
    send(ada.client, "/language", lang="en", next="/")
    send(ada.client, "/theme", theme="dark", next="/")
    other = secured.test_client()
    data = {"email": ada.user.email, "password": "correct horse battery"}

    send(other, "/sign-in", **data)

    page = other.get("/", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="en" data-theme="dark">' in page


def test_choice_before_signing_in_stays_in_the_browser(nobody):
    """The way in can be read in one's own language."""
    send(nobody, "/language", lang="en", next="/sign-in")

    page = nobody.get("/sign-in", headers={"Accept-Language": "zh-CN"}).text

    assert "Sign in" in page and 'data-theme="system"' in page
