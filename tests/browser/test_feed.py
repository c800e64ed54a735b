"""The feed in a real browser: how cards live, and what is done with them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import (
    ask,
    button,
    card_of,
    clear,
    finish,
    keep_generating,
    make,
    slot_of,
)
from tests.system.stack import Stack

REFUSED, UNKNOWN, SECRET = "[[50413]] ", "[[50500]] ", "[[100010]] "
LANE = "volcengine_jimeng:jimeng_t2i_v30"
LATER = {"delay": 600}  # seconds: it is live, and nothing comes of it in a test
PLACE = re.compile("排队|Queued")
DRAWING = re.compile(r"生成中\s*\d+ .+ / 约 10 分|Generating\s*\d+ .+ of about 10 min")


@pytest.fixture(scope="module")
def exhibits(live_server) -> dict[str, str]:
    """A card of each kind that has ended, by its name; the newest is the first."""
    clear(live_server)
    # What may still be drawn without an answer holds its slot as long as that takes.
    live_server.remember_durations(LANE, 3.0)
    made = {
        "secret": make(live_server, SECRET + "钥匙不对"),
        "unknown": make(live_server, UNKNOWN + "没有回音", n=2),
        "refused": make(live_server, REFUSED + "不让画的"),
        "wide": make(live_server, "湖边的小木屋，清晨的雾", size="16:9", n=2),
    }
    return made | {"ink": make(live_server, "一只猫在看海", n=4, style="ink", seed=3)}


@pytest.fixture
def site(live_server) -> Iterator[Stack]:
    """The server, of which nobody has asked for anything, before and after."""
    clear(live_server)
    yield live_server
    clear(live_server)
    live_server.remember_durations(LANE, 3.0)


@every_look
def test_cards(visit, exhibits, look):
    """Pictures, or why there are none, and with each what can be done about it."""
    seen = visit("/", **look)
    page = seen.page
    ink, unknown = card_of(page, exhibits["ink"]), card_of(page, exhibits["unknown"])
    ways = {
        name: card_of(page, exhibits[name]).locator(".actions > :not(.menu)")
        for name in ("secret", "unknown", "refused")
    }

    unknown.locator(".confirm > summary").click()
    ink.locator(".menu summary").click()

    expect(unknown.locator(".confirm button")).to_be_visible()
    expect(ink.locator("img").last).to_have_js_property("complete", True)
    assert [each.count() for each in ways.values()] == [1, 1, 1]
    expect(ways["refused"]).to_have_text(re.compile("修改提示词|Edit prompt"))
    expect(ways["secret"]).to_have_text(re.compile("查看失败的任务|Show failed tasks"))
    page.evaluate("scrollTo(0, 0)")
    seen.shot("feed-menu")
    page.keyboard.press("Escape")
    seen.check("feed", full=True)


@every_look
def test_running_cards(visit, site, look):
    """Place, phase and time stand in the picture's own shape; nothing moves."""
    site.remember_durations(LANE, 600.0)
    with keep_generating(site):
        running = ask(site, "河上的桥", size="16:9", n=2)
        waiting = ask(site, "等着的云", n=2)
        seen = visit("/", **look)
        slot = slot_of(seen.page, running)
        shape = slot.bounding_box()

        expect(slot_of(seen.page, waiting)).to_have_text(PLACE)
        expect(slot).to_have_text(DRAWING)
        seen.check("feed-running")
    pictures = card_of(seen.page, waiting).locator("img")
    expect(pictures).to_have_count(2)

    expect(card_of(seen.page, running).locator("img")).to_have_count(2)
    assert slot.bounding_box() == shape
    assert seen.layout_shift(after_input=True) == []


def test_focus_and_menu_stay_while_the_card_is_kept_up(visit, site):
    """Seconds are counted on, and neither a focus nor an open menu is lost."""
    with keep_generating(site):
        task_id = ask(site, "留住焦点")
        page = visit("/", lang="en").page
        card = card_of(page, task_id)
        seconds = card.locator(".slot-caption .figures")
        expect(seconds).to_contain_text(re.compile(r"\d s"))
        before = seconds.text_content()
        card.locator(".menu summary").click()
        button(card, "Copy prompt").focus()

        expect(seconds).not_to_have_text(before)

        expect(button(card, "Copy prompt")).to_be_focused()
    finish(site, task_id)
    expect(card.locator("img")).to_be_visible()
    expect(card.locator(".menu")).to_have_attribute("open", "")
    expect(button(card, "Copy prompt")).to_be_focused()


def test_focus_goes_to_the_words_when_its_button_goes(visit, site):
    """The button that cancelled is not there any more; the card is."""
    task_id = ask(site, "焦点的去处", **LATER)
    page = visit("/", lang="en").page
    card = card_of(page, task_id)

    button(card, "Cancel").focus()
    page.keyboard.press("Enter")

    expect(card.locator(".status")).to_have_text("Cancelled")
    expect(card.get_by_role("link", name="焦点的去处")).to_be_focused()


def test_new_results_leave_scroll_and_selection_alone(visit, site):
    """Whoever looks at an old picture goes on doing so."""
    for number in range(5):
        make(site, f"旧的一张 {number}", size="768x512", n=4)
    with keep_generating(site):
        task_id = ask(site, "新的一张")
        page = visit("/", width=390).page
        old = page.locator(".card-prompt", has_text="旧的一张 1")
        old.scroll_into_view_if_needed()
        old.select_text()
        before = page.evaluate("[scrollY, getSelection().toString()]")

    expect(card_of(page, task_id).locator("img")).to_be_attached()

    assert page.evaluate("[scrollY, getSelection().toString()]") == before
    assert before[0] > 0 and "旧的一张" in before[1]


def test_older_cards_come_by_scrolling(visit, site):
    """They follow as the end comes into view, each once."""
    made = [ask(site, f"长长的卷轴 {number}", **LATER) for number in range(14)]
    page = visit("/").page
    expect(page.locator(".card")).to_have_count(14)
    ids = page.locator(".card").evaluate_all("cards => cards.map((each) => each.id)")
    assert ids == [f"task-{each}" for each in reversed(made)]
    expect(page.locator(".more")).to_have_count(0)


def test_one_ticker_asks_for_all_and_seldom_where_nobody_looks(visit, site):
    """Once a second however many cards are live; in a hidden tab hardly ever."""
    for number in range(5):
        ask(site, f"没人看 {number}", **LATER)
    seen = visit("/", own=True)
    page = seen.page
    page.clock.install()
    page.reload()
    expect(page.locator("[name=c]")).to_have_count(5)
    # An installed clock goes on by itself until it is told to stand; not by a minute,
    # after which what is being asked for would time out.
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=20))
    hide = (
        "is => Object.defineProperty(document, 'hidden', {value: is, configurable: 1})"
    )

    answered = []
    page.on("requestfinished", lambda request: answered.append(request.url))
    tick(seen, answered, 1)
    before = seen.polls()
    tick(seen, answered, 4)
    shown = seen.polls() - before
    page.evaluate(hide, True)
    tick(seen, answered, 8)
    hidden = seen.polls() - before - shown

    assert (shown, hidden) in {(4, 0), (4, 1)}
    page.evaluate(hide, False)
    with page.expect_request(re.compile("/feed/changes")):
        page.clock.run_for(1100)


def tick(seen, answered: list[str], seconds: int) -> None:
    """Let seconds pass, each after the answer to what was asked in the one before."""
    asked, done = len(seen.requests), len(answered)
    for _ in range(seconds):
        seen.page.clock.run_for(1000)
        seen.page.evaluate("fetch('/health').then((answer) => answer.text())")
        # What is asked while the page still reads the last answer is dropped.
        while len(answered) - done < len(seen.requests) - asked or busy(seen.page):
            seen.page.wait_for_timeout(20)


def busy(page) -> bool:
    return page.locator(".htmx-request").count() > 0
