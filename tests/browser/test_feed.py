"""The feed in a real browser: how cards live, and what is done with them."""

import re

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tests.browser.harness import every_look, some_looks
from tests.browser.making import ask, card_of, finish, make

pytestmark = pytest.mark.browser

SLOW = "[[slow 4]] "
REFUSED, UNKNOWN, SECRET = "[[50413]] ", "[[50500]] ", "[[100010]] "


def button(card, name: str):
    return card.get_by_role("button", name=name, exact=True)


def from_menu(card, name: str) -> None:
    """Choose something from a card's menu."""
    card.locator(".menu summary").click()
    card.locator(".menu-list").get_by_text(name, exact=True).click()


@some_looks
def test_running_cards(visit, live_server, look):
    """Place, phase and time stand in the picture's own shape; nothing moves."""
    running = ask(live_server, SLOW + "河上的桥", size="16:9", n=2)
    waiting = ask(live_server, "等着的云", n=4)
    seen = visit("/", **look)
    first = card_of(seen.page, running).locator(".slot").first

    expect(first).to_have_attribute("data-state", "generating", timeout=15_000)
    seen.check("feed-running")
    pictures = card_of(seen.page, waiting).locator("img")
    expect(pictures).to_have_count(4, timeout=40_000)

    expect(card_of(seen.page, running).locator("img")).to_have_count(2)
    assert seen.layout_shift(after_input=True) == []


@every_look
def test_finished_cards(visit, live_server, look):
    """Pictures, what they were asked for with, and what can be done."""
    make(live_server, "一只猫在看海", size="1:1", n=4, style="ink")
    seen = visit("/", **look)
    expect(seen.page.locator(".card").first.locator("img").last).to_be_visible()

    seen.page.locator(".card").first.locator(".menu summary").click()

    seen.check("feed-finished")


@some_looks
def test_failed_cards(visit, live_server, look):
    """Each says why, and offers the one thing that helps."""
    make(live_server, SECRET + "钥匙不对")
    unknown = make(live_server, UNKNOWN + "没有回音", n=2)
    refused = make(live_server, REFUSED + "不让画的")
    seen = visit("/", **look)
    button_of = card_of(seen.page, unknown).locator("summary").first

    button_of.click()

    expect(card_of(seen.page, unknown).locator(".confirm button")).to_be_visible()
    words = re.compile("修改提示词|Edit the prompt")
    expect(card_of(seen.page, refused).get_by_role("link", name=words)).to_be_visible()
    seen.check("feed-failed", full=True)


def test_focus_and_menu_stay_while_the_card_is_kept_up(visit, live_server):
    """Seconds are counted on, and neither a focus nor an open menu is lost."""
    task_id = ask(live_server, SLOW + "留住焦点")
    page = visit("/", lang="en").page
    card = card_of(page, task_id)
    seconds = card.locator(".slot-caption .figures")
    expect(seconds).to_contain_text("1 s of", timeout=15_000)
    card.locator(".menu summary").click()
    button(card, "Copy the prompt").focus()

    expect(seconds).to_contain_text("3 s", timeout=15_000)

    expect(button(card, "Copy the prompt")).to_be_focused()
    finish(live_server, task_id)
    expect(card.locator("img")).to_be_visible()
    expect(card.locator(".menu")).to_have_attribute("open", "")


def test_focus_goes_to_the_words_when_its_button_goes(visit, live_server):
    """The button that cancelled is not there any more; the card is."""
    task_id = ask(live_server, SLOW + "焦点的去处")
    page = visit("/", lang="en").page
    card = card_of(page, task_id)

    button(card, "Cancel").focus()
    page.keyboard.press("Enter")

    expect(card.locator(".status")).to_have_text("Cancelled")
    expect(card.get_by_role("link", name="焦点的去处")).to_be_focused()


def test_new_results_leave_scroll_and_selection_alone(visit, live_server):
    """Whoever looks at an old picture goes on doing so."""
    for number in range(3):
        make(live_server, f"旧的一张 {number}", size="1:1")
    task_id = ask(live_server, SLOW + "新的一张")
    page = visit("/", width=390).page
    page.mouse.wheel(0, 900)
    old = page.locator(".card-prompt", has_text="旧的一张 1")
    old.scroll_into_view_if_needed()
    old.select_text()
    before = page.evaluate("[scrollY, getSelection().toString()]")

    expect(card_of(page, task_id).locator("img")).to_be_attached(timeout=20_000)

    assert page.evaluate("[scrollY, getSelection().toString()]") == before
    assert before[0] > 0 and "旧的一张" in before[1]


def test_favourite_is_switched_in_place(visit, live_server):
    """It stays after a reload, and the focus stays on the switch."""
    task_id = make(live_server, "收藏的一张")
    page = visit("/", lang="en").page
    switch = button(card_of(page, task_id), "Favourite")
    expect(switch).to_have_css("opacity", "1")

    switch.focus()
    page.keyboard.press("Enter")

    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(switch).to_be_focused()
    page.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("width", "opacity"), [(390, "1"), (1280, "0")])
def test_tools_of_a_picture_show_where_they_are_needed(
    visit, live_server, width, opacity
):
    """Always under fingers, else under the pointer and with the focus."""
    task_id = make(live_server, "工具在哪里")
    page = visit("/", lang="en", width=width).page
    tool = card_of(page, task_id).locator(".slot-tools > a")

    expect(tool).to_have_css("opacity", opacity)
    tool.focus()
    expect(tool).to_have_css("opacity", "1")
    box = tool.bounding_box()
    assert min(box["width"], box["height"]) >= 44


def test_delete_can_be_undone(visit, live_server):
    """A line takes the card's place, and its button brings the card back."""
    task_id = make(live_server, "删了又要")
    page = visit("/", lang="en").page
    card = card_of(page, task_id)

    from_menu(card, "Delete")
    expect(card).to_have_text(re.compile("Moved to the trash"))
    expect(button(card, "Undo")).to_be_focused()
    page.keyboard.press("Enter")

    expect(card.locator("img")).to_be_visible()
    expect(card.get_by_role("link", name="删了又要").last).to_be_focused()


def test_again_shows_the_new_card_on_top(visit, live_server):
    """The same is asked for at once, and comes into view."""
    task_id = make(live_server, "再来一张")
    make(live_server, "后来的一张", size="9:16")
    page = visit("/", lang="en").page
    old = card_of(page, task_id)
    old.scroll_into_view_if_needed()

    button(old, "Again").click()

    newest = page.locator(".card").first
    expect(newest.locator(".card-prompt")).to_have_text("再来一张")
    assert newest.get_attribute("id") != f"task-{task_id}"
    expect(newest.locator("img")).to_be_visible(timeout=20_000)
    assert page.evaluate("scrollY") == 0


def test_remix_fills_the_form_in_place(visit, live_server):
    """Words and settings are there to be changed, and so is the seed if wanted."""
    task_id = make(live_server, "可以改的词", n=2, seed=41)
    page = visit("/", lang="en").page
    card = card_of(page, task_id)

    card.get_by_role("link", name="Remix").click()
    expect(page.locator("#prompt")).to_have_value("可以改的词")
    expect(page.locator("#prompt")).to_be_focused()
    card.locator(".menu summary").click()
    card.get_by_role("link", name="Use the seed of picture 2").click()

    expect(page.locator("#composer [name=seed]")).to_have_value("42")
    expect(card.locator(".menu")).not_to_have_attribute("open", "")


def test_prompt_is_copied_as_it_was_written(visit, live_server):
    """The clipboard holds the user's own words, line by line."""
    prompt = '两行\n的 "词" <b>'
    task_id = make(live_server, prompt, style="ink")
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit("/", lang="en", permissions=allowed).page

    from_menu(card_of(page, task_id), "Copy the prompt")

    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == prompt


def test_older_cards_come_by_scrolling(visit, live_server):
    """They follow as the end comes into view, each once."""
    made = [ask(live_server, f"长长的卷轴 {number}") for number in range(14)]
    finish(live_server, made[-1])
    page = visit("/").page
    expect(page.locator(".card")).to_have_count(12)

    page.locator(".more").scroll_into_view_if_needed()

    expect(card_of(page, made[0])).to_be_attached()
    ids = page.locator(".card").evaluate_all("cards => cards.map((each) => each.id)")
    assert len(ids) == len(set(ids)) > 13
    assert page.locator(".more").count() <= 1


def test_hidden_page_looks_seldom(visit, live_server):
    """In a tab that nobody sees the ticker goes slower; seen again, at once."""
    ask(live_server, "[[slow 8]] 没人看")
    seen = visit("/")
    page = seen.page
    page.clock.install()
    page.reload()
    see = (
        "is => Object.defineProperty(document, 'hidden', {value: is, configurable: 1})"
    )
    page.evaluate(see, True)
    before = seen.polls()

    for _ in range(8):
        page.clock.run_for(1100)
        page.evaluate("fetch('/health')")  # time for an answer

    assert seen.polls() - before <= 1
    page.evaluate(see, False)
    with page.expect_request(re.compile("/feed/changes")):
        page.clock.run_for(1100)


def test_feed_without_javascript(visit, live_server):
    """Favourites, asking again, deleting and undoing are plain forms."""
    make(live_server, "朴素的表单")
    seen = visit("/", lang="en", width=390, js=False)
    page = seen.page
    newest = page.locator(".card").first

    button(newest, "Favourite").click()
    expect(button(newest, "Favourite")).to_have_attribute("aria-pressed", "true")
    newest.locator(".menu summary").click()
    expect(newest.get_by_text("Copy the prompt")).to_be_hidden()
    seen.shot("feed")
    button(newest, "Delete").click()
    expect(page.locator(".card-gone")).to_be_visible()
    seen.shot("feed-deleted")
    page.get_by_role("button", name="Undo").click()
    expect(newest.locator("img")).to_be_visible()
    button(newest, "Again").click()

    expect(page.locator(".page-prompt")).to_have_text("朴素的表单")
