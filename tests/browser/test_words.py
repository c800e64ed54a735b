"""Words that are written are never lost: drafts, undo, and the list of earlier ones."""

from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import await_request, card_of, choices_of, make
from tests.waiting import wait_for


def field(page):
    return page.locator("#prompt")


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
    page.locator("#menu-history > summary").click()
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
    page.locator("#menu-history > summary").click()
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

    card_of(page, task_id).locator(f"#remix-{task_id}").click()
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
    menu.locator("summary").click()
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:before:swap'))")
    page.keyboard.press("Escape")

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

    page.locator("#menu-history > summary").click()
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

    page.locator("#menu-history > summary").click()
    seen.check("create-history")
    page.locator("#history button").nth(2).click()

    expect(field(page)).to_have_value("a plain one")
    expect(page.locator("#undo")).to_be_visible()
    page.locator("#menu-history > summary").click()
    expect(page.locator("#history button").first).to_have_text("half an idea")
    page.locator("#history-clear").click()
    expect(page.locator("#history button")).to_have_count(0)
    expect(page.locator("#history-clear")).to_be_hidden()
