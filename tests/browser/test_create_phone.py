"""The form in a narrow window: where it stays, what is above it, and its sheet."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import choices_of
from tests.waiting import wait_for

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
