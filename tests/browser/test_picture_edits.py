"""Editing on the stage, in a real browser: brush, expand, before and after."""

import io
import re

import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect

from tests import given_pictures as given
from tests.browser.harness import every_look
from tests.browser.making import commit, file, make, type_at_once
from tests.browser.test_stage import touch
from tests.waiting import wait_for

# The file that the form would send, as the page has it.
FILE = """
async (input) => [...new Uint8Array(await input.files[0].arrayBuffer())]
"""
# Where something is once the window's size, or that of a part, has had its effect.
BOX = """
async (part) => {
  for (const _ of "12") await new Promise(requestAnimationFrame);
  return part.getBoundingClientRect().toJSON();
}
"""


@pytest.fixture(scope="module")
def picture(live_server) -> str:
    return f"{make(live_server, '湖边的猫', size='512x512')}_0"


def opened(seen, tool: str):
    page = seen.page
    page.locator(f"[data-tool={tool}]").click()
    return page


def at(page, x: float, y: float) -> tuple[float, float]:
    """The place on the screen of one in the picture, in shares of its sides."""
    box = page.locator(".stage-box").evaluate(BOX)
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def stroke(page, *points: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *points[0]))
    page.mouse.down()
    for each in [*points[1:], points[-1]]:
        page.mouse.move(*at(page, *each), steps=2)
    page.mouse.up()


def mask_of(page):
    """The mask that the form would send: it is stopped before it leaves."""
    form = page.locator("#edit-repaint form")
    form.evaluate("each => { each.elements.mask.value = ''; }")
    page.route("**/edit*", lambda route: route.fulfill(status=204), times=1)
    with page.expect_response("**/edit*"):
        page.locator("#edit-repaint .primary").click()
    mask = page.locator("#mask")
    expect(mask).to_have_value(re.compile("mask.png"))
    made = Pillow.open(io.BytesIO(bytes(mask.evaluate(FILE))))
    assert made.size == (512, 512)
    return made.getchannel("A")


def test_word_that_is_committed_orders_no_edit(visit, picture):
    """
    The Enter that takes a word of an input method is no order, and its Escape leaves
    neither the words nor the stage; the Enter after it orders.
    """
    page = opened(seen := visit(f"/pictures/{picture}", lang="en"), "edit")
    page.route("**/edit", lambda route: route.fulfill(status=204))
    words = page.locator("#edit-prompt")
    words.fill("加一艘船")

    commit(words, "Enter")
    commit(words, "Enter", ctrlKey=True)
    commit(words, "Escape")

    expect(words).to_be_focused()
    assert not any(url.endswith("/edit") for url in seen.requests)
    page.locator("[data-tool=expand]").click()
    edge = page.locator(".expand-edge").first
    page.locator("[data-tool=repaint]").click()
    for target in (edge, page.locator(".stage-mask"), page.locator(".stage-view")):
        for key in ("ArrowLeft", "Enter", "Escape", "z", "f"):
            commit(target, key, ctrlKey=key == "z")
    page.locator("[data-tool=edit]").click()
    with page.expect_request("**/edit"):
        words.press("Enter")


@every_look
def test_what_a_picture_offers(visit, picture, look):
    """Each tool with its fields, in every look."""
    seen = visit(f"/pictures/{picture}", **look)
    for tool in ("edit", "repaint", "erase", "expand", "enlarge"):
        page = opened(seen, tool)
        details = "repaint" if tool == "erase" else tool
        expect(page.locator(f"#edit-{details} .primary")).to_be_visible()
        seen.check(f"picture-{tool}")


def test_mask_is_painted_with_every_tool(visit, picture):
    """As large as the picture, at any zoom; undo and redo take back and give again."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "repaint")
    alpha = lambda: mask_of(page).getpixel  # noqa: E731

    def tool(name: str) -> None:
        page.locator(f"[data-brush={name}]").click()

    stroke(page, (0.1, 0.1), (0.12, 0.1))
    stroke(page, (0.9, 0.1), (0.92, 0.1))
    page.keyboard.press("ControlOrMeta+z")
    tool("lasso")
    stroke(page, (0.3, 0.3), (0.6, 0.3), (0.6, 0.6), (0.3, 0.6))
    tool("eraser")
    stroke(page, (0.45, 0.45), (0.46, 0.45))
    got = alpha()
    assert got((51, 51)) == 0  # the stroke
    assert got((460, 51)) == 255  # undone
    assert got((170, 170)) == 0 and got((290, 290)) == 0  # the lasso
    assert got((231, 231)) == 255  # erased

    page.keyboard.press("ControlOrMeta+z")
    page.keyboard.press("ControlOrMeta+z")
    page.keyboard.press("ControlOrMeta+Shift+z")
    tool("invert")
    got = alpha()
    assert got((51, 51)) == 255 and got((231, 231)) == 255
    assert got((460, 460)) == 0

    tool("clear")
    page.locator("[data-brush=rectangle]").focus()
    for key in ("Enter", "ArrowDown", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    got = alpha()
    assert got((180, 190)) == 0 and got((100, 190)) == 255

    tool("clear")
    page.mouse.move(*at(page, 0.5, 0.5))
    page.mouse.wheel(0, -700)
    expect(page.locator("[data-zoomed]")).to_have_count(1)
    page.keyboard.down("Space")
    stroke(page, (0.5, 0.5), (0.45, 0.45))
    page.keyboard.up("Space")
    tool("brush")
    size = page.locator(".brush [type=range]")
    before = int(size.input_value())
    page.keyboard.press("]")
    assert int(size.input_value()) > before
    stroke(page, (0.5, 0.5), (0.51, 0.5))
    got = alpha()
    assert got((256, 256)) == 0 and got((230, 230)) == 255
    tool("clear")
    page.locator("#edit-repaint .primary").click()
    expect(page.locator("#said-repaint .error")).to_contain_text("paint over")


def test_two_tries_land_in_the_strip_with_one_mask(visit, live_server):
    """
    Open from the gallery, paint, send, send other words: each result comes onto the
    stage by itself, with words and mask for the next, both are beside the picture, and
    Esc leads back.
    """
    made = make(live_server, "湖边的猫", size="512x512")
    page = visit("/gallery", lang="en").page
    page.locator(f"a[data-view][href*='{made}']").click()
    page.locator("[data-tool=repaint]").click()
    stroke(page, (0.4, 0.4), (0.6, 0.6))
    strip = page.locator(".strip-picture")
    for n, words in ((2, "a red boat"), (3, "a blue boat")):
        page.fill("#repaint-prompt", words)
        page.locator("#edit-repaint .primary").dblclick()
        expect(strip).to_have_count(n)
        expect(page.locator(".strip-wait")).to_have_count(0)
        expect(page.locator(".stage-title")).to_have_text(words)
        expect(page.locator("#repaint-prompt")).to_have_value(words)
        expect(page.locator("[data-brush=undo]")).to_be_enabled()
        expect(strip.nth(n - 1)).to_have_attribute("aria-current", "page")

    before = page.locator(".stage-before")
    page.locator("[data-tool=compare]").click()
    expect(before).to_be_visible()
    page.locator("[data-tool=edit]").click()
    expect(before).to_be_hidden()
    page.mouse.move(*at(page, 0.5, 0.5))
    page.mouse.down()
    expect(before).to_be_visible()
    page.mouse.up()
    expect(before).to_be_hidden()
    page.keyboard.press("r")
    page.wait_for_url("**/pictures/*_0?again=*")
    expect(page.locator("#repaint-prompt")).to_have_value("a blue boat")
    expect(page.locator("[data-brush=undo]")).to_be_enabled()
    page.fill("#repaint-prompt", "a boat")
    page.locator("#edit-repaint .primary").click()
    expect(strip).to_have_count(4)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url("**/gallery*")


def test_edit_is_taken_up_with_what_is_typed_at_once(visit, live_server):
    """From the stage and from the feed: the words are its own, and not the draft's."""
    made = make(live_server, "湖边的猫", size="512x512")
    page = opened(visit(f"/pictures/{made}_0", lang="en"), "expand")
    words = page.locator("#expand-prompt")
    words.fill("a boat")
    words.press("Enter")
    expect(page.locator(".stage-title")).to_have_text("a boat")
    expect(words).to_be_focused()
    page.keyboard.press("Escape")

    type_at_once(page, "r", ", five foxes", re.compile("again="))

    expect(words).to_have_value("a boat, five foxes")
    expect(words).to_be_focused()
    page.goto("/")
    page.fill("#prompt", "a draft")
    page.locator("[id^=remix-]").first.focus()
    type_at_once(page, "Enter", ", red", re.compile(r"/composer\?"))
    expect(words).to_have_value("a boat, red")
    page.goto("/")
    expect(page.locator("#prompt")).to_have_value("a draft")


def test_fingers_paint_and_two_of_them_zoom(visit, picture):
    """On a phone: one paints, two move, and what they touched first is not painted."""
    page = opened(visit(f"/pictures/{picture}", lang="en", width=390), "repaint")
    x, y = at(page, 0.5, 0.5)
    wide = page.locator(".stage-box").bounding_box()["width"]

    touch(page, [[(x, y)], [(x - 40, y), (x + 40, y)], [(x - 90, y), (x + 90, y)], []])
    expect(page.locator("[data-zoomed]")).to_have_count(1)
    assert page.locator(".stage-box").bounding_box()["width"] > 1.5 * wide
    expect(page.locator("[data-brush=undo]")).to_be_disabled()
    touch(page, [[(x, y)], [(x + 20, y + 20)], []])

    expect(page.locator("[data-brush=undo]")).to_be_enabled()


def test_edges_are_dragged_and_moved_by_keys(visit, picture):
    """No further than the model goes; what the frame says is what comes out."""
    seen = visit(f"/pictures/{picture}", lang="en")
    page = opened(seen, "expand")
    size = page.locator(".expand-size")
    number = page.locator("#edit-expand [name=right]")
    expect(size).to_have_text("512×512 → 683×512")  # the first shape, 4:3
    expect(number).to_have_value("17")

    def drag(edges: str, x: float, y: float) -> None:
        edge = page.locator(f".expand-frame [data-edges='{edges}']")
        box, whole = edge.evaluate(BOX), page.locator(".stage-box").evaluate(BOX)
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
    top = page.locator("#edit-expand [name=top]")
    expect(top).to_have_value("40")
    expect(page.locator("#edit-expand [name=left]")).to_have_value("27")
    page.keyboard.press("ArrowDown")
    expect(top).to_have_value("39")
    drag("top", 0, 2)
    expect(top).to_have_value("0")

    bottom = page.get_by_role("slider", name="Added at the bottom")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Shift+ArrowRight", "PageUp"):
        bottom.press(key)
    expect(bottom).to_have_attribute("aria-valuenow", "21")
    expect(bottom).to_have_attribute("aria-valuetext", re.compile("855×620"))
    assert page.url.endswith(picture)  # arrows lead to no other picture
    page.get_by_role("slider", name="Added on the left").press("ArrowRight")
    expect(size).to_have_text("512×512 → 850×620")
    strip = page.locator(".strip-picture")
    before = strip.count()
    page.locator("#edit-expand .primary").click()

    expect(strip).to_have_count(before + 1)
    strip.last.click()
    expect(page.locator(".stage-picture")).to_have_attribute("width", "850")


def test_refused_edit_stays_open_with_words(visit, picture):
    """Without a script, and edges that are too wide."""
    page = visit(f"/pictures/{picture}", lang="en", js=False, width=390).page
    page.locator("#edit-repaint > summary").click()

    page.locator("#edit-repaint .primary").click()

    expect(page.locator("#edit-repaint .error")).to_be_visible()
    expect(page.locator(".brush")).to_be_hidden()
    page.locator("#edit-repaint .tool-more summary").click()
    expect(page.locator("#mask")).to_be_visible()


def test_edit_says_the_price_of_all_and_outlives_a_reload(visit, picture):
    """Of as many as are chosen; what is unknown is not said. Its words stay there."""
    page = opened(visit(f"/pictures/{picture}", lang="en"), "edit")
    cost, count = page.locator("#edit-edit .cost"), page.locator("#edit-n")
    cost.evaluate("""place => { place.dataset.micros = '{"a": 200000}'; }""")

    count.select_option("3")
    expect(cost).to_have_text("¥0.60")
    cost.evaluate("place => { place.dataset.micros = '{}'; }")
    count.select_option("2")
    expect(cost).to_have_text("")
    page.locator("#edit-prompt").fill("make it snow")
    page.reload()

    expect(page.locator("#edit-prompt")).to_have_value("make it snow")


@every_look
def test_compare_in_every_look(visit, live_server, look):
    """Each way of comparing two, and nothing moves by itself meanwhile."""
    made = make(live_server, "[[slow 0]] 两只猫", size="512x512", n=2)
    seen = visit(f"/pictures/{made}_0", **look)
    seen.page.locator("[data-tool=compare]").click()
    for mode in ("slide", "side", "flip"):
        seen.page.locator(f"[data-mode={mode}]").click()
        other = seen.page.locator(".stage-other" if mode == "side" else ".stage-before")
        expect(other).to_have_js_property("naturalWidth", 512)
        expect(other).to_be_visible()
        seen.check(f"compare-{mode}")
    assert seen.layout_shift() == []


def test_two_pictures_are_compared(visit, live_server):
    """By slider, side by side or by flip; zoom and pan move both, and so do keys."""
    made = make(live_server, "[[slow 0]] 三只猫", size="512x512", n=3)
    page = visit(f"/pictures/{made}_0", lang="en").page
    pictures = [page.locator(f"#strip-{made}_{n}") for n in range(3)]
    page.keyboard.press("h")
    expect(page.locator(".stage-before")).to_be_visible()

    page.keyboard.press("2")
    one, other = page.locator(".stage-box"), page.locator(".stage-other")
    expect(other).to_be_visible()
    expect(other).to_have_js_property("naturalWidth", 512)
    view = page.locator(".stage-view").bounding_box()
    a, b = one.bounding_box(), other.bounding_box()
    assert a["width"] == b["width"]
    assert b["x"] + b["width"] <= view["x"] + view["width"] / 2 <= a["x"]
    # The wheel over the other half: both grow round the same place.
    page.mouse.move(b["x"] + 10, b["y"] + 10)
    page.mouse.wheel(0, -400)
    wait_for(lambda: one.bounding_box()["width"] > 1.5 * a["width"], what="the zoom")
    aside = view["width"] / 2 + 1
    zoomed = one.bounding_box(), other.bounding_box()
    assert zoomed[0]["x"] - aside == pytest.approx(zoomed[1]["x"], abs=1)
    assert zoomed[0]["y"] == zoomed[1]["y"]
    # In the strip another one is chosen, by the keys or by a press.
    expect(pictures[1]).to_have_attribute("data-other", "")
    page.keyboard.press("ArrowDown")
    expect(pictures[2]).to_have_attribute("data-other", "")
    assert other.get_attribute("data-whole") == pictures[2].get_attribute("data-whole")
    pictures[1].click()
    expect(pictures[1]).to_have_attribute("data-other", "")
    assert page.url.endswith(f"/pictures/{made}_0")

    page.keyboard.press("3")
    flip = page.locator(".stage-before")
    expect(flip).to_be_visible()
    page.mouse.click(view["x"] + view["width"] / 2, view["y"] + view["height"] / 3)
    expect(flip).to_be_hidden()
    page.keyboard.press("3")
    expect(flip).to_be_visible()
    page.keyboard.press("h")
    expect(flip).to_be_hidden()


def test_the_first_of_two_stays_while_one_goes_on(visit, live_server):
    """Arrows bring others beside it; what was chosen in the gallery is compared."""
    first, second, _ = (
        make(live_server, words, size="512x512") for words in ("一", "二", "三")
    )
    page = visit("/gallery", lang="en", width=390).page
    page.locator("#select").click()
    for each in (first, second):
        page.locator(f"#picture-{each}_0 .photo-check").check()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url("**/pictures/*with=*")
    shown, other = page.locator(".stage-picture"), page.locator(".stage-other")
    page.get_by_role("button", name="Side by side").click()
    # In a high window one lies over the other.
    a, b = shown.bounding_box(), other.bounding_box()
    assert b["y"] + b["height"] <= a["y"]
    assert {shown.get_attribute("alt"), other.get_attribute("alt")} == {"一", "二"}

    page.goto(f"/pictures/{second}_0")
    page.goto("/gallery")
    page.locator(f"a[data-view][href*='{second}']").click()
    page.locator("[data-tool=compare]").click()
    expect(other).to_have_attribute("alt", "一")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".stage-title")).to_have_text("三")
    expect(other).to_have_attribute("alt", "二")
    expect(other).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_be_hidden()


@every_look
def test_upload_is_edited_on_the_stage(visit, look):
    """From the form; its mask is still there when the edit is taken up again."""
    seen = visit("/?model=jimeng-i2i-3.0", **look)
    page = seen.page
    page.set_input_files("#files", [file(given.photo(3))])
    page.locator(".input-edit").click()
    page.wait_for_url("**/inputs/upload_*/edit")
    page.locator("[data-tool=repaint]").click()
    seen.check("stage-upload")
    assert seen.layout_shift() == []
    page.locator("#edit-repaint .primary").click()
    expect(page.locator("#said-repaint .error")).to_be_visible()
    stroke(page, (0.4, 0.4), (0.6, 0.6))
    page.fill("#repaint-prompt", "a red boat")
    page.locator("#edit-repaint .primary").click()

    page.wait_for_url("**/tasks/*")
    expect(page.locator(".slot img")).to_be_visible()
    page.locator("[id^=remix-]").click()
    page.wait_for_url("**/inputs/upload_*/edit?again=*")
    expect(page.locator("#repaint-prompt")).to_have_value("a red boat")
    expect(page.locator("[data-brush=undo]")).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.locator("#inputs .input-tile")).to_have_count(1)
