"""Answers that are none of the server's, or come when nobody is signed in any more."""

import re

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tests.browser.making import ask, clear, slot_of

pytestmark = pytest.mark.browser

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
    task = ask(live_server, "[[slow 6]] kept through a restart")
    page.reload()

    proxy("**/feed/changes*", "**/health")

    expect(page.locator(".offline")).to_have_text(re.compile("Cannot reach the server"))
    expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
    expect(page).to_have_title("(1) jimeng")
    page.unroute_all()
    expect(slot_of(page, task).locator("img")).to_be_visible()
    expect(page.locator(".offline")).to_be_hidden()


def test_nothing_of_a_proxy_comes_into_the_form(away):
    """Neither where it is sent, nor where its panel of earlier prompts is opened."""
    page, proxy = away
    page.fill("#prompt", "written before the restart")
    page.evaluate("window.stayed = true")
    proxy("**/tasks", "**/prompts/panel", "**/health")

    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".offline")).to_have_text(re.compile("Cannot reach the server"))
    with page.expect_response("**/prompts/panel"):
        page.locator("#menu-history > summary").click()

    page.unroute_all()
    expect(page.locator(".offline")).to_be_hidden()
    expect(page.get_by_text("502 Bad Gateway")).to_have_count(0)
    expect(page.locator("#prompt")).to_have_value("written before the restart")
    assert page.evaluate("window.stayed")
