"""Making pictures in a real browser."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import await_request, choices_of, keep_generating
from tests.waiting import wait_for

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


def test_lines_are_offered_as_a_batch(visit):
    """They stay one prompt, which the main button makes; another makes one of each."""
    page = (seen := visit("/?n=1", lang="en")).page
    offer, main = page.locator("#batch-offer"), page.locator("#composer .primary")
    page.fill("#prompt", "a kite\n\na {red|blue} swing")
    expect(main).to_have_accessible_name("Generate 2")
    expect(offer).to_contain_text("3 prompts")
    page.fill("#prompt", "a kite")
    expect(offer).to_be_empty()
    page.fill("#prompt", "a kite\n\na swing")
    expect(offer).to_contain_text("2 prompts")
    expect(main).to_have_accessible_name("Generate")
    offer.get_by_role("button", name="Generate all 2 pictures").click()

    expect(page).to_have_url(re.compile("/batches/batch_"))
    expect(page.locator("main")).to_contain_text("a kite")
    assert not any(url.endswith("/tasks") for url in seen.requests)


ESTIMATE = "**/batches/offer"
# Enter, twice before the page is left.
TWICE = """field => {
  const enter = { key: "Enter", bubbles: true, cancelable: true };
  for (const _ of "12") field.dispatchEvent(new KeyboardEvent("keydown", enter));
}"""


def test_enter_makes_what_the_button_says(visit):
    """
    Alternatives become a table of pictures, with several lines in one prompt. Until the
    number is known the button says so, and Enter waits; it never orders one picture
    with the braces in it.
    """
    page = (seen := visit("/?n=2", lang="en")).page
    field, main = page.locator("#prompt"), page.locator("#composer .primary")
    offer, words = page.locator("#batch-offer"), "a {red|blue} kite\nat {dawn|dusk}"
    expect(main).to_have_accessible_name("Generate ×2")
    field.fill("a {red|blue} kite")
    expect(main).to_have_accessible_name("Generate 4")
    held: list = []
    page.route(ESTIMATE, lambda route: held.append(route))

    field.fill(words)
    expect(main).to_have_accessible_name("Counting…")
    field.press("Enter")
    await_request(page, held)
    field.press("Enter")
    expect(offer).to_contain_text("press again")
    held[0].continue_()

    expect(main).to_have_accessible_name("Generate 8")
    assert len(held) == 1, "counted once"
    page.unroute(ESTIMATE)
    expect(offer).to_contain_text("2 × 2 × 2 = 8 pictures")
    expect(offer.locator("li").first).to_have_text("a red kite at dawn")
    # What was chosen since is counted first.
    choices_of(page)
    choose(page, "n", "1")
    choices_of(page, shown=False)
    expect(page.locator("#all")).to_have_text("Generate 4")
    expect(main).to_have_attribute("name", "confirmed")
    expect(main).to_have_attribute("value", "4")
    field.evaluate(TWICE)

    expect(page).to_have_url(re.compile("/batches/batch_"))
    expect(page.locator("main")).to_contain_text("a red kite at dawn")
    page.go_back()
    expect(main).to_have_accessible_name("Generate 4")
    assert not any(url.endswith("/tasks") for url in seen.requests)
    field.fill("")
    field.press("Alt+ArrowUp")
    expect(field).to_have_value(words)
    expect(main).to_have_accessible_name("Generate 4")
    field.fill("a lone swallow")
    expect(main).to_have_accessible_name("Generate")
    field.press("Enter")
    expect(page.locator(".card", has_text="a lone swallow")).to_have_count(1)
    page.goto("/batches")
    expect(page.get_by_role("link", name="a {red|blue} kite at")).to_have_count(1)


def test_estimate_is_of_what_stands_there(visit):
    """That of what was written before, which comes late, counts for nothing."""
    page = visit("/?n=1", lang="en", own=True).page
    main, held = page.locator("#composer .primary"), []
    page.route(ESTIMATE, lambda route: held.append(route))
    page.fill("#prompt", "{1|2}")
    await_request(page, held)
    page.clock.install()
    # Not by a minute: what is being asked for now would time out.
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=20))
    page.fill("#prompt", "{1|2|3}")

    with page.expect_response(ESTIMATE):
        held.pop().continue_()
    page.evaluate("() => fetch('/health').then((answer) => answer.text())")

    expect(main).to_have_accessible_name("Counting…")
    page.clock.run_for(500)
    await_request(page, held)
    held.pop().continue_()
    expect(main).to_have_accessible_name("Generate 3")


def test_alternatives_as_written_keep_the_count(visit):
    """By a button of their own; what is no group is sent as it is."""
    page = visit("/?n=2", lang="en").page
    words, main = "a {red|blue} star", page.locator("#composer .primary")
    page.fill("#prompt", words)

    page.get_by_role("button", name="Generate as written ×2").click()

    card = page.locator(".card", has_text=words)
    expect(card.locator(".slot")).to_have_count(2)
    expect(main).to_have_accessible_name("Generate 4")
    # Another form with the same words is asked about, too.
    again = page.locator("#composer").element_handle()
    card.get_by_role("link", name="Edit prompt").click()
    wait_for(lambda: not again.evaluate("form => form.isConnected"))
    expect(main).to_have_accessible_name("Generate 4")
    choices_of(page)
    choose(page, "n", "1")
    choices_of(page, shown=False)
    page.fill("#prompt", "{a} star | {b}")
    expect(main).to_have_accessible_name("Generate")
    page.locator("#prompt").press("Enter")
    expect(page.locator(".card", has_text="{a} star | {b}")).to_have_count(1)


def test_nothing_is_sent_where_the_count_is_not_known(visit):
    """It is said what to do; the next press counts again."""
    page = (seen := visit("/?n=1", lang="en", refused=(401, 503))).page
    main, offer = page.locator("#composer .primary"), page.locator("#batch-offer")
    page.route(ESTIMATE, lambda route: route.fulfill(status=503), times=1)
    page.fill("#prompt", "a {red|blue} cloud")

    expect(main).to_have_accessible_name("Count again")
    expect(offer).to_contain_text("nothing was sent")
    held: list = []
    page.route(ESTIMATE, lambda route: held.append(route), times=1)
    page.locator("#prompt").press("Enter")
    expect(main).to_have_accessible_name("Counting…")
    await_request(page, held)
    held[0].continue_()
    expect(main).to_have_accessible_name("Generate 2")
    page.fill("#prompt", "a {red|blue} {cloud}")
    expect(main).to_have_accessible_name("Count again")
    expect(offer).to_contain_text("Line 1")
    page.locator("#prompt").press("Enter")
    expect(main).to_have_accessible_name("Count again")
    # Whoever has been signed out is asked to sign in.
    page.route(ESTIMATE, lambda route: route.fulfill(status=401), times=1)
    with page.expect_event("load"):
        page.fill("#prompt", "a {red|blue} sail")
    expect(main).to_have_accessible_name("Generate 2")
    assert not any(url.endswith(("/tasks", "/batches/new")) for url in seen.requests)


def test_very_many_alternatives_lead_to_the_preview(visit):
    page = visit("/?n=1", lang="en").page
    main = page.locator("#composer .primary")
    page.fill("#prompt", "{1|2|3|4|5|6|7|8}{a|b|c|d|e|f|g}")
    expect(main).to_have_accessible_name("Preview 56")

    # The first button of the form acts as the main one, too.
    choices_of(page)
    page.locator("[name=n]:checked").press("Enter")

    expect(page).to_have_url(re.compile("/batches/preview"))
    expect(page.locator("[name=confirmed]")).not_to_be_checked()
    expect(page.locator("[name=confirmed]")).to_have_value("56")


def test_alternatives_without_scripts(visit):
    """The server answers with both buttons."""
    page = visit("/?n=1", lang="en", js=False).page
    page.fill("#prompt", "a {red|blue} lake")
    page.get_by_role("button", name=SEND).last.click()
    expect(page.get_by_role("button", name="Generate as written")).to_be_visible()

    page.get_by_role("button", name="Generate 2").click()

    expect(page).to_have_url(re.compile("/batches/batch_"))


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
    page.keyboard.press("Escape")
    choices_of(page)
    choose(page, "resolution", "4K")
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
    page = visit("/?n=1", lang="en").page
    cost = page.locator("#cost")
    expect(cost).to_have_text("")
    choices_of(page)
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
