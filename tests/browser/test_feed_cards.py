"""What is done with a finished card of the feed, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.making import await_request, button, card_of, clear, make, slot_of

PROMPT = '山顶的风车，\n"傍晚" <b>'


@pytest.fixture(scope="module")
def ended(live_server) -> str:
    """A task with two pictures, on a feed that can be scrolled."""
    clear(live_server)
    make(live_server, "更早的", size="768x512", n=4)
    task_id = make(live_server, PROMPT, n=2, seed=41, style="ink")
    for number in range(2):
        make(live_server, f"后来的 {number}", size="768x512", n=4)
    return task_id


def from_menu(card, name: str) -> None:
    """Choose something from a card's menu."""
    card.locator(".menu summary").click()
    card.locator(".menu-list").get_by_text(name, exact=True).click()


def test_retry_asks_where_it_may_be_charged_twice(visit, live_server):
    """
    The first press only asks; the second has the picture made, on top. The frame of one
    that failed among good ones says why.
    """
    mixed = make(live_server, "[[50500 1]] 两张里有一张", n=2)
    task_id = make(live_server, "[[50500 1]] 再试一次就好")
    page = visit("/", lang="en").page
    card = card_of(page, task_id)
    newest = page.locator(".card").first
    others = card_of(page, mixed)
    expect(others.locator(".slot")).to_have_count(2)
    expect(others.locator(".slot img")).to_have_count(1)
    failed = others.locator(".slot[data-state=failed]")
    expect(failed).to_contain_text("may or may not have accepted")

    card.get_by_text("Try again", exact=True).click()
    expect(card).to_contain_text("The last attempt was, or may have been, charged")
    expect(newest).to_have_id(f"task-{task_id}")
    button(card, "Try again anyway").click()

    expect(newest).not_to_have_id(f"task-{task_id}")
    expect(newest.locator("img")).to_be_visible()


def test_menu_opened_early_is_in_view(visit, ended):
    """What turns a menu round comes last; one may be open before."""
    page = visit("/health", width=390, own=True).page
    late: list = []
    page.route("**/later.js*", lambda each: late.append(each))
    page.goto("/")
    card = card_of(page, ended)
    opener, menu = card.locator(".menu summary"), card.locator(".menu-list")
    opener.evaluate("it => scrollBy(0, it.getBoundingClientRect().bottom - 500)")
    opener.click()
    form = page.locator("#composer").bounding_box()
    box = menu.bounding_box()
    assert box["y"] + box["height"] > form["y"]

    await_request(page, late)
    for route in late:
        route.continue_()

    expect(menu).to_have_attribute("data-up", "")
    assert menu.bounding_box()["y"] + menu.bounding_box()["height"] <= form["y"]


def test_tools_of_a_picture(visit, ended):
    """Under the pointer and with the focus; they work. A finger opens the picture."""
    page = visit("/", lang="en", width=1280).page
    slot = slot_of(page, ended)
    switch, edit = button(slot, "Favourite"), slot.locator("[data-verb=e]")

    expect(edit).to_have_css("opacity", "0")
    switch.focus()
    expect(edit).to_have_css("opacity", "1")
    box = edit.bounding_box()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(switch).to_be_focused()
    page.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()

    expect(switch).to_have_attribute("aria-pressed", "false")
    assert min(box["width"], box["height"]) >= 44
    phone = visit("/", lang="en", width=390).page
    expect(slot_of(phone, ended).locator("[data-verb=e]")).to_be_hidden()


def test_download_from_the_page_of_a_task(visit, ended):
    page = visit(f"/tasks/{ended}", lang="en").page
    download = slot_of(page, ended).locator("a[download]")

    slot_of(page, ended).hover()
    with page.expect_download() as waiting:
        download.click()

    assert waiting.value.suggested_filename == "山顶的风车-傍晚-b-1.jpg"
    assert Path(waiting.value.path()).read_bytes().startswith(b"\xff\xd8\xff")


def test_what_the_menu_of_a_card_does(visit, ended):
    """
    Prompt and settings, or a seed, go into the form; the prompt can be copied. A line
    takes a deleted card's place, and its button brings the card back. What is asked for
    once more comes into view.
    """
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit("/", lang="en", permissions=allowed).page
    card = card_of(page, ended)

    from_menu(card, "Copy prompt")
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == PROMPT
    page.keyboard.press("Escape")
    card.get_by_role("link", name="Edit prompt").click()
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    expect(page.locator("#prompt")).to_be_focused()
    card.locator(".menu summary").click()
    card.get_by_role("link", name="Use the seed of picture 2").click()

    expect(page.locator("#composer [name=seed]")).to_have_value("42")
    expect(card.locator(".menu")).not_to_have_attribute("open", "")

    from_menu(card, "Delete")
    expect(card).to_have_text(re.compile("Moved to the trash"))
    expect(button(card, "Undo")).to_be_focused()
    page.keyboard.press("Enter")

    expect(card.locator("img")).to_have_count(2)
    expect(card.locator(".card-prompt a")).to_be_focused()

    newest = page.locator(".card").first
    before = newest.get_attribute("id")
    card.scroll_into_view_if_needed()
    button(card, "Again").click()

    expect(newest).not_to_have_id(before)
    expect(newest.locator(".card-prompt")).to_have_text(PROMPT)
    expect(newest.locator("img")).to_have_count(2)
    assert page.evaluate("scrollY") == 0


def test_feed_without_javascript(visit, ended):
    """Favourites, asking again, deleting and undoing are plain forms."""
    seen = visit("/", lang="en", width=390, js=False)
    page = seen.page
    card, slot = card_of(page, ended), slot_of(page, ended)

    button(slot, "Favourite").click()
    expect(button(slot, "Favourite")).to_have_attribute("aria-pressed", "true")
    card.locator(".menu summary").click()
    expect(card.locator("[data-copy]")).to_be_hidden()
    seen.check("feed")
    button(card, "Delete").click()
    expect(card_of(page, ended)).to_contain_text("Moved to the trash")
    seen.check("feed-deleted")
    button(page, "Undo").click()
    expect(card.locator("img")).to_have_count(2)
    button(card, "Again").click()

    expect(page.locator(".page-prompt")).to_have_text(PROMPT)
