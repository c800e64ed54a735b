"""Answers that are none of the server's, or come when nobody is signed in any more."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.making import (
    ask,
    clear,
    file,
    keep_generating,
    make,
    sign_in,
    slot_of,
)
from tests.browser.windows import await_scripts
from tests.given_pictures import photo

# As nginx answers while what is behind it starts again.
AWAY = {
    "status": 502,
    "content_type": "text/html",
    "body": "<html><head><title>502 Bad Gateway</title></head>"
    "<body><center><h1>502 Bad Gateway</h1></center></body></html>",
}


@pytest.fixture
def away(visit, live_server):
    """A page whose server can be put behind a proxy that does not reach it."""
    clear(live_server)
    seen = visit("/", lang="en", refused=(502,))

    def proxy(*paths: str):
        for path in paths:
            seen.page.route(path, lambda route: route.fulfill(**AWAY))

    return seen.page, proxy


def test_pictures_appear_after_a_restart_behind_a_proxy(away, live_server):
    """What the proxy says in between is not swapped in, and the asking goes on."""
    page, proxy = away
    offline = page.locator(".offline")
    with keep_generating(live_server):
        task = ask(live_server, "kept through a restart")
        page.reload()

        proxy("**/feed/changes*", "**/health")

        expect(offline).to_have_text(re.compile("Cannot reach the server"))
        expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
        expect(page).to_have_title("(1) jimeng")
    page.unroute_all()
    expect(slot_of(page, task).locator("img")).to_be_visible()
    expect(offline).to_be_hidden()


def test_response_that_cannot_be_inserted_was_a_submission(visit, live_server):
    """The page does not ask for it again: it would be made, and paid for, twice."""
    clear(live_server)
    seen = visit("/", lang="en")
    seen.forgive("no room")
    page = seen.page
    page.fill("#prompt", "arrived in any case")
    page.evaluate("""() => {
      const none = () => { throw new Error("no room"); };
      Element.prototype.before = CharacterData.prototype.before = none;
      addEventListener("htmx:finally:request", () => { window.ended = true; });
    }""")

    page.get_by_role("button", name="Generate").click()

    page.wait_for_function("() => window.ended")
    expect(page.locator(".offline")).to_be_hidden()


def test_nothing_of_a_proxy_comes_into_the_form(away):
    """Neither where it is sent, nor where its panel of earlier prompts is opened."""
    page, proxy = away
    page.fill("#prompt", "written before the restart")
    page.evaluate("window.stayed = true")
    proxy("**/tasks", "**/prompts/panel", "**/health")

    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".offline")).to_have_text(re.compile("was not submitted"))
    with page.expect_response("**/prompts/panel"):
        page.locator("#menu-history > summary").click()

    with page.expect_response(lambda each: each.url.endswith("/health") and each.ok):
        page.unroute_all()
    expect(page.locator(".offline")).to_have_text(re.compile("was not submitted"))
    expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
    expect(page.locator("#prompt")).to_have_value("written before the restart")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".card-prompt")).to_have_count(1)
    expect(page.locator(".offline")).to_be_hidden()
    assert page.evaluate("window.stayed")


@pytest.mark.parametrize("is_slow", [False, True])
def test_session_that_ended_meanwhile_costs_no_words(
    visit, closed_server, ada, is_slow
):
    """
    After a form of a picture has led to the sign-in, they are there again; from the
    first key on, where a slow network has brought the form, and not yet what the page
    can wait for.
    """
    made = make(closed_server, "a boat", key=ada.key)
    page, slow = visit("/health", who=ada, lang="en", refused=(401,)).page, []
    if is_slow:
        page.route("**/later.js*", lambda route: slow.append(route))
    page.goto(f"/pictures/{made}_0", wait_until="domcontentloaded")
    if not is_slow:
        await_scripts(page)
    page.locator("#edit-prompt").fill("make it snow on the boat")
    page.context.clear_cookies(name="session")

    page.locator("#edit-edit .primary").click()
    page.unroute_all()
    sign_in(page, ada)

    page.wait_for_url(f"**/pictures/{made}_0")
    expect(page.locator("#edit-prompt")).to_have_value("make it snow on the boat")


def test_upload_without_a_session_leads_to_the_sign_in(visit, ada):
    """Trying again would not help; the words of the form are kept."""
    page = visit("/", who=ada, lang="en", refused=(401,)).page
    page.fill("#prompt", "like this one")
    page.context.clear_cookies(name="session")

    page.set_input_files("#files", [file(photo())])
    sign_in(page, ada)

    expect(page.locator("#prompt")).to_have_value("like this one")
