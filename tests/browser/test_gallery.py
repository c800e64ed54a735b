"""The gallery in a real browser: how it looks, and how one finds one's way in it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import picture_details
from tests.browser import wall
from tests.browser.harness import every_look
from tests.browser.making import await_let_go, await_request

pytestmark = pytest.mark.usefixtures("empty_gallery")

ME = Principal("guest")
NOON = datetime(2025, 3, 4, 4, tzinfo=UTC)  # in China: no day ends meanwhile


def photos(page):
    return page.locator("#photos .photo")


@every_look
def test_gallery_in_every_look(visit, look):
    """Pictures by day, filters above them, and nothing moves while they come."""
    ids = wall.fill(30)
    picture_details.set_favourite(ME, ids[1:4], True)
    seen = visit("/gallery", **look)
    expect(photos(seen.page)).to_have_count(30)
    seen.page.wait_for_function(
        "() => [...document.images].filter((each) => each.complete).length > 5"
    )
    photos(seen.page).nth(4).hover()

    seen.check("gallery")

    assert seen.layout_shift() == []


def test_nothing_moves_while_a_thousand_pictures_come(visit):
    """
    A row is seen once it is full, and what stands below the pictures comes last. They
    come by themselves, each day has one heading, none is twice.
    """
    ids = wall.fill(1000)
    seen = visit("/gallery", lang="en")
    page, more = seen.page, seen.page.locator(".photos-more a")
    pressed = page.locator(".photos-more a[hx-trigger=click]")
    page.mouse.move(600, 400)

    while more.count():
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(30)
        if pressed.count():
            address = pressed.get_attribute("href")
            pressed.click()
            expect(page.locator(f"[href='{address}']")).to_have_count(0)

    expect(photos(page)).to_have_count(1000)
    expect(photos(page).last).to_be_visible()
    assert seen.layout_shift(after_input=True) == []
    shown = photos(page).evaluate_all("found => found.map((each) => each.id.slice(8))")
    assert shown == ids
    days = page.locator(".photos-day time").evaluate_all(
        "found => found.map((each) => each.dateTime)"
    )
    assert days == sorted(set(days), reverse=True)


@every_look
def test_without_pictures(visit, look):
    """Each kind of nothing says what it is, and leads on."""
    seen = visit("/gallery", **look)
    expect(seen.page.locator("#filters, #select")).to_have_count(0)
    seen.check("gallery-empty")
    seen.page.goto("/gallery?trash=1")
    seen.check("trash-empty")
    wall.fill(1)
    seen.page.goto("/gallery?q=恐龙&ratio=16:9&from=2025-01-02")
    seen.check("gallery-nothing-found")

    seen.page.locator(".empty a").click()

    expect(photos(seen.page)).to_have_count(1)
    assert seen.page.url.endswith("/gallery")


ROWS = """
found => {
  const boxes = found.map((each) => each.getBoundingClientRect());
  const tops = [...new Set(boxes.map((box) => Math.round(box.top)))];
  return tops.map((top) => boxes.filter((box) => Math.round(box.top) === top)
    .map((box) => [box.width, box.height, box.right]));
}
"""


@pytest.mark.parametrize("width", [390, 1280])
def test_rows_are_full_of_whole_pictures(visit, width):
    """As high as each other, in their own shapes, to the edge but where a day ends."""
    wall.fill(14, newest=NOON, apart=timedelta(seconds=1))
    page = visit("/gallery", width=width).page

    rows = photos(page).evaluate_all(ROWS)

    edge = max(right for row in rows for *_, right in row)
    assert len(rows) > 2
    for row in rows:
        assert max(high for _, high, _ in row) - min(high for _, high, _ in row) < 1
        assert row is rows[-1] or abs(row[-1][2] - edge) < 1
    shapes = [wide / high for row in rows for wide, high, _ in row]
    known = [wide / high for _, (wide, high), _ in wall.SCENES] * 2
    assert shapes == pytest.approx(known, rel=0.03)


def test_tall_pictures_do_not_fill_a_row(visit):
    """Two before one that is too wide for their row are not twice as high for that."""
    ids = wall.fill(3, newest=NOON, apart=timedelta(seconds=1))
    for each, (width, height) in zip(
        ids, [(936, 1664), (936, 1664), (2016, 864)], strict=True
    ):
        shape = {"$set": {"width": width, "height": height}}
        Image.collection().update_one({"_id": each}, shape)
    page = visit("/gallery", width=768).page

    rows = photos(page).evaluate_all(ROWS)

    assert [len(row) for row in rows] == [2, 1]
    assert rows[0][0][1] < 2 * 240


def test_size_of_pictures_is_kept(visit):
    """The slider counts at once, and the next page begins with it."""
    wall.fill(3, newest=NOON)
    page = visit("/gallery").page
    before = photos(page).first.bounding_box()["height"]

    page.locator("#size").press("End")

    large = photos(page).first.bounding_box()["height"]
    assert large > 1.5 * before
    page.reload()
    expect(page.locator("#photos")).to_have_attribute("data-size", "5")
    assert photos(page).first.bounding_box()["height"] > 1.5 * before


def test_words_are_searched_while_they_are_typed(visit):
    """Two characters find; the address, a reload and the way back have the same."""
    wall.fill(8)
    page = visit("/gallery").page

    page.keyboard.press("/")
    page.keyboard.type("黑猫")

    page.wait_for_url("**/gallery?q=%E9%BB%91%E7%8C%AB")  # after the first one, or both
    expect(photos(page)).to_have_count(2)
    expect(page.locator("#q")).to_be_focused()
    photos(page).first.locator("a").first.click()
    expect(page.locator(".stage-title")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_be_hidden()
    expect(photos(page)).to_have_count(2)
    expect(page.locator("#q")).to_have_value("黑猫")
    page.get_by_role("link", name="清除筛选").click()
    expect(photos(page)).to_have_count(8)
    expect(page.locator("#q")).to_have_value("")


def test_each_filter_counts_at_once(visit):
    """Favourite, model, shape and days narrow what is shown, one after the other."""
    ids = wall.fill(14, apart=timedelta(days=1))
    picture_details.set_favourite(ME, ids[7:], True)
    page = visit("/gallery", lang="en").page

    page.locator(".filters-more summary").click()
    page.get_by_label("Favourites").check()
    expect(photos(page)).to_have_count(7)
    expect(page.locator("#hits")).to_have_text("7 pictures")
    expect(page.locator("#select")).to_be_visible()
    page.get_by_label("Model").select_option(wall.OLD)
    expect(photos(page)).to_have_count(4)
    page.get_by_label("Aspect ratio").select_option("16:9")
    expect(photos(page)).to_have_count(1)
    page.get_by_label("From").fill("2030-01-01")
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(page.locator("#select")).to_be_hidden()
    address = page.url.partition("?")[2]
    assert address == f"fav=1&model={wall.OLD}&ratio=16%3A9&from=2030-01-01"
    expect(page.locator(".filters-count")).to_have_text("4")
    page.reload()
    page.locator(".filters-more summary").click()
    expect(page.get_by_label("Favourites")).to_be_checked()
    expect(page.get_by_label("Aspect ratio")).to_have_value("16:9")


def test_what_is_awaited_and_what_fails_is_told(visit):
    """Old results are seen to be old; a server that is away is named, and forgiven."""
    wall.fill(3)
    seen = visit("/gallery", lang="en")
    page, results = seen.page, seen.page.locator("#results")
    held: list = []
    page.route(re.compile("q=fox"), lambda each: held.append(each), times=1)

    page.locator("#q").fill("fox")
    expect(results).to_have_css("opacity", "0.5")
    await_request(page, held)
    held[0].continue_()
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()
    expect(results).to_have_css("opacity", "1")

    seen.forgive("ERR_FAILED")
    seen.forgive("Failed to fetch")
    page.route(re.compile("q=sea"), lambda each: each.abort(), times=1)
    page.locator("#q").fill("sea")
    expect(page.locator(".offline")).to_be_visible()
    expect(results).to_have_css("opacity", "1")
    page.locator("#q").press("Enter")
    expect(photos(page)).to_have_count(1)
    expect(page.locator(".offline")).not_to_be_visible()


def test_days_are_those_of_the_readers_clock(visit):
    """Once the browser has told where it is, a picture of the night is on its day."""
    wall.fill(1, newest=datetime(2025, 3, 4, 17, 0, tzinfo=UTC))
    page = visit("/gallery", timezone_id="America/New_York").page
    expect(page.locator(".photos-day")).to_have_text("2025年3月5日")

    page.reload()

    expect(page.locator(".photos-day")).to_have_text("2025年3月4日")


def test_pictures_that_were_replaced_are_let_go(visit):
    """Searching all day long does not fill the browser's memory."""
    wall.fill(6)
    kept = {"preview_id": "$thumbnail_id", "preview_bytes": "$thumbnail_bytes"}
    Image.collection().update_many({}, [{"$set": kept}])
    page = visit("/gallery", lang="en").page
    expect(photos(page)).to_have_count(6)
    expect(page.locator(".photo img[srcset]")).to_have_count(6)
    page.evaluate("window.first = new WeakRef(document.getElementById('results'))")

    page.locator("#q").fill("fox")
    expect(photos(page)).to_have_count(1)
    page.locator("#q").fill("lighthouse")
    expect(photos(page).locator("img")).to_have_attribute(
        "alt", re.compile("lighthouse")
    )

    await_let_go(page, "first")
