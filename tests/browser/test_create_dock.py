"""The form in a real browser: its choices, its keys, its place in any window."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser import harness
from tests.browser.harness import every_look
from tests.browser.making import choices_of
from tests.system import people
from tests.waiting import wait_for

USUAL, NO_SEED = "doubao-seedream-3.0-t2i", "jimeng-4.6"
SEND = re.compile("生成|Generate")


def chip(page, name: str):
    """The chip that opens the choices of that name."""
    return page.locator(f"#menu-{name} > summary")


def choose(page, menu: str, value: str) -> None:
    chip(page, menu).click()
    page.locator(f'#menu-{menu} [name="{menu}"][value="{value}"]').check()
    page.keyboard.press("Escape")


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
    assert seen.page.locator(".demo").bounding_box()["height"] < 64
    seen.check("create-first", full=True)
    assert seen.layout_shift() == []
    seen.page.locator(".demo summary").click()
    expect(seen.page.get_by_text("ARK_API_KEY")).to_be_visible()
    # Who has read it does not see it again in this browser.
    seen.page.locator(".demo [data-dismiss]").click()
    expect(seen.page.locator(".demo")).to_have_count(0)
    seen.page.reload()
    expect(seen.page.locator(".composer")).to_be_visible()
    expect(seen.page.locator(".demo")).to_have_count(0)


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
    Each opens under its chip, or as a sheet on a phone, and Escape closes it. What
    braces make is shown under the prompt, with the way to generate it all.
    """
    seen = visit("/", who=newcomer, **look)
    page = seen.page

    narrow = page.locator(".sum").is_visible()
    for menu in ("model",) if narrow else ("model", "size", "style", "seed"):
        chip(page, menu).click()
        panel = page.locator(f"#menu-{menu} .choice-panel")
        expect(panel).to_be_in_viewport(ratio=1)
        seen.shot(f"create-{menu}")
        assert seen.axe(within=f"#menu-{menu}") == []
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
        expect(chip(page, menu)).to_be_focused()
    if narrow:
        choices_of(page)
        expect(page.locator("#sheet")).to_be_in_viewport(ratio=0.9)
        seen.check("create-sheet")
        page.keyboard.press("Escape")
        expect(page.locator("#sheet")).to_be_hidden()
        expect(page.locator(".sum")).to_be_focused()
    page.fill("#prompt", "一只{橘|黑|白}猫，{水彩|油画}风格")
    expect(page.locator("#batch-offer button")).to_be_visible()
    seen.check("create-permutations")


def test_other_model_brings_its_choices(visit):
    """The words stay, what both models take stays, and so does the focus."""
    page = visit(lang="en").page
    page.fill("#prompt", "a lighthouse")
    choose(page, "size", "16:9")
    page.locator('[name="n"][value="3"]').check()
    expect(chip(page, "seed")).to_be_visible()

    chip(page, "model").click()
    radio = page.locator(f'[name="model"][value="{NO_SEED}"]')
    radio.check()

    expect(page.locator('[name="resolution"][value="4K"]')).to_be_visible()
    expect(chip(page, "seed")).to_have_count(0)
    expect(radio).to_be_focused()
    expect(chip(page, "model")).to_contain_text("Jimeng 4.6")
    expect(page.locator("#prompt")).to_have_value("a lighthouse")
    expect(page.locator('[name="size"][value="16:9"]')).to_be_checked()
    expect(page.locator('[name="n"][value="3"]')).to_be_checked()


def test_chips_tell_what_was_chosen(visit):
    """
    And a panel how many pixels that comes to; a seed is rolled and cleared. What is in
    a menu is one arrow away.
    """
    page = visit("/?prompt=x", lang="en").page
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("y")
    expect(page.locator("#prompt")).to_have_value("xy")
    chip(page, "size").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#menu-size [value='1:1']")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(chip(page, "size")).to_be_focused()
    expect(chip(page, "size")).to_contain_text("4:3")

    choose(page, "size", "9:16")
    choose(page, "style", "ink")
    page.locator('[name="resolution"][value="2K"]').check()

    expect(chip(page, "size")).to_contain_text("9:16")
    expect(chip(page, "style")).to_contain_text("Ink wash")
    expect(page.locator("#pixels")).to_have_text("1152×2048 pixels")
    chip(page, "style").click()
    page.get_by_label("Custom").fill("woodcut")
    expect(chip(page, "style")).to_contain_text("woodcut")
    expect(page.locator('[name="style"][value="ink"]')).not_to_be_checked()
    expect(page.locator("#counter")).to_have_text("10/800")
    page.keyboard.press("Escape")

    chip(page, "seed").click()
    page.get_by_role("button", name="Pick a random seed").click()
    expect(chip(page, "seed")).to_have_text(re.compile(r"Seed\s*\d+"))
    page.get_by_role("button", name="Back to random").click()
    expect(chip(page, "seed")).to_contain_text("Random")
    page.locator("#seed").fill("42")
    page.locator("#seed").press("Enter")  # closes the panel and sends nothing
    expect(page.locator("#menu-seed")).not_to_have_attribute("open", "")
    expect(chip(page, "seed")).to_contain_text("42")
    expect(page.locator(".composer.htmx-request")).to_have_count(0)


BOTTOMS = """
() => [...document.querySelectorAll("#menu-style, #menu-seed, #choices .many")]
  .map((each) => Math.round(each.getBoundingClientRect().bottom))
"""


def test_last_chips_stay_in_one_row(visit):
    """However wide the window is, none of them is alone in a row."""
    page = visit("/", lang="en", width=1400).page

    for width in range(1400, 680, -60):
        page.set_viewport_size({"width": width, "height": 800})
        assert len(set(page.evaluate(BOTTOMS))) == 1, width


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
    if not where.is_visible():
        where = chip(page, "seed")
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
    assert bottom(form.bounding_box()) == pytest.approx(bar.bounding_box()["y"], abs=1)
    assert bottom(bar.bounding_box()) == pytest.approx(844, abs=1)
    assert form.bounding_box()["height"] < 150
    page.locator("#notices").evaluate(NOTICE)
    notice = page.locator("#notices .notice").bounding_box()
    assert bottom(notice) <= form.bounding_box()["y"]
    page.locator("#prompt").focus()

    page.evaluate(COVERED)
    assert bottom(form.bounding_box()) == pytest.approx(500, abs=1)
    page.evaluate("delete visualViewport.height")
    page.set_viewport_size({"width": 390, "height": 480})

    # The page hears of it a moment later.
    wait_for(
        lambda: bottom(form.bounding_box()) == pytest.approx(480, abs=1),
        what="the form is above the keyboard",
    )
    expect(bar).to_be_hidden()


@pytest.mark.parametrize("js", [True, False])
def test_phone_chip_sums_up_and_opens_one_sheet(visit, js):
    """What costs is in view, and all of it can be chosen in one place."""
    page = visit("/?size=16:9&n=2", width=390, js=js).page
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


def test_turned_phone_has_the_choices_in_the_row(visit):
    """The sheet does not stay behind as a box of its own."""
    page = visit("/", width=390).page
    page.locator(".sum").click()
    expect(page.locator("#sheet :popover-open, #sheet:popover-open")).to_have_count(1)

    page.set_viewport_size({"width": 844, "height": 390})

    expect(page.locator("#sheet:popover-open")).to_have_count(0)
    row = page.locator(".choices").bounding_box()
    chip = page.locator("#menu-size > summary").bounding_box()
    assert row["y"] <= chip["y"] < row["y"] + row["height"]


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
        chip = page.locator("#menu-style summary")
        if chip.is_visible():  # in the sheet all choices are open
            chip.click()
    page.locator("#menu-style [value=ink]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#menu-style [value=gongbi]")).to_be_checked()
    assert asked_for(seen) == 1
    seen.check("create-styles")


@pytest.mark.parametrize("js", [True, False])
def test_styles_in_the_narrowest_window(visit, js):
    """Nothing is wider than the window, with a script and without."""
    seen = visit("/", lang="en", theme="light", width=320, js=js)
    choices_of(seen.page)
    seen.page.locator("#menu-style [value=picture-book]").scroll_into_view_if_needed()
    seen.check("create-styles-narrow")
