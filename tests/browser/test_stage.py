"""
The stage in a real browser: how one goes through pictures, and comes back; by keys,
fingers, the wheel, and a press that holds.
"""

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from jimeng.documents import Image
from jimeng.documents.principal import Principal
from jimeng.gallery import picture_details
from tests.browser import wall
from tests.browser.harness import every_look
from tests.browser.making import await_request, make, type_at_once
from tests.browser.windows import await_scripts

pytestmark = pytest.mark.usefixtures("empty_gallery")

ME = Principal("guest")


def open_at(page, place: int):
    """Press the picture at a place of the page, and wait until it is seen whole."""
    await_scripts(page)
    page.locator("a[data-view]").nth(place).click()
    expect(page.locator("#stage")).to_be_visible()
    whole(page)
    return shown(page)


def whole(page) -> None:
    """The picture has come with all that belongs to it."""
    expect(page.locator(".stage:not([aria-busy]) .stage-title")).to_be_attached()


def await_way_back(page) -> None:
    """Wait until the stage that was closed is no step of the way back any more."""
    page.wait_for_function("() => !history.state")


def shown(page):
    return page.locator(".stage-picture")


def at(page, place: str) -> None:
    expect(page.locator(".stage:not([aria-busy]) .stage-count")).to_have_text(place)


def scale(page) -> float:
    """How many pixels of the screen one of the picture has."""
    return shown(page).evaluate("each => each.offsetWidth / each.getAttribute('width')")


@every_look
def test_stage_in_every_look(visit, look):
    """The picture as large as the view lets it, its tools, and the ways on."""
    wall.fill(4)
    seen = visit("/gallery", **look)
    picture = open_at(seen.page, 1)
    expect(picture).to_have_js_property("naturalWidth", 416)

    seen.check("stage")

    box, view = picture.bounding_box(), seen.page.locator(".stage-view").bounding_box()
    wide = min(view["width"], view["height"] * 1664 / 936)
    assert box["width"] == pytest.approx(wide, abs=1)
    assert box["height"] == pytest.approx(box["width"] * 936 / 1664, abs=1)
    at(seen.page, "2 / 4")
    assert seen.layout_shift() == []


def test_arrows_go_through_what_was_found(visit):
    """
    Only through what the filters let through; at either end nothing happens. A reload
    shows the same, and Esc leads back to the list. Letters do nothing for who speaks to
    the computer and turned shortcuts off; arrows and Esc are no letters.
    """
    ids = wall.fill(9)
    picture_details.set_favourite(ME, [ids[0], ids[3], ids[8]], True)
    page = visit("/gallery?fav=1", lang="en").page
    page.evaluate("own.set('keys', 'off')")
    open_at(page, 0)
    next_one = page.locator("[rel=next]")

    page.keyboard.press("ArrowLeft")
    at(page, "1 / 3")
    page.keyboard.press("f")
    page.keyboard.press("ArrowRight")
    at(page, "2 / 3")
    assert picture_details.find_picture(ME, ids[0]).favourite
    assert shown(page).get_attribute("alt") == wall.SCENES[3][0]
    assert page.url.endswith(f"/pictures/{ids[3]}?fav=1")
    next_one.click()
    at(page, "3 / 3")
    expect(next_one).to_be_hidden()
    page.keyboard.press("ArrowRight")

    assert shown(page).get_attribute("alt") == wall.SCENES[1][0]
    page.reload()
    whole(page)
    assert page.url.endswith(f"/pictures/{ids[8]}?fav=1")
    expect(page.locator(".stage-title")).to_have_text(wall.SCENES[1][0])
    page.keyboard.press("Escape")
    page.wait_for_url("**/gallery?fav=1*")
    expect(page.locator("a[data-view]")).to_have_count(3)


def test_closing_comes_back_to_the_same_spot(visit):
    """Neither scroll nor address changes, and the focus is on what was seen last."""
    wall.fill(100)
    page = visit("/gallery?ratio=1:1", width=390, lang="en").page
    address, links = page.url, page.locator("a[data-view]")
    expect(links).to_have_count(29)
    links.nth(23).scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    open_at(page, 23)
    page.keyboard.press("ArrowLeft")
    at(page, "23 / 29")

    page.keyboard.press("Escape")

    expect(page.locator("#stage")).to_be_hidden()
    expect(links.nth(22)).to_be_focused()
    await_way_back(page)
    assert page.evaluate("scrollY") == before > 0
    assert page.url == address


def test_picture_that_is_out_of_view_is_moved_to(visit):
    """Far from where it was opened, the picture seen last is where one goes on."""
    wall.fill(25)
    page = visit("/gallery").page
    last = page.locator("a[data-view]").nth(24)
    expect(last).not_to_be_in_viewport()
    open_at(page, 0)
    for _ in range(24):
        page.keyboard.press("ArrowRight")
    at(page, "25 / 25")

    page.get_by_role("link", name="返回").click()

    expect(last).to_be_focused()
    expect(last).to_be_in_viewport(ratio=1)


def test_actions_wait_for_the_picture_that_is_shown(visit):
    """
    Until all of the next picture has arrived its actions are those of the one before:
    neither key nor pointer reaches them.
    """
    ids = wall.fill(3)
    page = visit("/gallery", lang="en").page
    open_at(page, 0)
    page.locator(".stage [data-key=f]").focus()
    held = []
    page.route(f"**/pictures/{ids[1]}*", lambda each: held.append(each), times=1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".stage-count")).to_have_text("2 / 3")
    for key in "fx":
        page.keyboard.press(key)
    page.locator(".stage [data-key=x]").click(force=True)
    held[0].continue_()
    at(page, "2 / 3")
    assert not picture_details.find_picture(ME, ids[0]).favourite

    page.route("**/delete*", lambda each: held.append(each), times=1)
    for key in "xx":
        page.keyboard.press(key)
    expect(page.locator(".stage[aria-busy]")).to_be_visible()
    held[1].continue_()

    at(page, "2 / 2")
    trashed = [Image.find_one({"_id": each}).trashed_at for each in ids]
    assert [each is not None for each in trashed] == [False, True, False]


def test_stage_that_is_closed_meanwhile_stays_closed(visit):
    """What has been asked for goes into the trash, and can be had back."""
    wall.fill(3)
    page = visit("/gallery", lang="en").page
    open_at(page, 0)
    held = []
    page.route("**/delete*", lambda each: held.append(each), times=1)
    page.keyboard.press("x")
    expect(page.locator(".stage[aria-busy]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_be_hidden()
    await_request(page, held)

    held[0].continue_()

    expect(page.locator("a[data-view]")).to_have_count(2)
    expect(page.locator("#notices .undo")).to_be_visible()
    expect(page.locator(".stage")).to_have_count(0)


def test_arrows_make_no_history(visit):
    """Going on leaves no trace: the way back closes, and the next one leaves."""
    wall.fill(6)
    page = visit("/", lang="en").page
    page.goto("/gallery")
    open_at(page, 0)
    length = page.evaluate("history.length")

    for _ in range(4):
        page.keyboard.press("ArrowRight")
    at(page, "5 / 6")
    assert page.evaluate("history.length") == length
    page.go_back()

    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("a[data-view]").nth(4)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_be_visible()
    page.keyboard.press("Escape")
    await_way_back(page)
    page.go_back()
    page.wait_for_url("**/")


def test_older_ones_come_in_time(visit):
    """Before the last of the page is reached the next ones have been asked for."""
    wall.fill(70, apart=timedelta(minutes=1))
    page = visit("/gallery").page
    open_at(page, 50)
    at(page, "51 / 60+")

    for _ in range(7):
        page.keyboard.press("ArrowRight")
    at(page, "58 / 70")
    for _ in range(20):
        page.keyboard.press("ArrowRight")

    at(page, "70 / 70")


def test_wheel_brings_closer_what_is_under_it_and_keys_do_what_buttons_do(visit):
    """
    The point under the pointer stays there, and no edge comes further in. `f` is a
    favourite for good, `d` a file, plus and minus zoom.
    """
    (picture,) = wall.fill(1)
    page = visit("/gallery", lang="en").page
    large = open_at(page, 0)
    box = large.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    expect(page.locator("[data-zoomed]")).to_have_count(1)
    near = large.bounding_box()
    assert (y - near["y"]) / near["height"] == pytest.approx(0.25, abs=0.01)
    page.mouse.wheel(0, -9000)
    expect(page.locator(".stage-zoom")).to_have_text("800%")
    page.mouse.wheel(0, 30000)
    expect(page.locator("[data-zoomed]")).to_have_count(0)
    assert large.bounding_box() == pytest.approx(box)

    heart = page.locator(".stage [data-key=f]")
    below = page.locator(".photo .favourite button")

    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(below).to_have_attribute("aria-pressed", "true")
    assert picture_details.find_picture(ME, picture).favourite
    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert not picture_details.find_picture(ME, picture).favourite
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    before = scale(page)
    page.keyboard.press("+")

    assert waiting.value.suggested_filename.endswith("-1.png")
    assert scale(page) == pytest.approx(1.5 * before, rel=0.01)
    page.keyboard.press("0")
    assert scale(page) == before
    page.keyboard.press("r")
    expect(page.locator("#prompt")).to_have_value(wall.SCENES[0][0])


@pytest.mark.parametrize("place", ["/", "/gallery", "/pictures/"])
@pytest.mark.parametrize("key", ["i", "r", "v"])
def test_what_is_typed_at_once_is_for_the_prompt(visit, live_server, place, key):
    """
    Also where the form is on another page: after its key the letters are its words,
    behind what it brings along, and no shortcuts of the stage.
    """
    task_id = make(live_server, "灯塔")
    seen = visit(f"/pictures/{task_id}_0" if place == "/pictures/" else place)
    if place != "/pictures/":
        open_at(seen.page, 0)
    way = {"i": r"/\?image=|/composer/pic", "r": r"/\?again=|/composer\?", "v": "make="}

    type_at_once(seen.page, key, "五 five foxes", re.compile(way[key]))

    before = "灯塔" if key == "r" else ""
    prompt = seen.page.locator("#prompt")
    expect(prompt).to_have_value(f"{before}五 five foxes")
    expect(prompt).to_be_focused()
    brought = seen.page.locator("#inputs [name=image], [name=first_frame]")
    expect(brought).to_have_count(0 if key == "r" else 1)
    seen.page.keyboard.type("!")
    seen.page.reload()
    expect(prompt).to_have_value(f"{before}五 five foxes!")
    assert not any(url.endswith("/favourite") for url in seen.requests)


def test_feed_is_gone_through_and_its_form_filled_in_place(visit, live_server):
    """`r` closes the stage and puts the words into the form on the same page."""
    make(live_server, "灯塔", n=2, seed=3)
    page = visit("/", lang="en").page
    open_at(page, 0)
    page.evaluate("window.same = true")

    page.keyboard.press("ArrowRight")
    at(page, "2 / 2")
    page.keyboard.press("r")

    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("#prompt")).to_have_value("灯塔")
    expect(page.locator("#prompt")).to_be_focused()
    assert page.evaluate("window.same")
    await_way_back(page)


def test_plain_ways_stay_plain(visit):
    """
    Another tab, and pages without scripts, lead to the picture's own page. While
    pictures are being selected, one more is selected, not opened.
    """
    (picture,) = wall.fill(1)
    page = visit("/gallery").page
    with page.context.expect_page() as opened:
        page.locator("a[data-view]").click(modifiers=["ControlOrMeta"])
    opened.value.wait_for_url(f"**/pictures/{picture}")
    expect(page.locator("#stage")).to_be_hidden()
    page.locator("#select").click()
    page.locator("a[data-view]").click()
    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator(".photo-check")).to_be_checked()
    plain = visit("/gallery", js=False).page

    plain.locator("a[data-view]").click()

    plain.wait_for_url(f"**/pictures/{picture}")


def test_deleted_picture_goes_from_the_list(visit):
    """The next one comes, with the way back; the list has one less."""
    ids = wall.fill(3)
    page = visit("/gallery", lang="en").page
    open_at(page, 1)

    page.keyboard.press("x")

    at(page, "2 / 2")
    assert page.url.endswith(f"/pictures/{ids[2]}")
    expect(page.locator("#notices")).to_contain_text("Moved to the trash")
    # Escape closes first the drawer, then leaves the words, then closes the stage.
    page.keyboard.press("o")
    expect(page.locator(".drawer")).to_be_visible()

    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_be_hidden()
    page.locator("#edit-prompt").fill("snow")
    page.keyboard.press("Escape")
    expect(page.locator(".stage-view")).to_be_focused()
    expect(page.locator("#stage")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("a[data-view]")).to_have_count(2)
    expect(page.locator("a[data-view]").nth(1)).to_be_focused()


def swipe(page, *moves: tuple[int, int], place: tuple[int, int] = (195, 400)) -> None:
    """Put one finger down and draw it along, in pixels from where it came down."""
    points = [(place[0] + x, place[1] + y) for x, y in moves]
    touch(page, [[place], *[[point] for point in points], []])


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
    small = scale(page)

    touch(page, [[(150, 300), (240, 300)], [(100, 300), (290, 300)], []])
    assert scale(page) == pytest.approx(small * 190 / 90, rel=0.02)
    before = picture.bounding_box()["x"]
    swipe(page, (-40, 0), (-100, 0), place=(195, 300))
    assert picture.bounding_box()["x"] == pytest.approx(before - 100, abs=1)
    at(page, "1 / 3")
    tap_twice(page, 195, 300, ago=10)
    assert scale(page) == small
    tap_twice(page, 195, 300, ago=5)

    assert picture.bounding_box()["width"] == pytest.approx(1328, abs=2)
