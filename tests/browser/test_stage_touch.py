"""The stage under fingers, the wheel, and a press that holds."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser import wall
from tests.browser.test_stage import at, open_at, scale

pytestmark = pytest.mark.usefixtures("empty_gallery")


def swipe(page, *moves: tuple[int, int], at: tuple[int, int] = (195, 400)) -> None:
    """Put one finger down and draw it along, in pixels from where it came down."""
    points = [(at[0] + x, at[1] + y) for x, y in moves]
    touch(page, [[at], *[[point] for point in points], []])


def touch(page, frames: list[list[tuple[int, int]]], **when: float) -> None:
    """
    What fingers do, a list of places each time; the last one is none. All at once as
    the page sees it, if a *timestamp* is given.
    """
    session = page.context.new_cdp_session(page)
    kinds = ["touchStart", *["touchMove"] * (len(frames) - 2), "touchEnd"]
    for kind, fingers in zip(kinds, frames, strict=True):
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(fingers)]
        how = {"type": kind, "touchPoints": points, **when}
        session.send("Input.dispatchTouchEvent", how)


def tap_twice(page, x: int, y: int, ago: float) -> None:
    """At most a moment apart, by the clock of the page, however long it takes."""
    first = time.time() - ago
    for timestamp in (first, first + 0.1):
        touch(page, [[(x, y)], []], timestamp=timestamp)


def test_fingers_swipe_and_zoom(visit):
    """
    Aside is the next one or the one before, a little is none, down is out. Two apart
    bring it closer, one moves it then, two taps lead out and in again.
    """
    wall.fill(3)
    page = visit("/gallery", width=390).page
    open_at(page, 0)

    swipe(page, (-30, 0), (-120, 4))
    at(page, "2 / 3")
    swipe(page, (-20, 0), (-40, 2))
    at(page, "2 / 3")
    swipe(page, (40, 0), (150, -8))
    at(page, "1 / 3")
    swipe(page, (0, 60), (5, 160))

    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("a[data-view]").first).to_be_focused()
    picture = open_at(page, 0)
    whole = scale(page)

    touch(page, [[(150, 300), (240, 300)], [(100, 300), (290, 300)], []])
    assert scale(page) == pytest.approx(whole * 190 / 90, rel=0.02)
    before = picture.bounding_box()["x"]
    swipe(page, (-40, 0), (-100, 0), at=(195, 300))
    assert picture.bounding_box()["x"] == pytest.approx(before - 100, abs=1)
    at(page, "1 / 3")
    tap_twice(page, 195, 300, ago=10)
    assert scale(page) == whole
    tap_twice(page, 195, 300, ago=5)

    assert picture.bounding_box()["width"] == pytest.approx(1328, abs=2)


def test_wheel_brings_closer_what_is_under_it(visit):
    """The point under the pointer stays there, and no edge comes further in."""
    wall.fill(1)
    page = visit("/gallery").page
    picture = open_at(page, 0)
    box = picture.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)

    page.mouse.wheel(0, -600)
    expect(page.locator("[data-zoomed]")).to_have_count(1)
    near = picture.bounding_box()
    assert (y - near["y"]) / near["height"] == pytest.approx(0.25, abs=0.01)
    page.mouse.wheel(0, -9000)
    expect(page.locator(".stage-zoom")).to_have_text("800%")
    page.mouse.wheel(0, 30000)

    expect(page.locator("[data-zoomed]")).to_have_count(0)
    assert picture.bounding_box() == pytest.approx(box)
