"""The feed as a contact sheet, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import ask, clear, make, slot_of, type_at_once
from tests.browser.windows import await_scripts

SHEET = "/?size=512x512"


@pytest.fixture(scope="module")
def tasks(live_server) -> list[str]:
    """Of several shapes, one of them failed, and more than fit on one page."""
    clear(live_server)
    made = [make(live_server, "[[50413]] 不行的")]
    for n in range(13):
        size = ("512x512", "768x512", "512x768")[n % 3]
        made.append(make(live_server, f"第 {n} 个", size=size, n=1 + n % 3))
    return made


@every_look
def test_sheet_in_every_look(visit, tasks, live_server, look):
    """Rows of equal height, words above, and nothing moves while pictures come."""
    waiting = ask(live_server, "[[slow 2]] 还在等", n=2, style="ink")
    seen = visit(SHEET, **look)
    page = seen.page
    expect(slot_of(page, waiting, 1).locator("img")).to_be_visible()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.locator(".card")).to_have_count(len(tasks) + 1)

    seen.check("contact-sheet")
    assert seen.layout_shift() == []
    tops: dict[float, set[int]] = {}
    for slot in page.locator(".feed > .card:not([data-empty]) .slots").all():
        box = slot.bounding_box()
        tops.setdefault(round(box["y"]), set()).add(round(box["height"]))
    assert all(max(found) - min(found) <= 1 for found in tops.values())
    prompt = page.locator(f"#card-{tasks[-1]}").bounding_box()
    assert prompt["y"] < slot_of(page, tasks[-1]).bounding_box()["y"]
    with live_server.database() as found:
        found.tasks.delete_one({"_id": waiting})


def test_verbs_have_keys(visit, tasks):
    """For the picture with the focus or under the pointer."""
    page = visit(f"{SHEET}&model=jimeng-i2i-3.0", lang="en").page
    slot = slot_of(page, tasks[-1])

    slot.locator(".slot-link").focus()
    page.keyboard.press("v")
    expect(page.locator("#prompt")).to_have_value("第 12 个")
    expect(page.locator("#inputs .input-tile")).to_have_count(1)
    expect(page.locator("#prompt")).to_be_focused()
    page.locator("#prompt").blur()
    other = slot_of(page, tasks[-2])
    other.hover()
    page.keyboard.press("i")
    expect(page.locator("#inputs .input-tile")).to_have_count(2)
    page.locator("#prompt").blur()
    other.hover()
    # Until its script has come a picture leads to its page.
    page.wait_for_function("() => typeof stage == 'object' && 'zoom' in stage")
    page.keyboard.press("e")
    expect(page.locator("#stage .stage-title")).to_have_text("第 11 个")
    expect(page.locator("#edit-edit")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(other.locator(".slot-link")).to_be_focused()
    slot.locator(".slot-link").focus()
    page.keyboard.press("f")
    favourite = slot.get_by_role("button", name="Favourite")
    expect(favourite).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(favourite).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("key", "before"), [("i", "a draft,"), ("v", "第 12 个")])
def test_what_is_typed_at_once_is_for_the_prompt(visit, tasks, key, before):
    """
    After the key that leads there each letter is one of its words, behind those that
    the answer brings, and none is a shortcut; the draft comes back as it was.
    """
    page = (seen := visit(f"{SHEET}&model=jimeng-i2i-3.0", lang="en")).page
    page.fill("#prompt", "a draft,")
    page.locator("#prompt").press("Home")
    slot_of(page, tasks[-1]).locator(".slot-link").focus()

    type_at_once(page, key, "five foxes", re.compile("/composer[/?]"))

    expect(page.locator("#inputs .input-tile")).to_have_count(1)
    expect(page.locator("#prompt")).to_have_value(f"{before}five foxes")
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("!")
    page.reload()
    await_scripts(page)
    expect(page.locator("#prompt")).to_have_value(f"{before}five foxes!")
    assert not any(url.endswith("/favourite") for url in seen.requests)
    if key == "v":
        page.locator("#prompt").focus()
        page.locator("#undo-button").click()
        expect(page.locator("#prompt")).to_have_value("a draft,")


def test_what_is_typed_at_once_is_for_the_edit(visit, tasks):
    """The key that opens a picture to edit it with words takes these words."""
    page = (seen := visit(SHEET, lang="en")).page
    page.wait_for_function("() => typeof stage == 'object' && 'zoom' in stage")
    slot_of(page, tasks[-1]).locator(".slot-link").focus()

    type_at_once(page, "e", "five foxes", "**/pictures/*")

    expect(page.locator("#edit-prompt")).to_have_value("five foxes")
    expect(page.locator("#edit-prompt")).to_be_focused()
    assert not any(url.endswith("/favourite") for url in seen.requests)


def no_answer(route) -> None:
    route.abort()


def refusal(route) -> None:
    where = {"HX-Retarget": "#notices", "HX-Reswap": "innerHTML"}
    route.fulfill(status=503, headers=where, body='<p id="error">Busy</p>')


@pytest.mark.parametrize(
    ("answer", "said"), [(no_answer, ".offline[data-on]"), (refusal, "#error")]
)
def test_what_is_typed_stays_if_no_form_comes(visit, tasks, answer, said):
    """In the form as it is, whose draft it is part of; no other one gets it."""
    page = (seen := visit(SHEET, lang="en", refused=(503,))).page
    for words in ("ERR_FAILED", "Failed to fetch"):
        seen.forgive(words)
    page.fill("#prompt", "a draft,")
    slot_of(page, tasks[-1]).locator(".slot-link").focus()
    page.route("**/composer?*", answer)

    page.keyboard.press("v")
    page.keyboard.type("five foxes")

    expect(page.locator(said)).to_be_visible()
    page.goto(f"/pictures/{tasks[-1]}_0")
    expect(page.locator("#edit-prompt")).to_have_value("")
    page.goto("/")
    expect(page.locator("#prompt")).to_have_value("a draft,five foxes")
