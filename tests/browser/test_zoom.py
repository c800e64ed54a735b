"""Pages for who enlarges them, chooses the colours of all programs, or prints."""

import pytest
from playwright.sync_api import expect

from tests.browser.making import clear, make

PLACE = "each => each.getBoundingClientRect().bottom"
COLOURS = (
    "each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]"
)


@pytest.fixture(scope="module")
def made(live_server) -> str:
    """The id of a task that failed for a reason with long words in it."""
    clear(live_server)
    make(live_server, "a cat that looks out to sea", size="512x768")
    for _ in range(4):
        make(live_server, "[[100010]] others that do not fit")
    return make(live_server, "[[100010]] keys that do not fit")


def test_pictures_have_the_room_of_a_low_window(visit, made):
    """
    At 400 and at 200 % neither form nor navigation stays over what scrolls by; choices
    can be reached, the last model of the list, too: the page scrolls to it. A picture
    alone is not as small as what the window has left beside all else. In letters twice
    as large a phone is 195 pixels wide.
    """
    page = visit("/", lang="en", viewport={"width": 320, "height": 256}).page
    for window in ({"width": 320, "height": 256}, {"width": 683, "height": 325}):
        page.set_viewport_size(window)
        page.locator(".card").last.evaluate("each => each.scrollIntoView()")
        expect(page.locator(".slot img")).to_be_in_viewport(ratio=0.6)
        places = [page.locator(each).evaluate(PLACE) for each in (".composer", ".nav")]
        assert max(places) <= 0, window

    page.locator("#menu-model > summary").click()
    last = page.locator("#menu-model .model").last

    last.click()

    expect(last.locator("input")).to_be_checked()
    page.set_viewport_size({"width": 320, "height": 180})
    address = page.locator(".slot-link").get_attribute("href")
    for path in (address, page.locator(".card-prompt a").last.get_attribute("href")):
        page.goto(path)
        picture = page.locator(":is(.stage-box, .slot) img").first
        assert picture.bounding_box()["height"] >= 200
    page.set_viewport_size({"width": 195, "height": 800})
    for path in ("/", "/?show=all", "/gallery", "/batches/new"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 195, path


BAR = """
() => {
  const bar = document.createElement("progress");
  document.body.append(bar);
  return [document.body, bar].map((each) => getComputedStyle(each).backgroundColor);
}
"""


def test_chosen_is_seen_in_colours_of_the_system(visit, made):
    """
    Not by the weight of letters alone; of the tabs one has a line. Progress is not
    white on white.
    """
    page = visit("/", lang="en", own=True, forced_colors="active").page
    chips = page.locator(".chip:has([name=n])")
    chosen, other = (chips.nth(i).evaluate(COLOURS) for i in (0, 1))
    assert chosen != other

    page.goto("/account")
    lines = page.locator(".tabs a").evaluate_all(
        "all => all.map((each) => getComputedStyle(each).borderBottomColor)"
    )
    assert len(set(lines[1:])) == 1
    assert lines[0] != lines[1]
    ground, bar = page.evaluate(BAR)
    assert bar != ground


@pytest.mark.parametrize("chosen", [True, False])
def test_paper_is_light(visit, made, chosen):
    """A dark theme is one of screens: its words would be pale on white."""
    page = visit("/?show=all", theme="dark", chosen=chosen, own=True).page

    page.emulate_media(media="print")

    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(20, 24, 29)"
