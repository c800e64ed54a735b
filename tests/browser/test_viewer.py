"""The viewer in a real browser: how one goes through pictures, and comes back."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from jimeng.documents.principal import Principal
from jimeng.gallery import picture_details
from tests.browser import wall
from tests.browser.harness import every_look
from tests.browser.making import make
from tests.waiting import wait_for

ME = Principal("guest")
STAGE = ".viewer-stage"


@pytest.fixture(autouse=True)
def empty_gallery(live_server):
    with wall.connected(live_server):
        yield


def open_at(page, place: int):
    """Press the picture at a place of the page, and wait until it is seen whole."""
    page.locator("a[data-view]").nth(place).click()
    expect(page.locator("#viewer")).to_be_visible()
    return shown(page)


def shown(page):
    return page.locator(".viewer-picture")


def place(page) -> str:
    return page.locator(".viewer-count").text_content()


def scale(page) -> float:
    return shown(page).evaluate("each => Number(each.style.scale)")


@every_look
def test_viewer_in_every_look(visit, look):
    """The picture as large as the window lets it, its words, and the ways on."""
    wall.fill(4)
    seen = visit("/gallery", **look)
    picture = open_at(seen.page, 1)
    expect(picture).to_have_js_property("naturalWidth", 416)

    seen.check("viewer")

    box, stage = picture.bounding_box(), seen.page.locator(STAGE).bounding_box()
    assert box["width"] == pytest.approx(min(stage["width"], 1664), abs=1)
    assert box["height"] == pytest.approx(box["width"] * 936 / 1664, abs=1)
    assert place(seen.page) == "2 / 4"
    assert seen.layout_shift() == []


def test_arrows_go_through_what_was_found(visit):
    """Only through what the filters let through; at either end nothing happens."""
    ids = wall.fill(9)
    picture_details.set_favourite(ME, [ids[0], ids[3], ids[8]], True)
    page = visit("/gallery?fav=1", lang="en").page
    open_at(page, 0)
    next_one = page.get_by_role("button", name="Next")

    page.keyboard.press("ArrowLeft")
    assert place(page) == "1 / 3"
    page.keyboard.press("ArrowRight")
    assert shown(page).get_attribute("alt") == wall.SCENES[3][0]
    next_one.click()

    assert place(page) == "3 / 3"
    expect(next_one).to_have_attribute("aria-disabled", "true")
    expect(next_one).to_be_focused()
    next_one.click(force=True)
    assert shown(page).get_attribute("alt") == wall.SCENES[1][0]
    expect(page.locator(".viewer-words")).to_have_text(wall.SCENES[1][0])


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

    page.keyboard.press("Escape")

    expect(page.locator("#viewer")).to_be_hidden()
    expect(links.nth(22)).to_be_focused()
    # Not by the page itself, which lets nobody evaluate words a second time.
    wait_for(lambda: page.evaluate("!history.state"), 60, "the way back is as before")
    assert page.evaluate("scrollY") == before > 0
    assert page.url == address


def test_picture_that_is_out_of_view_is_moved_to(visit):
    """Far from where it was opened, the picture seen last is where one goes on."""
    wall.fill(40)
    page = visit("/gallery").page
    open_at(page, 0)
    for _ in range(39):
        page.keyboard.press("ArrowRight")

    page.get_by_role("button", name="关闭").click()

    last = page.locator("a[data-view]").nth(39)
    expect(last).to_be_focused()
    expect(last).to_be_in_viewport(ratio=1)


def test_arrows_make_no_history(visit):
    """Going on leaves no trace: the way back closes, and the next one leaves."""
    wall.fill(6)
    page = visit("/", lang="en").page
    page.goto("/gallery")
    open_at(page, 0)
    length = page.evaluate("history.length")

    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("history.length") == length
    page.go_back()

    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("a[data-view]").nth(4)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer")).to_be_visible()
    page.keyboard.press("Escape")
    # Not by the page itself, which lets nobody evaluate words a second time.
    wait_for(lambda: page.evaluate("!history.state"), 60, "the way back is as before")
    page.go_back()
    page.wait_for_url("**/")


def test_way_back_from_the_pictures_page_is_the_viewer(visit):
    """Whoever looked up the details goes on where he was."""
    wall.fill(3)
    page = visit("/gallery", lang="en").page
    open_at(page, 0)
    page.keyboard.press("ArrowRight")

    page.get_by_role("link", name="Details").click()
    expect(page.locator(".page-prompt")).to_have_text(wall.SCENES[1][0])
    page.go_back()

    expect(page.locator("#viewer")).to_be_visible()
    assert place(page) == "2 / 3"
    page.keyboard.press("Escape")
    expect(page.locator("a[data-view]").nth(1)).to_be_focused()


def test_reload_near_the_last_one_stays_in_the_viewer(visit):
    """Older ones are asked for in place, and only once they can be: no page is left."""
    wall.fill(40, apart=timedelta(minutes=1))
    page = visit("/").page
    last = page.request.get("/").text().count("data-view=") - 1
    address = page.locator("a[data-view]").nth(last).get_attribute("href")
    open_at(page, last)

    page.reload()

    expect(page.locator("#viewer")).to_be_visible()
    expect(page.locator(".viewer-page")).to_have_js_property("pathname", address)
    expect(page.locator(".viewer-next")).to_have_attribute("aria-disabled", "false")
    page.go_back()
    expect(page.locator("#viewer")).to_be_hidden()
    assert "cursor" not in page.url


def test_older_ones_come_in_time(visit):
    """Before the last of the page is reached the next ones have been asked for."""
    wall.fill(70, apart=timedelta(minutes=1))
    page = visit("/gallery").page
    open_at(page, 0)
    assert place(page) == "1 / 60+"

    for _ in range(57):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".viewer-count")).to_have_text("58 / 70")
    for _ in range(20):
        page.keyboard.press("ArrowRight")

    assert place(page) == "70 / 70"


def test_keys_do_what_the_buttons_do(visit):
    """`f` is a favourite for good, `d` a file, plus and minus zoom."""
    (picture,) = wall.fill(1)
    page = visit("/gallery", lang="en").page
    heart = open_at(page, 0) and page.locator(".viewer-favourite")

    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    assert picture_details.find_picture(ME, picture).favourite
    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "false")
    assert not picture_details.find_picture(ME, picture).favourite
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    page.keyboard.press("+")

    assert waiting.value.suggested_filename.endswith("-1.png")
    assert scale(page) == 1.5
    page.keyboard.press("0")
    assert scale(page) == 1
    page.keyboard.press("r")
    expect(page.locator("#prompt")).to_have_value(wall.SCENES[0][0])


def test_letters_do_nothing_where_shortcuts_are_off(visit):
    """Who speaks to the computer turns them off; arrows and Esc are no letters."""
    ids = wall.fill(2)
    page = visit("/gallery").page
    page.evaluate("own.set('keys', 'off')")
    open_at(page, 0)

    page.keyboard.press("f")
    page.keyboard.press("ArrowRight")

    assert place(page) == "2 / 2"
    page.wait_for_timeout(200)
    assert not picture_details.find_picture(ME, ids[0]).favourite


def test_feed_is_gone_through_and_its_form_filled_in_place(visit, live_server):
    """`r` closes the viewer and puts the words into the form on the same page."""
    make(live_server, "灯塔", n=2, seed=3)
    page = visit("/", lang="en").page
    open_at(page, 0)
    page.evaluate("window.same = true")

    page.keyboard.press("ArrowRight")
    assert place(page) == "2 / 2"
    page.keyboard.press("r")

    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator("#prompt")).to_have_value("灯塔")
    expect(page.locator("#prompt")).to_be_focused()
    assert page.evaluate("window.same")
    # Not by the page itself, which lets nobody evaluate words a second time.
    wait_for(lambda: page.evaluate("!history.state"), 60, "the way back is as before")


def test_plain_ways_stay_plain(visit):
    """Another tab, and pages without scripts, lead to the picture's own page."""
    (picture,) = wall.fill(1)
    page = visit("/gallery").page
    with page.context.expect_page() as opened:
        page.locator("a[data-view]").click(modifiers=["ControlOrMeta"])
    opened.value.wait_for_url(f"**/pictures/{picture}")
    expect(page.locator("#viewer")).to_be_hidden()
    plain = visit("/gallery", js=False).page

    plain.locator("a[data-view]").click()

    plain.wait_for_url(f"**/pictures/{picture}")


def test_selecting_goes_first(visit):
    """While pictures are being selected, one more is selected, not opened."""
    wall.fill(2)
    page = visit("/gallery").page
    page.locator("#select").click()

    page.locator("a[data-view]").first.click()

    expect(page.locator("#viewer")).to_be_hidden()
    expect(page.locator(".photo-check").first).to_be_checked()
