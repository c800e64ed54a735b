"""Collections and shares in a real browser: filled, looked at, and shown to others."""

import re

import pytest
from playwright.sync_api import expect

from jimeng.documents.principal import Principal
from jimeng.gallery import collections, shares, trash
from tests.browser import wall
from tests.browser.harness import every_look

pytestmark = pytest.mark.usefixtures("empty_gallery")

ME = Principal("guest")
LONG = "Lighthouses and other very long names of things that stand by the sea"[:60]


def filled(n: int = 9) -> tuple[str, list[str]]:
    """A collection with the newest of some pictures, and the ids of all."""
    ids = wall.fill(14)
    collections.change(ME, collections.create(ME, LONG).id, add=ids[3:5])
    made = collections.create(ME, "春季海报 Spring")
    collections.change(ME, made.id, add=ids[:n])
    return made.id, ids


def pick(page, *places: int) -> None:
    for place in places:
        page.locator(".photo-check").nth(place).evaluate("box => box.click()")


@every_look
def test_pages_of_collections(visit, look):
    """The list, one of them with some selected, the choice, and its page for others."""
    made, ids = filled()
    share = shares.share_or_update(ME, made, prompts=True)
    seen = visit("/collections", **look)
    page = seen.page
    expect(page.locator(".collection")).to_have_count(2)
    seen.check("collections")

    page.goto(f"/gallery?in={made}")
    expect(page.locator(".photo")).to_have_count(9)
    pick(page, 0, 1)
    page.locator("#selection [data-key=c]").click()
    expect(page.locator("#choose")).to_be_visible()
    seen.check("collections-choose")
    page.locator("#choose [data-closes]").click()
    expect(page.locator("#choose")).to_be_hidden()

    for name, path in (("share", f"/shares/{made}"), ("shares", "/shares")):
        page.goto(path)
        seen.check(name)
    page.goto(f"/s/{share.token}")
    seen.check("shared")
    page.locator(".photo-link").first.click()
    expect(page.locator(".stage:not([aria-busy]) .stage-picture")).to_be_visible()
    seen.check("shared-picture")


def test_selected_pictures_go_into_a_new_collection_and_out(visit):
    """Over the page, by keys; in the collection what is taken out leaves at once."""
    wall.fill(6)
    seen = visit("/gallery", lang="en")
    page = seen.page
    pick(page, 0, 2)
    page.keyboard.press("c")
    page.locator("#choose-name").fill("Spring")
    page.keyboard.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Added to “Spring”: 2")
    expect(page.locator("#choose")).to_have_count(0)

    page.locator(".title-menu summary").click()
    page.get_by_role("link", name="All collections").wait_for()
    page.reload()
    page.locator(".title-menu summary").click()
    page.get_by_role("link", name="Spring").click()
    expect(page.locator("h1")).to_have_text("Spring")
    expect(page.locator(".photo")).to_have_count(2)
    page.locator("#q").fill("lighthouse")
    expect(page.locator(".photo")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"in=collection_\w+&q=lighthouse"))
    expect(page.locator(".filters-count")).to_have_text("")
    page.locator("#q").fill("")
    expect(page.locator(".photo")).to_have_count(2)
    pick(page, 0)
    page.locator("#selection [name=take]").click()
    expect(page.locator(".photo")).to_have_count(1)
    expect(page.locator("#hits")).to_have_text("1 picture")
    expect(page.locator("#undo")).to_be_focused()
    seen.check("collections-taken")
    page.keyboard.press("Enter")
    expect(page.locator(".photo")).to_have_count(2)
    expect(page.locator("#notices")).to_contain_text("Added to “Spring”")
    assert len(collections.find_all(ME)) == 1


def test_stage_puts_what_it_shows(visit):
    """
    The choice opens over it, and closed it stays so, whatever comes into the page; then
    the stage is still there, says what was done, and its keys go on. What other tabs
    have deleted is told of by what lies over the notices, and the page keeps its title.
    """
    made, ids = filled(1)
    page = visit("/gallery", lang="en", refused=(404, 422)).page
    page.locator("a[data-view]").nth(1).click()
    expect(page.locator(".stage-title")).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#choose")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#choose")).to_be_hidden()
    page.keyboard.press("f")
    heart = page.locator(".stage [data-key=f]")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#choose")).to_be_hidden()

    page.keyboard.press("c")
    page.locator("#choose").get_by_role("button", name="Add to: 春季海报").click()

    expect(page.locator("#notices")).to_contain_text("Added to “春季海报 Spring”")
    expect(page.locator("#stage")).to_be_visible()
    inside = collections.containing(ME, [collections.find(ME, made)], ids[:2])
    assert inside == {made: 2}
    page.keyboard.press("ArrowLeft")
    count = page.locator(".stage:not([aria-busy]) .stage-count")
    expect(count).to_have_text(re.compile("^1 / "))

    page.keyboard.press("c")
    row = page.locator("#choose .choose-row", has_text=LONG)
    expect(row).to_be_visible()
    trash.trash_pictures(ME, ids[:1])
    row.click()
    expect(page.locator("#choose")).to_be_hidden()
    title = page.title()
    expect(page.locator("#stage #error p")).to_be_visible()
    page.locator("#error").evaluate("each => each.remove()")
    page.keyboard.press("f")
    expect(page.locator("#stage #error p")).to_have_text("No such picture or video")
    expect(page).to_have_title(title)


def test_choosing_a_collection_keeps_ones_place(visit):
    """A name that is taken is where one writes on; then the selection goes on."""
    filled(1)
    page = visit("/gallery", lang="en", refused=(409,)).page
    pick(page, 1)
    page.locator(".photo-check").nth(1).focus()
    page.keyboard.press("c")
    name = page.locator("#choose-name")
    name.fill(LONG)
    page.keyboard.press("Enter")
    expect(page.locator("#choose-error")).not_to_be_empty()
    expect(name).to_be_focused()

    name.fill("Autumn")
    page.keyboard.press("Enter")

    expect(page.locator("#choose")).to_have_count(0)
    expect(page.locator(".photo-check").nth(1)).to_be_focused()


def test_visitors_walk_through_what_is_shared(visit):
    """
    Over the list: each picture as large as the view lets it, by keys to either end,
    zoomed by the wheel, and back to the one that was seen last. A picture's page that
    is opened alone leads to its neighbours and to all of them.
    """
    made, _ = filled(3)
    page = visit(f"/s/{shares.share_or_update(ME, made).token}").page
    address, picture = page.url, page.locator(".stage-picture")
    count = page.locator(".stage:not([aria-busy]) .stage-count")
    page.locator(".photo-link").first.click()
    expect(count).to_have_text("1 / 3")
    expect(page.locator(".stage [rel=prev]")).to_be_hidden()

    for place in (2, 3, 3):
        page.keyboard.press("ArrowRight")
        expect(count).to_have_text(f"{place} / 3")
    box, view = picture.bounding_box(), page.locator(".stage-view").bounding_box()
    width, height = (int(picture.get_attribute(each)) for each in ("width", "height"))
    wide = min(view["width"], view["height"] * width / height, width)
    assert box["width"] == pytest.approx(wide, abs=1)

    page.mouse.move(view["x"] + view["width"] / 2, view["y"] + view["height"] / 2)
    page.mouse.wheel(0, -600)
    expect(page.locator(".stage-view[data-zoomed]")).to_have_count(1)
    assert picture.bounding_box()["width"] > box["width"] * 2
    page.keyboard.press("Escape")

    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator(".photo-link").nth(2)).to_be_focused()
    expect(page).to_have_url(address)

    page.goto(page.locator(".photo-link").nth(1).get_attribute("href"))
    names = [page.url]
    for key, hidden in (
        ("ArrowLeft", "prev"),
        ("ArrowRight", ""),
        ("ArrowRight", "next"),
    ):
        page.keyboard.press(key)
        page.wait_for_url(lambda url: url != names[-1])
        names.append(page.url)
        expect(page.locator(".stage-zoom")).to_have_text(re.compile(r"\d+%"))
        if hidden:
            expect(page.locator(f".stage [rel={hidden}]")).to_be_hidden()
    page.keyboard.press("Escape")

    page.wait_for_url(address)
    assert names[2] == names[0] and len(set(names)) == 3
