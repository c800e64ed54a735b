"""The form in a real browser: its choices, its keys, its place in any window."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import harness, making
from tests.browser.harness import every_look
from tests.browser.making import choices_of
from tests.system import people
from tests.waiting import wait_for

USUAL, NO_SEED = "doubao-seedream-3.0-t2i", "jimeng-4.6"
SEND = re.compile("生成|Generate")


def chip(page, name: str):
    """The chip that opens the choices of that name."""
    return page.locator(f"#menu-{name} > summary")


def choose(page, name: str, value: str) -> None:
    choices_of(page)
    page.locator(f'#sheet [name="{name}"][value="{value}"]').check()
    choices_of(page, shown=False)


def send(page, prompt: str):
    page.fill("#prompt", prompt)
    page.get_by_role("button", name=SEND).click()
    card = page.locator(".card").first
    expect(card.locator(".card-prompt")).to_contain_text(prompt)
    return card


@pytest.fixture(scope="module")
def newcomer(closed_server) -> people.Account:
    """Somebody who has nothing yet."""
    return people.make(closed_server, "newcomer@example.com")


@every_look
def test_first_visit(visit, newcomer, look):
    """Ideas to click, and in demo mode the way to real keys."""
    seen = visit("/", who=newcomer, **look)

    expect(seen.page.locator(".frame img")).to_have_count(6)
    seen.check("create-first", full=True)
    assert seen.layout_shift() == []
    seen.page.locator("[popovertarget=demo]").click()
    expect(seen.page.get_by_text("ARK_API_KEY")).to_be_in_viewport(ratio=1)
    seen.check("create-demo")


def test_drafts_are_private(visit, closed_server, newcomer, ada):
    """Who signs in after somebody in the same browser sees nothing of theirs."""
    page = visit("/", who=newcomer, lang="en").page
    page.fill("#prompt", "for my eyes only")
    choose(page, "size", "16:9")

    def become(who: people.Account) -> None:
        host = urlsplit(closed_server.url).netloc
        page.context.add_cookies([*harness.cookies(who.cookies, host)])
        page.reload()

    become(ada)
    expect(page.locator("#prompt")).to_have_value("")
    expect(page.locator('[name="size"][value="16:9"]')).not_to_be_checked()
    become(newcomer)
    expect(page.locator("#prompt")).to_have_value("for my eyes only")
    expect(page.locator('[name="size"][value="16:9"]')).to_be_checked()


@every_look
def test_panels(visit, newcomer, look):
    """
    The models and the settings open over the dock, and Escape closes one at a time.
    What braces make is shown under the prompt, with the way to generate it all.
    """
    seen = visit("/", who=newcomer, **look)
    page = seen.page

    page.locator("#prompt").focus()
    chip(page, "model").click()
    panel = page.locator("#menu-model .choice-panel")
    expect(panel).to_be_in_viewport(ratio=1)
    seen.shot("create-model")
    assert seen.axe(within="#menu-model") == []
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(chip(page, "model")).to_be_focused()
    choices_of(page)
    expect(page.locator("#sheet")).to_be_in_viewport(ratio=0.9)
    seen.check("create-sheet")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator(".sum")).to_be_focused()
    expect(page.locator("#composer")).to_have_attribute("data-open", "")
    page.fill("#prompt", "一只{橘|黑|白}猫，{水彩|油画}风格")
    expect(page.locator("#batch-offer button")).to_be_visible()
    seen.check("create-permutations")


def test_other_model_brings_its_choices(visit):
    """The words stay, what both models take stays, and so does the focus."""
    page = visit(lang="en").page
    page.fill("#prompt", "a lighthouse")
    choose(page, "size", "16:9")
    choose(page, "n", "3")
    expect(page.locator("#seed")).to_have_count(1)

    chip(page, "model").click()
    radio = page.locator(f'[name="model"][value="{NO_SEED}"]')
    radio.check()

    expect(page.locator('[name="resolution"][value="4K"]')).to_have_count(1)
    expect(page.locator("#seed")).to_have_count(0)
    expect(radio).to_be_focused()
    expect(chip(page, "model")).to_contain_text("Jimeng 4.6")
    expect(page.locator("#prompt")).to_have_value("a lighthouse")
    expect(page.locator('[name="size"][value="16:9"]')).to_be_checked()
    expect(page.locator('[name="n"][value="3"]')).to_be_checked()


def test_chip_tells_what_was_chosen(visit):
    """
    And the sheet how many pixels that comes to; a seed is rolled and cleared. What is
    in a menu is one arrow away.
    """
    page = visit("/?prompt=x", lang="en").page
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("y")
    expect(page.locator("#prompt")).to_have_value("xy")
    chip(page, "model").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#menu-model :checked")).to_be_focused()
    page.keyboard.press("Escape")

    for name, value in [("size", "9:16"), ("style", "ink"), ("resolution", "2K")]:
        choose(page, name, value)

    told = page.locator("#sum")
    expect(told).to_have_text("9:16 · 2K · ×1 · Ink wash")
    choices_of(page)
    expect(page.locator("#pixels")).to_have_text("1152×2048 pixels")
    page.get_by_label("Custom").fill("woodcut")
    expect(told).to_have_text("9:16 · 2K · ×1 · woodcut")
    expect(page.locator('[name="style"][value="ink"]')).not_to_be_checked()
    expect(page.locator("#counter")).to_have_text("10/800")

    seed = page.locator("#seed")
    page.get_by_role("button", name="Pick a random seed").click()
    expect(seed).to_have_value(re.compile(r"\d+"))
    page.get_by_role("button", name="Back to random").click()
    expect(seed).to_have_value("")
    seed.fill("42")
    seed.press("Enter")  # closes the sheet and sends nothing
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator(".composer.htmx-request")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_dock_opens_over_the_sheet(visit, live_server, width):
    """
    By the keys, by a press in its words, and for a reference; it moves nothing, itself
    included. Escape, a press in the sheet, sending and the focus of something else
    close it, with its words; a press does what it does anyway.
    """
    for n in range(3):
        making.make(live_server, f"something to look at {n}", n=4)
    seen = visit("/", lang="en", width=width)
    page, dock = seen.page, seen.page.locator("#composer")
    small = dock.bounding_box()
    assert small["height"] <= 68
    button = page.locator(".composer .primary").bounding_box()

    page.keyboard.press("Alt+a")
    expect(dock).to_have_attribute("data-open", "")
    assert dock.bounding_box()["height"] > 100
    assert bottom(dock.bounding_box()) == pytest.approx(bottom(small), abs=1)
    field = page.locator("#prompt")
    field.type("two words")
    page.keyboard.press("Escape")
    expect(dock).not_to_have_attribute("data-open", "")
    expect(field).to_have_value("two words")
    expect(field).not_to_be_focused()
    assert page.locator(".composer .primary").bounding_box() == button
    assert seen.layout_shift(after_input=True) == []

    field.click()
    expect(dock).to_have_attribute("data-open", "")
    page.locator(".card-prompt a").first.focus()
    expect(dock).not_to_have_attribute("data-open", "")
    field.click()
    page.locator(".slot-link").first.click()
    expect(page.locator("#stage")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dock).not_to_have_attribute("data-open", "")

    field.click()
    field.press("Control+Enter")
    expect(page.locator(".card-prompt").first).to_have_text("two words")
    expect(dock).not_to_have_attribute("data-open", "")
    page.locator(".slot-link").last.focus()
    page.keyboard.press("i")
    expect(page.locator("#inputs .input-tile")).to_have_count(1)
    expect(dock).to_have_attribute("data-open", "")


def test_press_on_the_small_dock_does_not_open_it(visit, live_server):
    """Its buttons do what they say where they are."""
    page = visit("/?size=512x512", lang="en").page
    dock = page.locator("#composer")
    page.locator("#prompt").fill("pressed while small")
    page.keyboard.press("Escape")

    page.locator(".sum").click()
    expect(page.locator("#sheet")).to_be_visible()
    page.locator('[name="n"][value="2"]').check(force=True)
    page.keyboard.press("Escape")
    page.locator(".composer .primary").click()

    expect(page.locator(".card-prompt").first).to_have_text("pressed while small")
    expect(dock).not_to_have_attribute("data-open", "")


def test_earlier_prompts_come_back(visit):
    """Alt+↑ goes back, Alt+↓ returns to what was being written."""
    page = visit(lang="en").page
    send(page, "first of two")
    send(page, "second of two")
    field = page.locator("#prompt")
    field.fill("not sent yet")

    for key, text in [
        ("ArrowUp", "second of two"),
        ("ArrowUp", "first of two"),
        ("ArrowDown", "second of two"),
        ("ArrowDown", "not sent yet"),
        ("ArrowDown", "not sent yet"),
    ]:
        field.press(f"Alt+{key}")
        expect(field).to_have_value(text)


def test_prompt_grows_with_its_text(visit):
    """And the form stays in view however far the page is scrolled."""
    page = visit(lang="en", viewport={"width": 1280, "height": 500}).page
    field = page.locator("#prompt")
    low = field.bounding_box()["height"]

    field.fill("line\n" * 5)

    assert field.bounding_box()["height"] > low
    send(page, "something to scroll by")
    page.mouse.wheel(0, 5000)
    expect(page.get_by_role("button", name=SEND)).to_be_in_viewport(ratio=1)


@every_look
def test_refused_choices(visit, look):
    """What is wrong is said at its field, its chip is marked, and one can go on."""
    seen = visit("/?prompt=x", **look)
    page = seen.page
    where = page.locator(".sum")
    where.click()
    page.locator("#seed").fill("9999999999")
    page.keyboard.press("Escape")
    page.fill("#prompt", "字" * 801)

    page.get_by_role("button", name=SEND).click()

    expect(page.locator("#errors-prompt")).to_contain_text("800")
    expect(page.locator("#errors-seed")).to_contain_text("2147483647")
    expect(page.locator("#prompt")).to_be_focused()
    seen.check("create-refused")
    page.fill("#prompt", "x")
    expect(page.locator("#errors-prompt")).to_be_empty()
    page.get_by_role("button", name=SEND).click()
    expect(where).to_be_focused()
    where.click()
    page.locator("#seed").fill("7")
    expect(page.locator("#errors-seed")).to_be_empty()


# What iOS does when its keyboard comes up: the page does not get smaller.
COVERED = """
Object.defineProperty(visualViewport, "height", { value: 500, configurable: true });
visualViewport.dispatchEvent(new Event("resize"));
"""
NOTICE = "place => { place.innerHTML = '<p class=notice data-kind=error>no</p>'; }"


def bottom(box: dict) -> float:
    return box["y"] + box["height"]


def test_phone_keeps_the_form_in_sight(visit):
    """
    All of it is above the navigation, and what is wrong is said above it; so it is over
    the keyboard, whether that lies over the page or the window is what it leaves.
    """
    page = visit("/", width=390).page
    form, bar = page.locator(".composer"), page.locator(".nav")
    edge = bar.bounding_box()["y"] - 8
    assert bottom(form.bounding_box()) == pytest.approx(edge, abs=1)
    assert bottom(bar.bounding_box()) == pytest.approx(844, abs=1)
    assert form.bounding_box()["height"] <= 68
    page.locator("#notices").evaluate(NOTICE)
    notice = page.locator("#notices .notice").bounding_box()
    assert bottom(notice) <= form.bounding_box()["y"]
    page.locator("#prompt").focus()

    page.evaluate(COVERED)
    assert bottom(form.bounding_box()) == pytest.approx(492, abs=1)
    page.evaluate("delete visualViewport.height")
    page.set_viewport_size({"width": 390, "height": 480})

    # The page hears of it a moment later.
    wait_for(
        lambda: bottom(form.bounding_box()) == pytest.approx(472, abs=1),
        what="the form is above the keyboard",
    )
    expect(bar).to_be_hidden()


@pytest.mark.parametrize("js", [True, False])
def test_phone_chip_sums_up_and_opens_one_sheet(visit, js):
    """What costs is in view, and all of it can be chosen in one place."""
    page = visit("/?size=16:9&n=2", width=390, js=js).page
    page.locator("#prompt").focus()
    shown = page.locator(".choices .chip:visible, .choices summary:visible")
    for box in [each.bounding_box() for each in shown.all()] if js else []:
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    summed = page.locator("#sum")
    expect(summed).to_have_text("16:9 · 1K · ×2")

    page.locator(".sum").click()
    sheet = page.locator("#sheet")
    for name, value in [("size", "3:4"), ("resolution", "2K"), ("n", "3")]:
        sheet.locator(f'[name="{name}"][value="{value}"]').check(force=True)
    sheet.locator('[name="style"]').nth(1).check(force=True)
    expect(sheet.locator("#seed")).to_be_visible()
    sheet.get_by_role("button", name="完成").click()

    expect(sheet).to_be_hidden()
    if js:
        expect(summed).to_have_text(re.compile("^3:4 · 2K · ×3 · ."))


def asked_for(seen) -> int:
    return sum("styles.webp" in url for url in seen.requests)


@every_look
def test_styles_are_little_pictures(visit, look):
    """One strip for all; by keyboard they are the choices they were."""
    page = (seen := visit("/", **look)).page
    page.wait_for_load_state("networkidle")
    assert asked_for(seen) == 0
    with page.expect_request("**/styles.webp*"):
        choices_of(page)
    page.locator("#choose-style [value=ink]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#choose-style [value=gongbi]")).to_be_checked()
    assert asked_for(seen) == 1
    seen.check("create-styles")


@pytest.mark.parametrize("js", [True, False])
def test_styles_in_the_narrowest_window(visit, js):
    """Nothing is wider than the window, with a script and without."""
    seen = visit("/", lang="en", theme="light", width=320, js=js)
    choices_of(seen.page)
    seen.page.locator("#choose-style [value=picture-book]").scroll_into_view_if_needed()
    seen.check("create-styles-narrow")
