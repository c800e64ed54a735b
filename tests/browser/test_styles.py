"""Styles are chosen by little pictures, which come when they are first seen."""

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import choices_of


def asked_for(seen) -> int:
    return sum("styles.webp" in url for url in seen.requests)


@every_look
def test_styles_are_little_pictures(visit, look):
    """One strip for all; by keyboard they are the choices they were."""
    page = (seen := visit("/", **look)).page
    page.wait_for_load_state("networkidle")
    assert asked_for(seen) == 0
    choices_of(page)
    chip = page.locator("#menu-style summary")
    if chip.is_visible():  # in the sheet all choices are open
        chip.click()
    page.locator("#menu-style [value=ink]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#menu-style [value=gongbi]")).to_be_checked()
    page.wait_for_load_state("networkidle")
    assert asked_for(seen) == 1
    seen.check("create-styles")


@pytest.mark.parametrize("js", [True, False])
def test_styles_in_the_narrowest_window(visit, js):
    """Nothing is wider than the window, with a script and without."""
    seen = visit("/", lang="en", theme="light", width=320, js=js)
    choices_of(seen.page)
    seen.page.locator("#menu-style [value=picture-book]").scroll_into_view_if_needed()
    seen.check("create-styles-narrow")
