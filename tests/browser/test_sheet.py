"""The sheet that a narrow window has the choices in."""

import re

import pytest
from playwright.sync_api import expect


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
