"""A picture's own page, and a task's, in a real browser."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import ask, button, clear, make, move_clock, slot_of
from tests.waiting import PATIENCE_S

PROMPT = "雨后的江南小巷，青石板路映着灯笼"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
RUN = {
    "curl": ["bash", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "-e"],
}
JPEG = b"\xff\xd8\xff"


@pytest.fixture(scope="module")
def batch(live_server) -> str:
    """A task with three upright pictures, and one before it."""
    clear(live_server)
    make(live_server, "早先的一张")
    return make(live_server, PROMPT, size="3:4", n=3, style="ink", seed=7)


def here(page) -> str:
    """The id of the picture that a page is about."""
    return page.url.partition("/pictures/")[2].partition("?")[0]


@every_look
def test_picture_page(visit, batch, look):
    """The picture large, its siblings, every detail, the link, and the programs."""
    seen = visit(f"/pictures/{batch}_1", **look)
    shown = seen.page.locator(".stage-picture")
    expect(shown).to_have_js_property("complete", True)

    seen.check("picture")
    seen.page.keyboard.press("o")
    expect(seen.page.locator(".drawer")).to_be_visible()
    seen.check("picture-details")

    assert shown.evaluate("each => each.naturalWidth") == 1104
    assert seen.layout_shift() == []


@every_look
def test_task_page(visit, live_server, look):
    """Places become pictures where they are, and what is known is added below."""
    task_id = ask(live_server, "[[slow 1000]] 灯塔与海", size="4:3", n=2)
    seen = visit(f"/tasks/{task_id}", **look)
    slot = slot_of(seen.page, task_id)
    expect(slot).to_have_attribute("data-state", "generating")
    place = slot.bounding_box()
    seen.check("task-running")

    move_clock(live_server, 1000.0)
    for index in (0, 1):
        picture = slot_of(seen.page, task_id, index).locator("img")
        expect(picture).to_have_js_property("complete", True)

    expect(seen.page.locator(".status")).to_have_attribute("class", "status")
    seen.check("task", full=True)
    assert slot.bounding_box() == place
    assert seen.layout_shift() == []


def test_keys_do_what_the_buttons_do(visit, batch):
    """
    The list under ? holds them all, and each does as it says; left is newer, right is
    older, and within a text they move in that text.
    """
    page = visit(f"/pictures/{batch}_1", lang="en", permissions=CLIPBOARD).page
    older = page.locator("[rel=next]").get_attribute("href")

    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**{older}")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/{batch}_1")
    page.keyboard.press("o")
    page.locator(".drawer .fold", has=page.locator("#program-curl")).locator(
        "> summary"
    ).click()
    for each in ("#share-link", "#program-curl"):
        page.locator(each).focus()
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert here(page) == f"{batch}_1"
    page.locator("#program-curl").blur()

    page.keyboard.press("?")
    listed = page.locator("#keys dt").all_text_contents()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.locator("#announce")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("s")

    expect(page.locator("#composer [name=seed]")).to_have_value("8")
    expect(page.locator("#prompt")).to_have_value(PROMPT)
    assert copied == PROMPT
    wanted = {"Favourite", "Download", "Edit prompt", "Again", "Delete"}
    wanted |= {"Use this seed", "Inpaint"}
    assert wanted | {"Copy prompt", "Newer, older"} <= set(listed)


def test_deleted_picture_comes_back(visit, live_server):
    """The older one is shown instead, with the way back, which leads to the picture."""
    older, task_id = make(live_server, "留下的"), make(live_server, "删了又要")
    page = visit(f"/pictures/{task_id}_0", lang="en").page

    page.keyboard.press("x")

    expect(page.get_by_role("status").first).to_contain_text("Moved to the trash")
    page.wait_for_url(f"**/pictures/{older}_0")  # a reload would not say it again
    button(page, "Undo").click()
    expect(page.locator(".stage-title")).to_have_text("删了又要")
    assert here(page) == f"{task_id}_0"


@pytest.mark.parametrize("sign_in", ["off", "on"])
def test_copied_programs_really_run(visit, request, tmp_path, sign_in):
    """
    Copied from the page and run as they are, each draws the same picture again. Its
    link is for everybody, who sees the picture and nothing else, until it is replaced.
    """
    account = request.getfixturevalue("ada") if sign_in == "on" else None
    name = "closed_server" if account else "live_server"
    server, key = request.getfixturevalue(name), account.key if account else ""
    task_id = make(server, 'it\'s a "cat" $HOME `pwd`\n猫', key=key, seed=41)
    known = {"who": account, "lang": "en", "permissions": CLIPBOARD}
    page = visit(f"/pictures/{task_id}_0", **known).page
    page.keyboard.press("o")
    button(page, "Copy link").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    texts = {name: copied(page, name) for name in RUN}

    running = {name: start(name, text, tmp_path, key) for name, text in texts.items()}
    ended = [process.wait(PATIENCE_S) for process in running.values()]

    assert ended == [0, 0, 0]
    assert [key in text for text in texts.values()] == [not key] * 3
    picture = requests.get(link, timeout=60)
    assert picture.content.startswith(JPEG)
    assert "noindex" in picture.headers["X-Robots-Tag"]
    for name in RUN:
        (file,) = [each for each in (tmp_path / name).iterdir() if each.suffix]
        assert file.read_bytes() == picture.content, name
    asked = requests.get(page.url, timeout=60, allow_redirects=False)
    assert asked.status_code == (303 if key else 200)
    page.get_by_text("Replace link").click()
    button(page, "Replace it").click()
    expect(page.locator("#share-link")).not_to_have_value(link)
    renewed = page.locator("#share-link").input_value()
    assert requests.get(link, timeout=60).status_code == 404
    assert requests.get(renewed, timeout=60).content.startswith(JPEG)


def copied(page, name: str) -> str:
    """What the button beside a program puts into the clipboard."""
    fold = page.locator("details.fold", has=page.locator(f"#program-{name}"))
    if fold.get_attribute("open") is None:
        fold.locator("> summary").click()
    program = fold.locator(".program", has=page.locator(f"#program-{name}"))
    if program.get_attribute("open") is None:
        program.locator("summary").click()
    program.get_by_role("button", name="Copy").click()
    expect(program.locator("[data-done]")).to_be_visible()
    return page.evaluate("navigator.clipboard.readText()")


def start(name: str, text: str, folder: Path, key: str) -> subprocess.Popen:
    """Run a program in an empty folder, the key in its surroundings."""
    (folder / name).mkdir()
    env = {"PATH": os.environ["PATH"], "JIMENG_API_KEY": key}
    return subprocess.Popen([*RUN[name], text], cwd=folder / name, env=env)


def test_picture_page_without_javascript(visit, live_server):
    """All that changes something is a plain form, all that leads somewhere a link."""
    make(live_server, "更早的")
    task_id = make(live_server, "没有脚本")
    seen = visit(f"/pictures/{task_id}_0", lang="en", width=390, js=False)
    page = seen.page
    page.locator("#drawer > summary").click()
    expect(page.locator("[data-copy], [data-copies]").first).to_be_hidden()

    button(page, "Favourite").click()
    expect(button(page, "Favourite")).to_have_attribute("aria-pressed", "true")
    button(page, "Delete").click()
    seen.check("picture-deleted")
    button(page, "Undo").click()
    page.get_by_role("link", name="Older", exact=True).click()

    expect(page.locator(".stage-title")).to_have_text("更早的")
    page.locator("#drawer > summary").click()
    page.get_by_role("link", name="Edit prompt").click()
    expect(page.locator("#prompt")).to_have_value("更早的")
