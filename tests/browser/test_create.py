"""Making pictures in a real browser."""

import re

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
ZH, EN = {"locale": "zh-CN"}, {"locale": "en-GB"}
LIGHT, DARK = {"color_scheme": "light"}, {"color_scheme": "dark"}
WINDOWS = {
    "phone-zh-light": PHONE | ZH | LIGHT,
    "phone-en-dark": PHONE | EN | DARK,
    "desktop-zh-dark": DESKTOP | ZH | DARK,
    "desktop-en-light": DESKTOP | EN | LIGHT,
}
SEND = re.compile("生成|Generate")
CANCEL = re.compile("取消|Cancel")


def choose(page, name: str, value: str) -> None:
    page.check(f'[name="{name}"][value="{value}"]')


def ask(page, prompt: str, n: int = 1):
    """Fill in the form, send it, and return the card."""
    page.fill("#prompt", prompt)
    choose(page, "n", str(n))
    page.get_by_role("button", name=SEND).click()
    card = page.locator(".card").first
    expect(card.locator(".card-prompt")).to_have_text(prompt)
    return card


def boxes(card) -> list:
    return [slot.bounding_box() for slot in card.locator(".slot").all()]


@pytest.mark.parametrize("name", WINDOWS)
def test_pictures_arrive_by_themselves(visit, name):
    """They take their places without moving anything, and then all is quiet."""
    seen = visit(**WINDOWS[name])
    page = seen.page
    card = ask(page, f"一只猫，{name}", n=2)
    before = boxes(card)

    expect(card.locator("img")).to_have_count(2, timeout=20_000)
    expect(card.locator("img").last).to_have_js_property("complete", True)

    seen.shot(name)
    assert boxes(card) == before
    assert page.locator("#prompt").input_value() == f"一只猫，{name}"
    assert card.locator("img").first.get_attribute("alt").startswith("一只猫")
    expect(page.locator("#ticker")).not_to_have_attribute("hx-get", re.compile(".*"))
    polls = seen.polls()
    page.wait_for_timeout(1500)  # longer than between two polls
    assert seen.polls() == polls > 0


@pytest.mark.parametrize("name", WINDOWS)
def test_nothing_is_wider_than_the_window(visit, name):
    """No page has to be scrolled sideways."""
    page = visit(**WINDOWS[name]).page

    sizes = page.evaluate("[document.body.scrollWidth, window.innerWidth]")

    assert sizes[0] <= sizes[1]


def test_without_javascript(visit):
    """Asking and looking are plain forms and links."""
    page = visit(width=390, lang="en", js=False).page
    card = ask(page, "没有脚本的湖")
    card.get_by_role("link", name="没有脚本的湖").first.click()

    expect(page.locator(".card-page img")).to_be_visible(timeout=20_000)


def test_picture_page_opens_while_it_is_drawn(visit):
    """Its own page waits for the picture too, and then tells all about it."""
    seen = visit(**DESKTOP, **EN)
    page = seen.page
    ask(page, "渡口的黄昏").get_by_role("link").first.click()

    expect(page.locator(".card-page img")).to_be_visible(timeout=20_000)

    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("JPEG")
    seen.shot("desktop-picture-page")


def test_double_click_makes_one_task(visit):
    """Impatience costs nothing."""
    seen = visit(**DESKTOP, **ZH)
    page = seen.page
    page.fill("#prompt", "双击的鼓手")

    page.get_by_role("button", name=SEND).dblclick()

    cards = page.locator(".card", has_text="双击的鼓手")
    expect(cards.first.locator("img")).to_be_visible(timeout=20_000)
    page.reload()
    expect(cards).to_have_count(1)


def test_keyboard_sends_but_not_while_composing(visit):
    """Ctrl+Enter is the button; Enter alone, and an input method's, are text."""
    page = visit(**DESKTOP, **EN).page
    page.fill("#prompt", "键盘上的雪")
    cards = page.locator(".card", has_text="键盘上的雪")
    composing = "{key: 'Enter', ctrlKey: true, bubbles: true, isComposing: true}"

    page.evaluate(f"prompt().dispatchEvent(new KeyboardEvent('keydown', {composing}))")
    page.locator("#prompt").press("Enter")
    expect(page.locator(".composer.htmx-request")).to_have_count(0)
    expect(cards).to_have_count(0)
    page.locator("#prompt").press("Control+Enter")

    expect(cards).to_have_count(1)


def test_refused_form_keeps_the_text_and_works_again(visit):
    """The reason stands at the field and goes with the first change."""
    page = visit(**PHONE, **EN).page
    page.fill("#prompt", "字" * 801)
    expect(page.locator(".counter")).to_have_text("801/800")

    page.get_by_role("button", name=SEND).click()

    expect(page.locator("#errors-prompt")).to_contain_text("800 characters at most")
    assert page.locator("#prompt").input_value() == "字" * 801
    ask(page, "改短了的字")
    expect(page.locator("#errors-prompt")).to_be_empty()


def test_draft_outlives_the_window(visit):
    """What was written and not sent is there again after a reload."""
    page = visit(**DESKTOP, **EN).page
    page.locator("#prompt").press_sequentially("half an idea")

    page.reload()

    expect(page.locator("#prompt")).to_have_value("half an idea")


def test_cancelling_ends_the_card(visit):
    """The card says so, and the page asks no more."""
    seen = visit(**DESKTOP, **EN)
    card = ask(seen.page, "不要了的桥", n=4)

    card.get_by_role("button", name=CANCEL).click()

    expect(card.locator(".status")).to_have_text("Cancelled", timeout=10_000)
    ticker = seen.page.locator("#ticker")
    expect(ticker).not_to_have_attribute("hx-get", re.compile(".*"), timeout=10_000)


def test_finished_picture_is_announced_once(visit):
    """A screen reader hears which picture has come, not every second of waiting."""
    page = visit(**DESKTOP, **ZH).page
    ask(page, "报幕的人")
    expect(page.locator("#announce")).to_have_text("已提交")

    expect(page.locator("#announce")).to_have_text(
        "第 1 张已完成：报幕的人", timeout=20_000
    )


def test_language_and_theme_are_one_press_away(visit):
    """They change in place, and the page that was open stays."""
    page = visit(**DESKTOP, **EN, **LIGHT).page

    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="主题：跟随系统").click()
    page.get_by_role("button", name="主题：浅色").click()

    expect(page.get_by_role("button", name="生成")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
