"""The form on a phone: where it stays, and what stays above it."""

import pytest
from playwright.sync_api import expect

from tests.waiting import wait_for

# What iOS does when its keyboard comes up: the page does not get smaller.
COVERED = """
Object.defineProperty(visualViewport, "height", { value: 500, configurable: true });
visualViewport.dispatchEvent(new Event("resize"));
"""


def test_phone_says_what_is_wrong_above_the_form(visit):
    """What could not be sent can be sent again: its button is in sight."""
    page = visit("/", width=390).page
    page.locator("#notices").evaluate(
        "(place) => { place.innerHTML = '<p class=notice data-kind=error>no</p>'; }"
    )

    notice = page.locator("#notices .notice").bounding_box()
    form = page.locator("#composer").bounding_box()
    assert notice["y"] + notice["height"] <= form["y"]


def test_phone_keeps_the_form_above_the_navigation(visit):
    """Everything of it is in the window, and nothing covers it."""
    page = visit("/", width=390).page

    form, bar = (page.locator(each).bounding_box() for each in (".composer", ".nav"))

    assert bottom(form) == pytest.approx(bar["y"], abs=1)
    assert bottom(bar) == pytest.approx(844, abs=1)
    assert form["height"] < 150


def bottom(box: dict) -> float:
    return box["y"] + box["height"]


def test_phone_keeps_the_form_above_its_keyboard(visit):
    """Whether the keyboard lies over the page, or the window is what it leaves."""
    page = visit("/", width=390).page
    page.locator("#prompt").focus()

    page.evaluate(COVERED)
    assert bottom(page.locator(".composer").bounding_box()) == pytest.approx(500, abs=1)
    page.evaluate("delete visualViewport.height")
    page.set_viewport_size({"width": 390, "height": 480})

    # The page hears of it a moment later.
    form = page.locator(".composer")
    wait_for(
        lambda: bottom(form.bounding_box()) == pytest.approx(480, abs=1),
        what="the form is above the keyboard",
    )
    expect(page.locator(".nav")).to_be_hidden()
