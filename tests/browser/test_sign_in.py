"""Signing in, in a real browser."""

import pytest

from tests.browser.harness import every_look
from tests.system.commands import flask
from tests.system.people import PASSWORD


@every_look
def test_sign_in_page(visit, closed_server, look):
    """The way in, in all its looks."""
    seen = visit("/", server=closed_server, **look)

    assert seen.page.url.endswith("/sign-in")
    seen.check("sign-in")


@every_look
def test_invitation_page(visit, closed_server, ada, look):
    """Where a password is chosen."""
    link = flask(closed_server, "users", "invite", "eve@example.com").split()[-1]

    seen = visit(
        "/invitations/" + link.rpartition("/")[2], server=closed_server, **look
    )

    seen.check("invitation")


@pytest.mark.parametrize("js", [True, False])
def test_somebody_comes_in_and_goes_out(visit, closed_server, ada, js):
    """By keyboard; a wrong password first."""
    seen = visit("/", server=closed_server, js=js, lang="en")
    page = seen.page
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_label("Password").press("Enter")
    page.get_by_role("alert").get_by_text("is wrong").wait_for()
    seen.check(f"sign-in-refused-{'js' if js else 'nojs'}")

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")
    page.get_by_role("button", name="Generate").wait_for()
    page.get_by_role("button", name="Sign out").first.click()

    page.get_by_role("heading", name="Sign in").wait_for()


def test_session_that_ended_leads_to_the_sign_in(visit, closed_server, ada):
    """A page that was left open does not swap a form into its feed."""
    seen = visit(
        "/", server=closed_server, cookies=ada.cookies, lang="en", refused=(401,)
    )
    seen.page.context.clear_cookies()

    seen.page.get_by_label("Prompt").fill("a lighthouse")
    seen.page.get_by_role("button", name="Generate").click()

    seen.page.wait_for_url("**/sign-in*")
