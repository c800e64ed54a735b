"""The pages on which somebody proves who it is, in all their looks."""

import re
import secrets

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import every_look
from tests.system import people
from tests.system.people import PASSWORD


@pytest.fixture
def eve(closed_server, ada) -> people.Account:
    """Somebody new, for what cannot be taken back."""
    return people.make(closed_server, f"eve-{secrets.token_hex(4)}@example.com")


def press(page: Page, selector: str) -> None:
    page.locator(selector).click()


@every_look
def test_second_factor_from_end_to_end(visit, closed_server, eve, look):
    """Set up by the keyboard of a phone, its codes kept, asked for, and lost."""
    how = {"server": closed_server, "cookies": eve.cookies, "refused": (401,)}
    seen = visit("/account/security", **how, **look)
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
    how = {"server": closed_server, "cookies": eve.cookies, "refused": (403,)}
    with closed_server.database() as found:
        user = found.users.find_one({"email": eve.email})
        mine = {"user_id": user["_id"]}
        found.sessions.update_many(mine, {"$unset": {"confirmed_at": ""}})
    seen = visit("/account/keys", **how, **look)
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
