"""Signing in, in a real browser."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from jimeng.accounts import failed_attempts
from tests.browser.harness import every_look
from tests.browser.making import sign_in
from tests.system.commands import flask
from tests.system.people import PASSWORD


@pytest.fixture(scope="module")
def invitation(closed_server, ada) -> str:
    """The path of a link that nobody has followed yet."""
    link = flask(closed_server, "users", "invite", "eve@example.com").split()[-1]
    return "/invitations/" + link.rpartition("/")[2]


@pytest.fixture
def tried(closed_server):
    """Somebody whose password was guessed at too often."""
    email = "mallory@example.com"
    counter = failed_attempts.of_account(email).id
    end = datetime.now(UTC) + timedelta(minutes=12)
    row = {"count": failed_attempts.MAX_BY_ACCOUNT, "expires_at": end}
    with closed_server.database() as found:
        found.attempts.replace_one({"_id": counter}, row, upsert=True)
    return email


@every_look
def test_sign_in_page(visit, closed_server, look):
    """The way in; the password is shown on request, and hidden again."""
    page = (seen := visit("/", server=closed_server, **look)).page
    assert page.url.endswith("/sign-in")
    seen.check("sign-in")
    field = page.locator("#password")
    switch = page.get_by_label(re.compile("Show password|显示密码"))

    switch.check()
    expect(field).to_have_attribute("type", "text")
    switch.uncheck()

    expect(field).to_have_attribute("type", "password")


@every_look
def test_invitation(visit, closed_server, invitation, look):
    """Where a password is chosen, and what becomes of a link that is worth nothing."""
    seen = visit(invitation, server=closed_server, refused=(404,), **look)
    seen.check("invitation")

    seen.page.goto("/invitations/used-up")

    expect(seen.page.get_by_role("alert")).to_be_visible()
    seen.check("invitation-used")


@every_look
def test_too_many_attempts(visit, closed_server, tried, look):
    """The page says for how long, and keeps the e-mail."""
    seen = visit("/sign-in", server=closed_server, refused=(429,), **look)
    page = seen.page
    page.locator("[name=email]").fill(tried)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator(".gate-form button").click()

    expect(page.get_by_role("alert")).to_contain_text(re.compile("1[0-2]"))
    expect(page.locator("[name=email]")).to_have_value(tried)
    seen.check("sign-in-too-often")


def test_somebody_comes_in_and_goes_out(visit, closed_server, ada):
    """By keyboard; a wrong password first."""
    seen = visit("/", server=closed_server, lang="en")
    page = seen.page
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password", exact=True).fill("a wrong password")
    page.get_by_label("Password", exact=True).press("Enter")
    page.get_by_role("alert").get_by_text("Wrong e-mail").wait_for()
    seen.check("sign-in-refused")

    sign_in(page, ada)
    page.get_by_role("button", name="Generate").wait_for()
    page.get_by_role("button", name="Sign out").first.click()

    page.get_by_role("heading", name="Sign in").wait_for()


KEPT = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, await caches.keys(),
  (await indexedDB.databases()).map(each => each.name),
])"""


def test_nothing_stays_of_who_has_gone(visit, closed_server, ada):
    """Neither drafts nor pages: not by going back, nor in what a browser keeps."""
    words, draft = "a lighthouse nobody knows of", "a draft nobody knows of"
    seen = visit("/", server=closed_server, lang="en", refused=(401,))
    page = seen.page
    sign_in(page, ada)
    page.get_by_label("Prompt", exact=True).fill(words)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text(words).first).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill(draft)
    page.goto("/tasks")
    expect(page.get_by_text(words).first).to_be_visible()
    page.goto("/account/usage")
    assert draft in page.evaluate(KEPT)  # it is kept as long as she is there

    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("heading", name="Sign in").wait_for()

    assert "nobody knows of" not in page.evaluate(KEPT)
    for _ in range(4):
        page.go_back()
        assert "nobody knows of" not in page.content()
        assert ada.email not in page.content()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "nobody knows of" not in page.evaluate(KEPT)


def test_signing_out_empties_the_other_tabs(visit, closed_server, ada):
    """What one of them holds is gone, and its page is not shown any more."""
    page = visit("/sign-in", server=closed_server, lang="en", refused=(401,)).page
    sign_in(page, ada)
    page.get_by_role("button", name="Generate").wait_for()
    other = page.context.new_page()
    other.goto(f"{closed_server.url}/")
    other.locator("#prompt").fill("a draft nobody knows of")

    page.get_by_role("button", name="Sign out").first.click()

    other.get_by_role("heading", name="Sign in").wait_for()
    assert "nobody" not in other.evaluate(KEPT)
