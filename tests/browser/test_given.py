"""Pictures that go in, in a real browser: chosen, pasted, dropped, moved, sent."""

import re

import pytest
from playwright.sync_api import expect

from tests import given_pictures as given
from tests.browser.harness import every_look
from tests.browser.making import button, choices_of, file, make
from tests.waiting import wait_for

WORDS_ONLY = "/?model=jimeng-3.1&size=512x512"
TAKES = "/?model=jimeng-i2i-3.0"
# What a page cannot be handed from outside: files in a paste, or over it.
HAND_OVER = """
async ([kind, name, text]) => {
  const data = new DataTransfer();
  const canvas = new OffscreenCanvas(300, 200);
  canvas.getContext("2d").fillRect(0, 0, 300, 200);
  data.items.add(new File([await canvas.convertToBlob()], name, { type: "image/png" }));
  if (text) data.setData("text/plain", text);
  const target = document.getElementById("prompt");
  const init = { bubbles: true, cancelable: true };
  target.dispatchEvent(kind === "paste"
    ? new ClipboardEvent(kind, { ...init, clipboardData: data })
    : new DragEvent(kind, { ...init, dataTransfer: data }));
}
"""

SAID = "窗台上的猫 <b>&amp;</b>，清晨的光穿过薄纱，木地板上有长长的影子"
DROP_LINK = """
async (path) => {
  const data = new DataTransfer();
  const blob = await (await fetch(path)).blob();
  data.items.add(new File([blob], "picture", { type: blob.type }));
  const init = { bubbles: true, cancelable: true, dataTransfer: data };
  document.getElementById("prompt").dispatchEvent(new DragEvent("drop", init));
}
"""
USE = {"zh": "使用提示词和设置", "en": "Use prompt and settings"}
UNDO = {"zh": "撤销", "en": "Undo"}


def chosen(page, *contents: bytes):
    """Choose files, and wait until all are there."""
    items = page.locator("#inputs .input-tile:not(.input-uploading)")
    before = items.count()
    page.set_input_files("#files", [*map(file, contents)])
    expect(items).to_have_count(before + len(contents))
    return items


def values(page) -> list[str]:
    return page.locator("#inputs [name=image]").evaluate_all(
        "all => all.map((each) => each.value)"
    )


@pytest.fixture(scope="module")
def drawn(live_server) -> str:
    """A picture, as a link puts it into the form."""
    return f"image={make(live_server, '窗台上的猫，清晨')}_0"


@every_look
def test_dock_with_pictures(visit, drawn, look):
    """A model that takes none gives way to one that does; it may be had back."""
    seen = visit(f"{WORDS_ONLY}&{drawn}", **look)
    page = seen.page
    page.locator("#prompt").focus()
    before = page.locator("#menu-model .chip-now")
    expect(page.locator("#inputs img")).to_have_js_property("complete", True)
    expect(page.locator('[data-note="switched"]')).to_be_visible()
    page.locator("[data-input-action=unswitch]").click()
    expect(before).to_have_text(re.compile("3.1"))
    expect(page.locator('[data-note="cannot"]')).to_be_visible()
    seen.check("create-pictures")

    page.locator("[data-switch]").click()

    expect(page.locator('[data-note="cannot"]')).to_be_hidden()
    assert len(values(page)) == 1
    choices_of(page)
    page.locator("#sheet [type=range]").fill("70")
    expect(page.locator("#strength")).to_have_value("70")
    choices_of(page, shown=False)
    page.fill("#prompt", "图1 里的猫，换成下雪的傍晚")
    seen.check("create-from-pictures")


def test_pictures_are_pasted_dropped_moved_and_removed(visit):
    """
    But words that are pasted stay words, though a picture of them comes along. By the
    keyboard the numbers follow, and the focus stays where work goes on.
    """
    page = visit(TAKES, lang="en").page
    page.locator("#prompt").focus()
    expect(page.locator('[data-note="few"]')).to_be_visible()
    items = page.locator("#inputs .input-tile:not(.input-uploading)")

    page.evaluate(HAND_OVER, ["paste", "words.png", "some words"])
    page.evaluate(HAND_OVER, ["paste", "pasted.png", ""])
    expect(items).to_have_count(1)
    expect(page.locator('[data-note="few"]')).to_be_hidden()
    page.evaluate(HAND_OVER, ["drop", "dropped.png", ""])
    expect(items).to_have_count(2)

    # No other model takes two either, as the server has no public address.
    expect(page.locator('[data-note="many"]')).to_be_visible()
    first, second = values(page)

    page.get_by_role("button", name="Move picture 2 earlier").press("Enter")
    assert values(page) == [second, first]
    remove = page.get_by_role("button", name="Remove picture 1")
    remove.press("ArrowRight")
    assert values(page) == [first, second]
    page.locator("#inputs [data-input-action=remove]:focus").press("ArrowLeft")
    assert values(page) == [second, first]
    expect(page.locator(".input-number").first).to_have_text("Picture 1")
    page.get_by_role("button", name="Remove picture 1").press("Enter")

    assert values(page) == [first]
    expect(page.get_by_role("button", name="Remove picture 1")).to_be_focused()
    expect(page.locator("#pictures")).to_have_value("1")


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "finger"])
def test_pictures_are_put_in_order_by_dragging(visit, touch):
    """A finger holds still before; given up, it is as it was. No button is pressed."""
    seen = visit(TAKES, lang="en", width=390 if touch else 1280)
    page = seen.page
    chosen(page, given.photo(), given.cmyk(), given.clear())
    first, second, third = values(page)
    events = page.context.new_cdp_session(page)

    def at(id_: str) -> dict:
        box = page.locator(f"#inputs .input-tile:has([value='{id_}'])").bounding_box()
        return {"x": box["x"] + 70, "y": box["y"] + 18}  # on its button

    def send(kind: str, *point: dict) -> None:
        if touch:
            name = {"down": "Start", "move": "Move", "up": "End"}[kind]
            how = {"type": f"touch{name}", "touchPoints": list(point)}
            events.send("Input.dispatchTouchEvent", how)
        elif point:
            page.mouse.move(point[0]["x"], point[0]["y"], steps=4)
        if not touch and kind != "move":
            getattr(page.mouse, kind)()

    def drag(id_: str, to: str) -> None:
        start, end = at(id_), at(to)
        send("down", start)
        if touch:
            page.locator(".input-tile[data-held]").wait_for()
        side = 15 if end["x"] > start["x"] else -15
        for share in (0.25, 0.5, 0.75, 1):
            x = start["x"] + (end["x"] + side - start["x"]) * share
            send("move", {**start, "x": x})
            page.wait_for_timeout(50)

    drag(first, third)
    send("up")
    assert values(page) == [second, third, first]
    expect(page.locator(".input-number").last).to_have_text("Picture 3")
    drag(first, second)
    page.keyboard.press("Escape")
    send("up")
    assert values(page) == [second, third, first]


def test_pictures_outlive_a_reload_and_other_pages(visit):
    """But for one that is gone, which the page says; a link's comes behind them."""
    page = visit(TAKES, lang="en").page
    chosen(page, given.photo(), given.cmyk())
    first, second = values(page)
    page.fill("#prompt", "like these")

    page.reload()
    expect(page.locator("#inputs .input-tile")).to_have_count(2)
    assert values(page) == [first, second]
    page.goto("/gallery")
    page.goto("/")
    expect(page.locator("#inputs .input-tile")).to_have_count(2)
    expect(page.locator("#prompt")).to_have_value("like these")
    answer = page.request.delete(f"/api/v1/uploads/{first}")
    assert answer.ok
    page.goto(f"/?image={first}&image={second}")

    expect(page.locator("#errors-images")).to_contain_text("be restored")
    assert values(page) == [second]
    page.reload()
    expect(page.locator("#inputs .input-tile")).to_have_count(1)
    expect(page.locator("#errors-images")).to_be_empty()
    other = page.context.new_page()
    other.goto("/")
    expect(other.locator("#inputs .input-tile")).to_have_count(0)


def test_upload_is_cancelled_and_holds_back_the_form(visit):
    """
    While one is on its way nothing is asked for, which is not said any longer than it
    is true; given up, it leaves no trace. What is no picture says so.
    """
    seen = visit(TAKES, lang="en")
    page = seen.page
    waiting: list = []
    page.route("**/inputs", lambda route: waiting.append(route), times=2)
    page.fill("#prompt", "a slow photo")
    page.set_input_files("#files", [file(given.photo())])
    expect(page.locator(".input-uploading progress")).to_be_visible()

    page.locator("#composer .primary").click()
    expect(page.locator("#errors-images")).to_contain_text("still being uploaded")
    seen.forgive("/inputs")
    page.get_by_role("button", name="Cancel the upload").click()

    expect(page.locator("#inputs .input-tile")).to_have_count(0)
    assert page.locator(".card").filter(has_text="a slow photo").count() == 0
    page.set_input_files("#files", [file(given.photo())])
    expect(page.locator(".input-uploading")).to_have_count(1)
    page.locator("#composer .primary").click()
    expect(page.locator("#errors-images")).to_contain_text("still being uploaded")
    wait_for(lambda: page.evaluate("() => 1") and waiting[1:], what="it is sent")
    waiting[1].continue_()
    expect(page.locator("#inputs .input-tile img")).to_be_visible()
    expect(page.locator("#errors-images")).to_be_empty()
    page.set_input_files("#files", [file(b"<svg/>")])
    expect(page.locator("#errors-images")).to_contain_text("SVG")
    expect(page.locator("#inputs .input-tile")).to_have_count(1)


def test_double_click_asks_once_with_the_picture(visit):
    """And its picture, as a reference, lands in the form in place."""
    page = visit(TAKES, lang="en").page
    chosen(page, given.photo())
    page.fill("#prompt", "drawn from a photo")

    page.locator("#composer .primary").dblclick()

    card = page.locator(".card").filter(has_text="drawn from a photo")
    link = card.get_by_role("link", name=re.compile("as reference"))
    expect(link).to_be_visible()
    assert card.count() == 1
    link.click()
    expect(page.locator("#inputs .input-tile")).to_have_count(2)
    link.click()
    page.wait_for_timeout(500)
    assert len(values(page)) == 2


@every_look
def test_dropped_picture_gives_its_words_back(visit, live_server, look):
    """It stays a reference beside that; what its words replace can be had back."""
    task_id = make(live_server, SAID, seed=4711, style="ink", size="1664x936")
    page = (seen := visit("/?model=jimeng-i2i-3.0", **look)).page
    page.fill("#prompt", "另一句话")
    view = page.locator(f"#task-{task_id} .slot-link").get_attribute("data-view")
    link = f"{view}?download=1"  # with its words

    page.evaluate(DROP_LINK, link)

    offer = page.locator(".says")
    expect(offer.locator("q")).to_have_text(SAID)
    expect(page.locator("#inputs [name=image]")).to_have_count(1)
    assert page.locator("#prompt").input_value() == "另一句话"
    seen.check("create-says")

    button(page, USE[look["lang"]]).press("Enter")

    expect(page.locator("#prompt")).to_have_value(SAID)
    expect(page.locator("#prompt")).to_be_focused()
    assert page.locator("#seed").input_value() == "4711"
    for name, value in {"style": "ink", "size": "16:9"}.items():
        chosen = page.locator(f"#composer [name={name}][value='{value}']")
        expect(chosen).to_be_checked()
    expect(page.locator("#inputs [name=image]")).to_have_count(0)
    expect(offer).to_have_count(0)
    button(page.locator("#undo"), UNDO[look["lang"]]).click()
    expect(page.locator("#prompt")).to_have_value("另一句话")
    expect(page.locator("#inputs [name=image]")).to_have_count(1)
