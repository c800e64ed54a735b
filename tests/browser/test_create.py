"""Making pictures in a real browser."""

import json
import re

from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import choices_of, keep_generating

SEND = re.compile("生成|Generate")


def choose(page, name: str, value: str) -> None:
    page.check(f'[name="{name}"][value="{value}"]')


def ask(page, prompt: str, n: int = 1):
    """Fill in the form, send it, and return the card."""
    page.fill("#prompt", prompt)
    choices_of(page)
    choose(page, "n", str(n))
    choices_of(page, shown=False)
    page.get_by_role("button", name=SEND).click()
    card = page.locator(".card").first
    expect(card.locator(".card-prompt")).to_have_text(prompt)
    return card


def boxes(card) -> list:
    """Where its pictures are at one moment: in the next the card may be replaced."""
    return card.locator(".slot").evaluate_all(
        "all => all.map((each) => JSON.stringify(each.getBoundingClientRect()))"
    )


@every_look
def test_pictures_arrive_by_themselves(visit, live_server, look):
    """
    They take their places without moving anything, the title counts what is not yet
    there, and then all is quiet.
    """
    seen = visit(**look)
    page, prompt = seen.page, f"一只猫，{seen.look}"
    with keep_generating(live_server):
        card = ask(page, prompt, n=2)
        expect(page).to_have_title(re.compile(r"^\(\d+\) "))
        before = boxes(card)

    expect(card.locator("img")).to_have_count(2)
    expect(card.locator("img").last).to_have_js_property("complete", True)

    seen.check("create-arrived")
    assert boxes(card) == before
    assert page.locator("#prompt").input_value() == prompt
    assert card.locator("img").first.get_attribute("alt").startswith("一只猫")
    expect(page.locator("#ticker")).not_to_have_attribute("hx-get", re.compile(".*"))
    expect(page).to_have_title(re.compile("^(即梦|jimeng)$"))
    polls = seen.polls()
    page.wait_for_timeout(1500)  # longer than between two polls
    assert seen.polls() == polls > 0


def test_double_click_makes_one_task(visit, live_server):
    """
    Impatience costs nothing; and a screen reader hears which picture has come, once,
    not every second of waiting.
    """
    page = visit().page
    page.fill("#prompt", "双击的鼓手")
    told = page.locator("#announce")

    with keep_generating(live_server):
        page.get_by_role("button", name=SEND).dblclick()

        expect(told).to_have_text("已提交")
    cards = page.locator(".card", has_text="双击的鼓手")
    expect(cards.first.locator("img")).to_be_visible()
    expect(told).to_have_text("第 1 张已完成：双击的鼓手")
    page.reload()
    expect(cards).to_have_count(1)


def test_keyboard_sends(visit):
    """
    Enter sends, and Shift+Enter begins a line; the list of keys turns it round. While
    an input method composes nothing is sent, whatever is pressed.
    """
    page = (seen := visit(lang="en")).page
    field, words = page.locator("#prompt"), "键盘上的雪"
    field.focus()
    method = page.context.new_cdp_session(page)
    word = {"text": "pinyin", "selectionStart": 6, "selectionEnd": 6}
    method.send("Input.imeSetComposition", word)
    for keys in ("Control+Enter", "Meta+Enter", "Alt+ArrowUp"):
        page.keyboard.press(keys)
    expect(field).to_have_value("pinyin")
    method.send("Input.insertText", {"text": "拼音"})
    expect(field).to_have_value("拼音")
    assert not any(url.endswith("/tasks") for url in seen.requests)
    field.fill(words)

    field.press("Shift+Enter")
    expect(field).to_have_value(words + "\n")
    field.press("Enter")
    expect(page.locator(".card", has_text=words)).to_have_count(1)

    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.locator("#enter-sends").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    for key in ("Control", "Meta"):
        field.fill(f"{key} {words}")
        field.press("Enter")
        expect(field).to_have_value(f"{key} {words}\n")
        expect(page.locator(".card", has_text=f"{key} {words}")).to_have_count(0)
        field.press(f"{key}+Enter")
        expect(page.locator(".card", has_text=f"{key} {words}")).to_have_count(1)


def test_alternatives_are_offered_as_a_batch(visit):
    """Each combination is shown under the prompt; one button makes all of them."""
    page = visit(lang="en").page
    offer = page.locator("#batch-offer")
    page.fill("#prompt", "a {red|blue} kite")

    expect(offer.locator("li")).to_have_text(["a red kite", "a blue kite"])
    page.fill("#prompt", "a kite")
    expect(offer).to_be_empty()
    page.fill("#prompt", "a kite\n\na {red|blue} swing")
    expect(offer).to_contain_text("3 prompts")
    offer.get_by_role("button", name="Generate all 3 pictures").click()

    expect(page).to_have_url(re.compile("/batches/batch_"))
    expect(page.locator("main")).to_contain_text("a kite")


def test_draft_outlives_the_window(visit):
    """
    What was written and chosen, and not sent, is there again after a reload; from the
    first key on it beats the address, whose settings stay.
    """
    page = visit("/?prompt=half+an+idea&size=9:16", lang="en").page
    page.locator("#prompt").press("End")
    page.locator("#prompt").press_sequentially(", changed")
    page.locator("#menu-model > summary").click()
    page.check('[name="model"][value="jimeng-4.6"]')
    page.check('[name="resolution"][value="4K"]', force=True)
    choose(page, "n", "3")

    page.reload()

    expect(page.locator("#prompt")).to_have_value("half an idea, changed")
    chosen = {"model": "jimeng-4.6", "resolution": "4K", "n": "3", "size": "9:16"}
    for name, value in chosen.items():
        expect(page.locator(f'[name="{name}"][value="{value}"]')).to_be_checked()
    assert page.url.endswith("/")


def test_language_and_theme_are_one_press_away(visit):
    """They change in place, and stay so on every page."""
    page = visit(lang="en").page

    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="主题：跟随系统").click()
    page.get_by_role("button", name="主题：浅色").click()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/gallery")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_button_follows_count_and_size(visit):
    """Count and price change with the choices; in the demo there is a count alone."""
    page = visit("/", lang="en").page
    cost = page.locator("#cost")
    expect(cost).to_have_text("")
    page.locator("[name=n][value='4']").check()
    expect(cost).to_have_text("×4")
    shape = page.locator("[name=size]:checked").get_attribute("value")
    names = page.locator("[name=resolution]").evaluate_all(
        "found => found.map((each) => each.value)"
    )
    table = {shape: dict(zip(names, (200_000, 450_000), strict=True))}

    page.evaluate(
        "table => { document.getElementById('cost').dataset.micros = table;"
        " tellCost(); }",
        json.dumps(table),
    )

    expect(cost).to_have_text("×4 · ¥0.80")
    page.locator("[name=resolution]").nth(1).check()
    expect(cost).to_have_text("×4 · ¥1.80")
    page.locator("[name=n][value='1']").check()
    expect(cost).to_have_text("¥0.45")
