"""Signing in, proving who one is, and going, in a real browser."""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from jimeng.accounts import failed_attempts
from tests.browser.harness import every_look
from tests.browser.making import sign_in
from tests.system import people
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
def test_sign_in_page(visit, closed_server, tried, look):
    """
    The password is shown on request, and hidden again; after too many attempts it says
    for how long, and keeps the e-mail.
    """
    page = (seen := visit("/", server=closed_server, refused=(429,), **look)).page
    assert page.url.endswith("/sign-in")
    seen.check("sign-in")
    field = page.locator("#password")
    switch = page.get_by_label(re.compile("Show password|显示密码"))

    switch.check()
    expect(field).to_have_attribute("type", "text")
    switch.uncheck()

    expect(field).to_have_attribute("type", "password")
    page.locator("[name=email]").fill(tried)
    field.fill(PASSWORD)
    page.locator(".gate-form button").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("1[0-2]"))
    expect(page.locator("[name=email]")).to_have_value(tried)
    seen.check("sign-in-too-often")


@every_look
def test_invitation(visit, closed_server, invitation, look):
    """Where a password is chosen, and what becomes of a link that is worth nothing."""
    seen = visit(invitation, server=closed_server, refused=(404,), **look)
    seen.check("invitation")

    seen.page.goto("/invitations/used-up")

    expect(seen.page.get_by_role("alert")).to_be_visible()
    seen.check("invitation-used")


KEPT = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, await caches.keys(),
  (await indexedDB.databases()).map(each => each.name),
])"""


def test_nothing_stays_of_who_has_gone(visit, closed_server, ada):
    """
    Neither drafts nor pages: not by going back, nor in what a browser keeps, nor in
    another tab, whose page is not shown any more.
    """
    words, draft = "a lighthouse nobody knows of", "a draft nobody knows of"
    seen = visit("/", server=closed_server, lang="en", refused=(401,))
    page = seen.page
    sign_in(page, ada)
    page.get_by_label("Prompt", exact=True).fill(words)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text(words).first).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill(draft)
    page.goto("/?show=all")
    expect(page.get_by_text(words).first).to_be_visible()
    page.goto("/account/usage")
    assert draft in page.evaluate(KEPT)  # it is kept as long as she is there
    other = page.context.new_page()
    other.goto("/")
    other.locator("#prompt").fill("another that nobody knows of")

    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("heading", name="Sign in").wait_for()

    other.get_by_role("heading", name="Sign in").wait_for()
    for each in (page, other):
        assert "nobody knows of" not in each.evaluate(KEPT)
    for _ in range(4):
        page.go_back()
        assert "nobody knows of" not in page.content()
        assert ada.email not in page.content()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "nobody knows of" not in page.evaluate(KEPT)


@pytest.fixture
def eve(closed_server, ada) -> people.Account:
    """Somebody new, for what cannot be taken back."""
    return people.make(closed_server, f"eve-{secrets.token_hex(4)}@example.com")


def press(page: Page, selector: str) -> None:
    page.locator(selector).click()


@every_look
def test_second_factor_from_end_to_end(visit, eve, look):
    """Set up by the keyboard of a phone, its codes kept, asked for, and lost."""
    seen = visit("/account/security", who=eve, refused=(401,), **look)
    page = seen.page
    seen.check("security", full=True)

    page.locator("#factor-password").fill(PASSWORD)
    press(page, "form[action$='/second-factor/begin'] .primary")
    expect(page.locator("#code")).to_be_visible()
    seen.check("factor-set-up", full=True)
    page.locator("#code").fill("000000")
    press(page, ".gate-form .primary")
    expect(page.locator(".errors .error")).to_be_visible()
    seen.check("factor-set-up-wrong", full=True)
    secret = re.sub(r"\s", "", page.locator("code.secret-text").inner_text())
    page.locator("#code").fill(pyotp.TOTP(secret).now())
    press(page, ".gate-form .primary")
    expect(page.locator("#codes")).to_be_visible()
    seen.check("factor-codes", full=True)
    first = page.locator("#codes").inner_text().split()[0]
    page.locator("a.primary").click()
    page.wait_for_url("**/account/security")
    seen.check("security-with-factor", full=True)

    page.context.clear_cookies(name="session")
    page.goto("/sign-in")
    page.locator("#email").fill(eve.email)
    page.locator("#password").fill(PASSWORD)
    press(page, ".gate-form .primary")
    expect(page.locator("#code")).to_be_visible()
    seen.check("enter-code")
    press(page, "details summary.button")
    seen.check("enter-recovery-code")
    page.locator("#recovery").fill("wrong")
    press(page, "details[open] form button")
    expect(page.get_by_role("alert")).to_be_visible()
    seen.check("enter-code-wrong")
    press(page, "details summary.button")
    page.locator("#recovery").fill(first)
    press(page, "details[open] form button")

    expect(page.locator("#composer")).to_be_visible()


@every_look
def test_password_once_more(visit, closed_server, eve, look):
    """A browser that was left open is asked; what was filled in goes on."""
    with closed_server.database() as found:
        user = found.users.find_one({"email": eve.email})
        mine = {"user_id": user["_id"]}
        found.sessions.update_many(mine, {"$unset": {"confirmed_at": ""}})
    seen = visit("/account/keys", who=eve, refused=(403,), **look)
    page = seen.page
    page.locator("#key-name").fill("shop script")
    press(page, "form[action='/account/keys'] button")
    expect(page.locator("#confirm_password")).to_be_visible()
    seen.check("confirm")
    page.locator("#confirm_password").fill("not this one")
    press(page, ".gate-form .primary")
    expect(page.locator(".errors .error")).to_be_visible()
    seen.check("confirm-wrong")

    page.locator("#confirm_password").fill(PASSWORD)
    press(page, ".gate-form .primary")

    expect(page.get_by_text("shop script").first).to_be_visible()
    expect(page.locator("#new-key-text")).to_be_visible()
    seen.check("keys-made", full=True)
