"""Many pictures at once, in a real browser: chosen, taken away, and brought back."""

import re
import zipfile

import pytest
from playwright.sync_api import expect

from jimeng.documents.principal import Principal
from jimeng.gallery import picture_details, trash
from tests.browser import wall
from tests.browser.harness import every_look
from tests.browser.making import commit

pytestmark = pytest.mark.usefixtures("empty_gallery")

ME = Principal("guest")


def boxes(page):
    return page.locator("#photos .photo-check")


def chosen(page) -> list[int]:
    """Which of the pictures are selected, from 0."""
    checked = boxes(page).evaluate_all("found => found.map((each) => each.checked)")
    return [place for place, each in enumerate(checked) if each]


# Scroll on until no check box lies half under the bar: a target of half its size.
SETTLE = """
() => {
  const { top } = document.getElementById("selection").getBoundingClientRect();
  const ends = [...document.querySelectorAll("#photos .photo-check")]
    .map((box) => box.getBoundingClientRect())
    .filter((box) => box.top < top && box.bottom > top);
  if (ends.length) scrollBy(0, ends[0].bottom - top);
}
"""


def press(page, name: str) -> None:
    """Press a button of the bar."""
    page.locator("#selection").get_by_role("button", name=name, exact=True).click()


@every_look
def test_bar_of_the_selected(visit, look):
    """It counts what is selected and what can be done with it, over the pictures."""
    wall.fill(30)
    seen = visit("/gallery", **look)
    page = seen.page
    page.locator("#select").click()
    for place in (0, 2, 3):
        page.locator(".photo").nth(place).click()

    expect(page.locator(".picks-count")).to_contain_text("3")
    expect(page.locator("#selection")).to_be_in_viewport(ratio=1)
    page.evaluate(SETTLE)
    seen.check("gallery-selecting")
    page.locator("#selection .danger").click()
    expect(page.locator("#notices .notice")).to_be_visible()
    seen.check("gallery-deleted")


@every_look
def test_trash_in_its_looks(visit, look):
    """What was deleted, how long it stays, and both ways out of here."""
    trash.trash_pictures(ME, wall.fill(9)[:5])
    seen = visit("/gallery?trash=1", **look)
    page = seen.page
    boxes(page).nth(1).check()
    page.locator("#selection summary").click()
    expect(page.locator("#selection .danger")).to_be_in_viewport(ratio=1)
    seen.check("trash")

    page.goto("/gallery/tidy")

    seen.check("gallery-tidy")


def test_range_is_chosen_with_shift(visit):
    """From the last to this one; a second time takes the range out again."""
    wall.fill(9)
    page = visit("/gallery").page
    pictures = page.locator(".photo")

    pictures.nth(1).hover()
    boxes(page).nth(1).click()
    pictures.nth(5).click(modifiers=["Shift"])
    assert chosen(page) == [1, 2, 3, 4, 5]
    pictures.nth(3).click()
    assert chosen(page) == [1, 2, 4, 5]
    pictures.nth(5).click(modifiers=["Shift"])

    assert chosen(page) == [1, 2]
    expect(page.locator(".picks-count")).to_have_text("已选 2 项")
    commit(page.locator("body"), "Escape")
    assert chosen(page) == [1, 2]
    page.keyboard.press("Escape")
    assert chosen(page) == []
    expect(page.locator("#selection")).to_be_hidden()
    pictures.nth(0).click()
    expect(page.locator("#stage")).to_be_visible()


STANDS_ON = """
() => {
  const { opacity, visibility } = getComputedStyle(document.activeElement);
  return [document.activeElement.className, opacity, visibility];
}
"""


def test_everything_goes_with_the_keys_alone(visit):
    """Select, a range, all, delete, undo: without a mouse, and the focus is kept."""
    wall.fill(6)
    page = visit("/gallery", lang="en").page
    page.keyboard.press("v")
    expect(page.locator(".photo-check").first).to_be_focused()
    expect(page.locator("#select")).to_have_attribute("aria-pressed", "true")
    stops = []
    for _ in range(3):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(STANDS_ON))
    # From box to box over the picture and its heart, both of which are to be seen.
    assert all(stop[1:] == ["1", "visible"] for stop in stops), stops
    assert [stop[0].split()[0] for stop in stops[1:]] == ["photo-link", "photo-check"]
    boxes(page).nth(1).focus()

    page.keyboard.press("Space")
    boxes(page).nth(3).focus()
    page.keyboard.press("Shift+Space")
    assert chosen(page) == [1, 2, 3]
    page.keyboard.press("a")
    assert chosen(page) == [0, 1, 2, 3, 4, 5]
    page.keyboard.press("Delete")

    expect(boxes(page)).to_have_count(0)
    expect(page.locator("#undo")).to_be_focused()
    expect(page.locator("#announce")).to_contain_text("Deleted: 6")
    expect(page.get_by_role("heading", name="Nothing here any more")).to_be_visible()
    page.keyboard.press("Enter")
    expect(boxes(page)).to_have_count(6)
    expect(page.locator("#notices")).to_contain_text("Restored: 6")


def test_chosen_ones_become_favourites_and_a_zip(visit, tmp_path):
    """
    Each shows it at once, and stays selected for what comes next: a file with a name
    for people, and the pictures in it under their prompts.
    """
    wall.fill(5)
    page = visit("/gallery", lang="en").page
    page.locator("#select").click()
    for place in (0, 2):
        page.locator(".photo").nth(place).click()

    press(page, "Favourite")

    expect(page.locator("#notices")).to_contain_text("Added to favourites: 2")
    expect(page.locator(".photo [aria-pressed=true]")).to_have_count(2)
    assert chosen(page) == [0, 2]
    with page.expect_download() as download:
        press(page, "Download zip")

    found = download.value
    assert re.fullmatch(r"jimeng-2-items-[\d-]{10}\.zip", found.suggested_filename)
    found.save_as(tmp_path / "them.zip")
    with zipfile.ZipFile(tmp_path / "them.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "雨后的江南小巷-青石板上一只黑猫-水墨淡彩.png",
            "A-lighthouse-by-the-sea-at-dusk-long-exp.png",
        ]
    page.goto("/gallery?fav=1")
    expect(boxes(page)).to_have_count(2)


def test_filters_stay_over_a_deletion_and_its_undo(visit):
    """Whoever filters, deletes and undoes is still where they were."""
    picture_details.set_favourite(ME, wall.fill(8)[:3], True)
    page = visit("/gallery", lang="en").page
    page.locator(".filters-more summary").click()
    page.get_by_label("Favourites").check()
    expect(boxes(page)).to_have_count(3)
    page.keyboard.press("v")
    page.locator(".photo").nth(1).click()

    press(page, "Delete")
    expect(boxes(page)).to_have_count(2)
    page.locator("#undo").click()

    expect(page.locator("#notices")).to_contain_text("Restored: 1")
    expect(boxes(page)).to_have_count(3)
    page.wait_for_url("**/gallery?fav=1")
    page.reload()  # it is not said again
    expect(boxes(page)).to_have_count(3)
    expect(page.locator("#notices")).to_be_empty()
    page.keyboard.press("v")
    page.locator(".photo").nth(1).click()
    press(page, "Remove from favourites")
    expect(page.locator(".photo [aria-pressed=true]")).to_have_count(2)


def test_trash_gives_back_and_takes_for_good(visit):
    """One comes back, one goes for good, and at last all that is left."""
    trash.trash_pictures(ME, wall.fill(4)[:3])
    page = visit("/gallery?trash=1", lang="en").page
    page.locator("#select").click()

    page.locator(".photo").nth(0).click()
    press(page, "Restore")
    expect(boxes(page)).to_have_count(2)
    page.locator(".photo").nth(0).hover()
    boxes(page).nth(0).check()
    page.locator("#selection summary").click()
    press(page, "Delete for good")
    expect(boxes(page)).to_have_count(1)
    page.locator(".page-head summary").click()
    page.get_by_role("button", name="Empty it").click()

    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    page.goto("/gallery")
    expect(boxes(page)).to_have_count(2)


def test_many_at_once_without_scripts(visit):
    """Check boxes, filters and buttons do the same; the page says what was done."""
    wall.fill(4)
    seen = visit("/gallery", lang="en", width=390, js=False)
    page = seen.page
    expect(page.locator("#selection")).to_be_hidden()
    boxes(page).nth(0).check()
    boxes(page).nth(2).check()
    expect(page.locator("#selection")).to_be_in_viewport(ratio=1)
    seen.check("gallery-selecting")

    press(page, "Delete")
    expect(page.locator("#notices")).to_contain_text("Deleted: 2")
    page.locator("#undo").click()
    expect(boxes(page)).to_have_count(4)
    boxes(page).nth(1).check()
    press(page, "Favourite")
    page.locator("#q").fill("黑猫")
    page.locator(".filters-more summary").click()
    page.locator(".filters-apply").click()
    expect(page.locator(".photo img")).to_have_attribute("alt", re.compile("黑猫"))
    page.goto("/gallery/tidy")
    page.get_by_label("Type “delete” to confirm").fill("delete")
    page.get_by_role("button", name="Delete these 3").click()

    expect(boxes(page)).to_have_count(1)
    expect(page.locator("#undo")).to_be_visible()
