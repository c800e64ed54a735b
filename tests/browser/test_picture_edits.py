"""Changing a picture on its page, in a real browser: the brush, before and after."""

import io
import re

import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import make

# The file that the form would send, as the page has it.
FILE = """
async (input) => [...new Uint8Array(await input.files[0].arrayBuffer())]
"""


@pytest.fixture(scope="module")
def picture(live_server) -> str:
    return f"{make(live_server, '湖边的猫', size='512x512')}_0"


def opened(seen, act: str):
    page = seen.page
    page.locator(f"#edit-{act} summary").click()
    return page


@every_look
def test_what_a_picture_offers(visit, picture, look):
    """Each act with its fields, in every look."""
    for act in ("edit", "repaint", "expand", "enlarge"):
        seen = visit(f"/pictures/{picture}", **look)
        page = opened(seen, act)
        expect(page.locator(f"#edit-{act} .primary")).to_be_visible()
        page.locator(f"#edit-{act}").scroll_into_view_if_needed()
        seen.check(f"picture-{act}")


def test_brush_makes_a_mask_of_the_pictures_size(visit, picture):
    """Pointer and keyboard paint it clear; the eraser and undo take it back."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "repaint")
    canvas = page.locator(".brush canvas")

    def stroke(x: float, y: float) -> None:
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        page.mouse.move(
            box["x"] + x * box["width"] + 1, box["y"] + y * box["height"], steps=2
        )
        page.mouse.up()

    stroke(0.1, 0.1)
    stroke(0.9, 0.1)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Rectangle").click()
    for key in ("ArrowDown", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Eraser").click()
    stroke(0.5, 0.5)
    # Stopped before it leaves, to be looked at.
    page.evaluate(
        """() => document.querySelector("#edit-repaint form").addEventListener(
          "submit", (event) => {
            if (document.getElementById("mask").files.length) event.preventDefault();
          })"""
    )
    page.locator("#edit-repaint .primary").click()
    mask = page.locator("#mask")
    expect(mask).to_have_value(re.compile("mask.png"))

    made = Pillow.open(io.BytesIO(bytes(mask.evaluate(FILE))))
    alpha = made.getchannel("A")
    assert made.size == (512, 512)
    assert alpha.getpixel((51, 51)) == 0  # the stroke
    assert alpha.getpixel((460, 51)) == 255  # undone
    assert alpha.getpixel((180, 190)) == 0  # the rectangle
    assert alpha.getpixel((256, 256)) == 255  # erased


def test_keys_go_to_what_is_painted(visit, live_server, picture):
    """Undo takes a stroke back, and until then no arrow leaves for the neighbours."""
    newer = f"{make(live_server, '山上的猫', size='512x512')}_0"
    seen = visit(f"/pictures/{newer}", lang="en")
    page = opened(seen, "repaint")
    older = page.locator("[data-key=ArrowRight]")
    expect(older).to_be_visible()
    canvas = page.locator(".brush canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=2)
    page.mouse.up()

    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Eraser").focus()
    page.keyboard.press("ArrowRight")
    canvas.focus()
    page.keyboard.press("ControlOrMeta+z")

    expect(page.locator("#announce")).to_have_text("Undone")
    assert page.url.endswith(newer)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: not url.endswith(newer))


def test_part_is_repainted_and_compared(visit, picture):
    """From the brush to before and after, whose slider moves by keyboard."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "repaint")
    page.get_by_role("button", name="Rectangle").click()
    page.keyboard.press("Enter")
    page.fill("#repaint-prompt", "a red boat")

    page.locator("#edit-repaint .primary").dblclick()

    page.wait_for_url("**/tasks/**")
    page.locator(".slot-link").wait_for()
    page.goto(page.locator(".slot-link").get_attribute("href"))
    slide = page.locator(".compare-slide")
    slide.press("ArrowRight")
    expect(page.locator(".compare")).to_have_attribute("style", "--at: 51%;")
    assert page.url.endswith("_0")
    page.get_by_role("navigation", name="Made from").get_by_role("link").click()
    into = page.get_by_role("navigation", name="Made into").get_by_role("link")
    expect(into).to_have_count(1)


def test_edges_are_dragged_and_moved_by_keys(visit, picture):
    """No further than the model goes; what the frame says is what comes out."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "expand")
    size = page.locator(".expand-size output")
    number = page.locator("#edit-expand [name=right]")
    expect(size).to_have_text("683×512")  # the first shape, 4:3
    expect(number).to_have_value("17")

    def drag(edges: str, x: float, y: float) -> None:
        handle = page.locator(f".expand [data-edges='{edges}']")
        handle.scroll_into_view_if_needed()
        box, whole = handle.bounding_box(), page.locator(".expand img").bounding_box()
        start = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*start)
        page.mouse.down()
        end = start[0] + x * whole["width"], start[1] + y * whole["height"]
        page.mouse.move(*end, steps=3)
        page.mouse.up()

    drag("right", 2, 0.2)
    expect(number).to_have_value("40")
    expect(page.locator("#edit-expand [name=shape][value='']")).to_be_checked()
    drag("top left", -0.1, -2)
    assert page.locator("#edit-expand [name=top]").input_value() == "40"
    assert page.locator("#edit-expand [name=left]").input_value() == "27"
    page.keyboard.press("ArrowDown")
    assert page.locator("#edit-expand [name=top]").input_value() == "39"
    drag("top", 0, 2)
    expect(page.locator("#edit-expand [name=top]")).to_have_value("0")

    bottom = page.get_by_role("slider", name="Added at the bottom")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Shift+ArrowRight", "PageUp"):
        bottom.press(key)
    expect(bottom).to_have_attribute("aria-valuenow", "21")
    expect(bottom).to_have_attribute("aria-valuetext", re.compile("855×620"))
    assert page.url.endswith(picture)  # arrows lead to no other picture
    page.get_by_role("slider", name="Added on the left").press("ArrowRight")
    expect(size).to_have_text("850×620")
    page.locator("#edit-expand .primary").click()

    page.wait_for_url("**/tasks/**")
    expect(page.locator("main")).to_contain_text("850×620")


def test_refused_edit_stays_open_with_words(visit, picture):
    """Without a script, and edges that are too wide."""
    page = visit(f"/pictures/{picture}", lang="en", js=False, width=390).page
    page.locator("#edit-repaint summary").click()

    page.locator("#edit-repaint .primary").click()

    expect(page.locator("#edit-repaint .error")).to_be_visible()
    expect(page.locator(".brush")).to_be_hidden()
    expect(page.locator("#mask")).to_be_visible()


def test_words_of_an_edit_outlive_a_reload(visit, picture):
    """In this tab, and on this picture's page."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "edit")
    page.locator("#edit-prompt").fill("make it snow")

    page.reload()

    expect(page.locator("#edit-prompt")).to_have_value("make it snow")
