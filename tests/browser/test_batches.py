"""Many prompts at once, in a real browser: written, counted, sent, followed."""

import re

from playwright.sync_api import expect

from tests import given_pictures as given
from tests.browser.harness import every_look
from tests.browser.making import choices_of, commit, file, keep_generating
from tests.rest import API
from tests.waiting import wait_for

SMALL = "size=512x512"
WORDS = "一只{橘|黑|白}猫，{水彩|油画}风格\n雨后的小巷\n雨后的小巷"


def ask(server, template: str, **fields: object) -> str:
    """Ask for a batch of small pictures; return the address of its page."""
    body = {"template": template, "user_id": "guest", "size": "512x512", **fields}
    return f"/batches/{server.insist('POST', f'{API}/batches', body)['batch_id']}"


def await_end(server, page: str) -> None:
    wait_for(
        lambda: server.insist("GET", API + page)["ended_at"], what="the batch has ended"
    )


@every_look
def test_form_in_every_look(visit, look):
    """Empty, counted, wrong, and with more than is asked for without a question."""
    seen = visit(f"/batches/new?{SMALL}", **look)
    seen.check("batches-new-empty", full=True)
    seen.page.fill("#template", WORDS)
    expect(seen.page.locator(".batch-some li")).to_have_count(6)
    seen.check("batches-new", full=True)
    seen.page.fill("#template", "{a|b")
    expect(seen.page.locator("#errors-template p")).to_be_visible()
    seen.check("batches-new-wrong", full=True)
    seen.page.fill("#template", "{1|2|3|4|5|6|7|8} {1|2|3|4|5|6|7|8}")
    expect(seen.page.locator(".batch-confirm")).to_be_visible()
    seen.check("batches-new-many", full=True)


@every_look
def test_batch_in_every_look(visit, look, live_server):
    """Its page, the list and the feed, once it has ended."""
    page = ask(live_server, "一盏灯笼\n一条小巷", name="灯笼与小巷")
    await_end(live_server, page)
    seen = visit(page, **look)
    seen.check("batch", full=True)
    seen.page.goto("/batches")
    seen.check("batches", full=True)
    seen.page.goto(f"/?{SMALL}")
    seen.check("feed-batch")


def test_words_go_over_and_come_back(visit):
    """What stands in the other form goes along; a reload loses nothing."""
    page = visit(f"/?{SMALL}", width=390).page
    page.fill("#prompt", "一只 {猫}")
    page.locator("a.many").click()

    expect(page.locator("#template")).to_have_value("一只 \\{猫\\}")
    expect(page.locator(".batch-some li")).to_have_text(["一只 {猫}"])

    page.fill("#template", "红\n蓝")
    expect(page.locator(".batch-some li")).to_have_count(2)
    page.reload()
    expect(page.locator("#template")).to_have_value("红\n蓝")
    expect(page.locator(".batch-some li")).to_have_count(2)


def test_text_file_is_read_behind_what_is_written(visit):
    """
    As old programs write it, too; and the count follows, as it does another number of
    each or another model.
    """
    page = visit(f"/batches/new?{SMALL}").page
    page.fill("#template", "红")
    content = "蓝\r\n绿\r\n".encode("gbk")
    page.set_input_files("#list", [file(content, "a.txt", "text/plain")])

    expect(page.locator("#template")).to_have_value("红\n蓝\n绿")
    expect(page.locator(".batch-sum")).to_contain_text("3")
    choices_of(page)
    page.locator("[name=n][value='3']").check()
    choices_of(page, shown=False)
    expect(page.locator("#batch-cost")).to_contain_text("9")
    page.locator("#menu-model summary").click()
    with page.expect_response("**/batches/preview*"):
        page.locator(".model").nth(1).click()


def test_batch_is_sent_and_followed_without_a_reload(visit, live_server):
    """Its pictures come by themselves, its end is told, the form is empty again."""
    seen = visit(f"/batches/new?{SMALL}")
    page = seen.page
    page.fill("#template", "红灯笼\n蓝灯笼\n绿灯笼")
    expect(page.locator("#batch-cost")).to_contain_text("3")
    with keep_generating(live_server):
        commit(page.locator("#template"), "Enter", ctrlKey=True)
        assert not any(url.endswith("/batches/new") for url in seen.requests)
        page.locator("#template").press("Control+Enter")

        page.wait_for_url(re.compile(r"/batches/batch_"))
    expect(page.locator("#photos .photo")).to_have_count(3)
    expect(page.locator("#batch-now .badge")).to_have_attribute(
        "data-status", "completed"
    )
    expect(page.locator("#announce [data-ended]")).to_have_count(1)
    expect(page.locator("#batch-now[hx-get]")).to_have_count(0)

    page.goto("/batches/new")
    expect(page.locator("#template")).to_have_value("")


@every_look
def test_pictures_go_in(visit, look):
    """Chosen, counted with, removed, and there again after a reload."""
    seen = visit(f"/batches/new?{SMALL}&model=jimeng-i2i-3.0", **look)
    page = seen.page
    page.fill("#template", "{春|夏}天")
    files = [file(given.photo(n)) for n in (3, 6)]
    page.focus("#files")
    page.set_input_files("#files", files[:1])
    expect(page.locator("#batch-inputs .input-tile")).to_have_count(1)
    expect(page.locator("#files")).to_be_focused()
    expect(page.locator(".batch-some li")).to_have_count(2)
    seen.check("batches-new-pictures", full=True)

    page.set_input_files("#files", files[1:])
    expect(page.locator("#batch-inputs .input-tile")).to_have_count(2)
    expect(page.locator("#batch-preview .error")).to_be_visible()  # it takes one
    seen.check("batches-new-pictures-many", full=True)
    page.locator("#batch-inputs [data-input-action=remove]").first.click()
    expect(page.locator("#batch-inputs .input-tile")).to_have_count(1)
    expect(page.locator(".batch-some li")).to_have_count(2)
    kept = page.locator("#batch-inputs [name=image]").input_value()
    page.reload()

    expect(page.locator("#batch-inputs [name=image]")).to_have_value(kept)
    expect(page.locator(".batch-some li")).to_have_count(2)
    page.locator(".batch-send .primary").click()
    expect(page.locator(".input-tile img")).to_have_js_property("complete", True)
    expect(page.locator(".cells .photo")).to_have_count(2)
    seen.check("batch-pictures", full=True)


@every_look
def test_two_groups_make_a_labelled_grid(visit, look, live_server):
    """Pictures come into their places, and nothing moves; arrows go from row to row."""
    path = ask(live_server, "a {red|blue|green} boat at {dawn|dusk}")
    seen = visit(path, **look)
    page = seen.page

    assert page.locator("thead th").all_inner_texts() == ["red", "blue", "green"]
    assert page.locator("tbody th").all_inner_texts() == ["dawn", "dusk"]
    expect(page.locator("td .photo")).to_have_count(6)
    words = page.locator("td img").evaluate_all("all => all.map((each) => each.alt)")
    assert words[:3] == [
        "a red boat at dawn",
        "a blue boat at dawn",
        "a green boat at dawn",
    ]
    expect(page.locator("#batch-now[hx-get]")).to_have_count(0)
    assert seen.layout_shift() == []
    seen.check("batch-grid", full=True)
    page.locator("td a[data-view]").nth(1).click()
    expect(page.locator(".stage-count")).to_have_text("2 / 6")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".stage-title")).to_have_text(words[2])


def test_without_scripts_it_is_counted_sent_cancelled_and_read(visit, live_server):
    """
    Buttons do what scripts would; the words follow from the other form. Those of one
    group stand under the pictures; another batch begins with the line as written.
    """
    page = visit(f"/?{SMALL}", js=False).page
    page.fill("#prompt", "红灯笼")
    page.locator("button.many").click()
    expect(page.locator("#template")).to_have_value("红灯笼")
    page.fill("#template", "红灯笼\n蓝灯笼")
    page.locator(".batch-send button").first.click()
    expect(page.locator(".batch-some li")).to_have_count(2)
    with keep_generating(live_server):
        page.locator(".batch-send .primary").click()
        page.wait_for_url(re.compile(r"/batches/batch_"))
        page.locator("#ask-cancel summary").click()
        page.locator("#ask-cancel button").click()
        badge = page.locator("#batch-now .badge")
        expect(badge).to_have_attribute("data-status", "cancelled")

    line = "一只{橘|黑|}猫"
    path = ask(live_server, line, n=2)
    await_end(live_server, path)
    page.goto(path)
    expect(page.locator(".cells li p")).to_have_text(["橘", "黑", "（空）"])
    expect(page.locator(".cells li:first-child img")).to_have_count(2)
    page.locator("#batch-again").click()
    expect(page.locator("#template")).to_have_value(line)


def test_picture_opened_alone_walks_through_its_batch(visit, live_server):
    """Not into what was made before and after it; the way out leads to the batch."""
    path = ask(live_server, "第一张\n第二张")
    await_end(live_server, path)
    ask(live_server, "后来的")
    page = visit(path, lang="en").page
    address = page.locator("a[data-view]").first.get_attribute("href")

    page.goto(address)
    first = page.locator(".stage-title").inner_text()
    expect(page.locator("[rel=prev]")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".stage-title")).not_to_have_text(first)
    expect(page.locator("[rel=next]")).to_be_hidden()
    page.keyboard.press("Escape")
    page.wait_for_url(f"**{path}#*")
