"""
Words that are written are never lost: drafts, undo, the list of earlier ones, those
that are kept under a name; and what the assistant writes.
"""

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.harness import LOOKS, every_look
from tests.browser.making import await_request, button, card_of, choices_of, make
from tests.waiting import wait_for
from tests.webhooks.conftest import Receiver, handler_of

PROMPT = "雨后的小巷，一只猫蹲在青石板上，<b>远处</b>有灯笼，路面映着暖色的光"
SAVE = {"zh": "保存", "en": "Save"}
UNDO = {"zh": "撤销", "en": "Undo"}
CLOCK = "#menu-history > summary"
WRITTEN = "雨后的江南小巷，青石板上一只黑猫，灯笼的光映在水洼里，水墨淡彩，大面积留白"


def field(page):
    return page.locator("#prompt")


def show_history(page) -> None:
    """Open the list of earlier prompts."""
    page.locator("#prompt").focus()
    page.click(CLOCK)


def await_left(page, words: str) -> None:
    """Wait until this tab sees what another has written as it was closed."""
    wait_for(lambda: words in (page.evaluate("own.get('left')") or ""), what=words)


def test_each_tab_has_its_own_draft(visit):
    """
    And what a closed one held is listed in the next. One that was duplicated begins
    with the words of its twin.
    """
    page = visit("/", lang="en").page
    field(page).fill("in the first tab")
    other = page.context.new_page()
    other.goto("/")
    expect(field(other)).to_have_value("")
    field(other).fill("in the second tab")

    page.reload()
    other.close()

    expect(field(page)).to_have_value("in the first tab")
    await_left(page, "in the second tab")
    show_history(page)
    expect(page.locator("#history li")).to_have_text(["in the second tab"])
    with page.context.expect_page() as opened:
        page.evaluate("open(location.href)")
    twin = opened.value
    expect(field(twin)).to_have_value("in the first tab")
    first = page.evaluate("tabId")
    wait_for(lambda: twin.evaluate("tabId") != first, what="an id of its own")
    field(twin).fill("in the third tab")
    twin.close()

    page.reload()
    expect(field(page)).to_have_value("in the first tab")
    await_left(page, "in the third tab")
    show_history(page)
    expect(page.locator("#history li")).to_have_text(
        ["in the third tab", "in the second tab"]
    )


@every_look
def test_remix_can_be_undone(visit, live_server, look):
    """Words, settings and all; and what was undone can be had again."""
    task_id = make(live_server, "a lake that was drawn", seed=77)
    seen = visit("/", **look)
    page = seen.page
    choices_of(page)
    page.locator("[name=n][value='3']").check()
    choices_of(page, shown=False)
    field(page).fill("half an idea")

    card = card_of(page, task_id)
    link = card.locator(f"#remix-{task_id}")
    if not link.is_visible():  # a small one has it in its menu
        card.locator(".menu summary").click()
        link = card.locator("a.menu-narrow")
    link.click()
    expect(field(page)).to_have_value("a lake that was drawn")
    expect(page.locator("[name=n][value='1']")).to_be_checked()
    expect(page.locator("#undo")).to_be_visible()
    seen.check("create-undo")
    page.locator("#undo-button").click()

    expect(field(page)).to_have_value("half an idea")
    expect(field(page)).to_be_focused()
    expect(page.locator("[name=n][value='3']")).to_be_checked()
    page.locator("#undo-button").click()
    expect(field(page)).to_have_value("a lake that was drawn")


def test_link_can_be_undone_until_it_is_sent(visit):
    """
    The draft is one press away, after a reload too, with the menus closed, whatever was
    open when something else of the page was replaced; what is sent is what is wanted.
    """
    page = visit("/", lang="en").page
    field(page).fill("half an idea")
    page.goto("/?prompt=a+link&size=512x512")
    expect(field(page)).to_have_value("a link")
    page.reload()
    menu = page.locator("#menu-history")
    show_history(page)
    tell = "name => document.dispatchEvent(new CustomEvent(name, { detail: {} }))"
    page.evaluate(tell, "htmx:before:swap")
    page.keyboard.press("Escape")
    page.evaluate(tell, "htmx:after:swap")
    expect(menu).not_to_have_attribute("open", "")

    page.locator("#undo-button").click()

    expect(field(page)).to_have_value("half an idea")
    expect(menu).not_to_have_attribute("open", "")
    page.locator("#undo-button").click()
    expect(field(page)).to_have_value("a link")
    page.get_by_role("button", name="Generate").click()

    expect(page.locator(".card").first).to_contain_text("a link")
    expect(page.locator("#undo")).to_be_hidden()


def test_history_has_what_was_sent(visit):
    """And not what has been written since, while the response was on its way."""
    page = visit("/?size=512x512", lang="en").page
    sent: list = []
    page.route("**/tasks", lambda each: sent.append(each), times=1)
    field(page).fill("as it was sent")
    field(page).press("Enter")
    await_request(page, sent)

    field(page).fill("half an idea")
    with page.expect_response("**/tasks"):
        sent[0].continue_()
    expect(page.locator(".card").first).to_contain_text("as it was sent")

    show_history(page)
    expect(page.locator("#history li")).to_have_text(["as it was sent"])
    expect(field(page)).to_have_value("half an idea")


@every_look
def test_list_of_earlier_prompts(visit, look):
    """One is taken with a press, and the list is cleared with another."""
    seen = visit("/", **look)
    page = seen.page
    words = ["ink " * 60, "水墨 " * 60, "a plain one"]
    page.evaluate("list => own.set('prompts', JSON.stringify(list))", words)
    field(page).fill("half an idea")

    show_history(page)
    seen.check("create-history")
    page.locator("#history button").nth(2).click()

    expect(field(page)).to_have_value("a plain one")
    expect(page.locator("#undo")).to_be_visible()
    show_history(page)
    expect(page.locator("#history button").first).to_have_text("half an idea")
    page.locator("#history-clear").click()
    expect(page.locator("#history button")).to_have_count(0)
    expect(page.locator("#history-clear")).to_be_hidden()


@pytest.fixture
def nothing_kept(live_server):
    with live_server.database() as found:
        found["prompts"].delete_many({})


@every_look
@pytest.mark.usefixtures("nothing_kept")
def test_prompt_is_kept_and_used_again(visit, look):
    """Nothing of the panel goes into the form; what it replaces can be had back."""
    page = (seen := visit("/?size=16:9&n=2&seed=7&style=ink", **look)).page
    page.fill("#prompt", PROMPT)
    show_history(page)
    name = page.locator("#saved-name")
    name.press("Enter")
    expect(page.locator("#errors-saved p")).to_have_count(1)
    seen.check("create-saved-none")
    name.fill("雨巷")
    name.press("Enter")
    link = page.locator("#saved a[data-values]")
    expect(link).to_be_focused()
    name.fill("第二个名字，长一些也放得下")
    page.check("#saved-seed")
    button(page.locator("#saved"), SAVE[look["lang"]]).click()
    expect(link).to_have_count(2)
    seen.check("create-saved")

    page.keyboard.press("Escape")
    page.fill("#prompt", "另一句话")
    show_history(page)
    link.nth(1).click()

    expect(page.locator("#prompt")).to_have_value(PROMPT)
    for field, value in {"style": "ink", "size": "16:9", "n": "2"}.items():
        chosen = page.locator(f"#composer [name={field}][value='{value}']")
        expect(chosen).to_be_checked()
    assert page.locator("#seed").input_value() == ""
    button(page.locator("#undo"), UNDO[look["lang"]]).click()
    expect(page.locator("#prompt")).to_have_value("另一句话")


@every_look
@pytest.mark.usefixtures("nothing_kept")
def test_page_of_saved_prompts(visit, look):
    """Empty, with prompts, and one to be named without a script."""
    seen = visit("/prompts", **look)
    seen.check("prompts-empty")
    seen = visit("/?style=ink", **look, js=False)
    for name in ("雨巷", "A longer name for a prompt that is kept here"):
        seen.page.fill("#prompt", PROMPT * 3)
        seen.page.locator("[formaction='/prompts/new']").click()
        seen.page.fill("#name", name)
        if name == "雨巷":
            seen.check("prompts-new")
        seen.page.locator("form.panel button.primary").click()
        seen.page.locator(".key-row a").first.wait_for()
        seen.page.locator("a.back").click()
    seen = visit("/prompts", **look)
    seen.page.locator(".key-row summary").first.click()
    seen.check("prompts", full=True)
    seen.page.locator(".key-row .row > form button").first.click()
    expect(seen.page.locator(".key-row")).to_have_count(1)
    seen.check("prompts-deleted")
    seen.page.click("#undo")
    expect(seen.page.locator(".key-row")).to_have_count(2)


@pytest.fixture(scope="module")
def assistant(own_stack) -> Iterator[object]:
    """One whose operator has set up the assistant, which always writes the same."""
    message = {"role": "assistant", "content": WRITTEN}
    body = json.dumps({"choices": [{"message": message}]}).encode()
    endpoint = Receiver("", answers=[(200, {}, body)] * len(LOOKS))
    endpoint.held.set()
    chat = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(endpoint))
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{chat.server_port}"
    settings = {"PROMPT_ASSISTANT_MODEL": "chat-1", "PROMPT_ASSISTANT_URL": url}
    with own_stack("assistant", **settings) as made:
        yield made
    chat.shutdown()
    chat.server_close()


@every_look
def test_assistant_in_every_look(visit, assistant, look):
    """Its menu, what it has written, and the words in the form once that is used."""
    seen = visit("/", server=assistant, **look)
    page = seen.page
    page.fill("#prompt", "雨后的小巷")
    page.locator("#menu-assistant > summary").click()
    expect(page.locator(".assistant-panel")).to_be_in_viewport(ratio=1)
    seen.check("create-assistant")

    page.locator("[data-assist=expand]").click()
    expect(page.locator(".assisted-text")).to_have_text(WRITTEN)
    seen.check("create-assisted")
    expect(page.locator("#prompt")).to_have_value("雨后的小巷")
    page.locator("[data-assist=use]").click()

    expect(page.locator("#prompt")).to_have_value(WRITTEN)
    expect(page.locator(".assisted-text")).to_have_count(0)
