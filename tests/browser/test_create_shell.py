"""What every page has around it: keys, navigation, and being offline."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import choices_of, clear, commit, make, slot_of

AWAY = re.compile("连不上|Cannot reach the server")
LOST = re.compile("提交没有成功|was not submitted")


@every_look
def test_list_of_keys_and_page_that_is_not_there(visit, look):
    """The list opens by ? and by its button, and Escape closes it."""
    seen = visit("/", refused=(404,), **look)
    page = seen.page

    page.keyboard.press("Shift+?")

    expect(page.locator("#keys")).to_be_visible()
    seen.check("keys")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    if look["width"] > 640:  # a phone's header has no room for it
        page.locator('[data-opens="keys"]').click()
        expect(page.locator("#keys")).to_be_visible()
    page.goto("/nothing")
    seen.check("not-found")


def test_keys_lead_between_pages(visit):
    """
    One after the other, and Alt+A to the prompt; they are letters while one types, and
    can be switched off for good: the button still opens the list.
    """
    page = visit("/gallery", lang="en").page
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url(re.compile(r"/$"))
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/?show=waiting")
    page.goto("/")

    page.keyboard.press("Alt+a")
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("g t?")
    choices_of(page)
    page.locator("#style-own").press_sequentially("g t?")
    page.locator("#style-own").press("Alt+a")

    expect(page.locator("#prompt")).to_have_value("g t?")
    expect(page.locator("#style-own")).to_have_value("g t?")
    expect(page.locator("#style-own")).to_be_focused()
    expect(page.locator("#keys")).to_be_hidden()
    assert page.url.endswith("/")

    choices_of(page, shown=False)
    page.locator('[data-opens="keys"]').click()
    page.get_by_label("Use shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.reload()

    page.keyboard.press("Shift+?")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.locator('[data-opens="keys"]').click()

    expect(page.get_by_label("Use shortcuts")).not_to_be_checked()
    assert page.url.endswith("/")


def test_key_of_an_input_method_is_no_shortcut(visit, live_server):
    """
    What an input method takes, such as the Enter or Escape that ends a word, sends
    nothing, closes nothing and moves nothing; the same key does so afterwards.
    """
    made = make(live_server, "拼音里的猫")
    page = (seen := visit("/?size=512x512", lang="en")).page
    field, menu, own = (
        page.locator(f"#{n}") for n in ("prompt", "menu-model", "style-own")
    )
    field.fill("拼音")
    commit(field, "Enter")
    commit(field, "ArrowUp", altKey=True)
    expect(field).to_have_value("拼音")
    assert not any(url.endswith("/tasks") for url in seen.requests)

    choices_of(page)
    own.focus()
    for key in ("Enter", "Escape"):
        commit(own, key)
        expect(page.locator("#sheet")).to_be_visible()
    own.press("Escape")
    menu.locator("summary").click()
    commit(menu.locator("summary"), "ArrowDown")
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")

    page.evaluate("document.getElementById('notices').textContent = 'Undo'")
    commit(field, "Escape")
    expect(page.locator("#notices")).to_have_text("Undo")
    field.press("Escape")
    expect(page.locator("#notices")).to_be_empty()

    link = slot_of(page, made).locator(".slot-link")
    link.focus()
    for key in ("f", "i", "?"):
        commit(link, key)
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("#inputs .input-tile")).to_have_count(0)
    assert not any(url.endswith("/favourite") for url in seen.requests)


@every_look
def test_server_that_cannot_be_reached(visit, look):
    """
    The page says so, keeps what was written, and takes it back when all is well. Where
    nothing was lost it tells by itself that the server is back.
    """
    seen = visit("/?size=512x512", **look)
    page = seen.page
    for words in ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "Failed to fetch"):
        seen.forgive(words)
    page.fill("#prompt", "written on a train")
    page.context.set_offline(True)

    page.locator("#prompt").press("Control+Enter")

    expect(page.locator(".offline")).to_be_visible()
    expect(page.locator(".htmx-request")).to_have_count(0)  # its button is pale
    seen.check("offline")
    expect(page.locator(".offline")).to_contain_text(LOST)
    expect(page.locator("#prompt")).to_have_value("written on a train")
    page.context.set_offline(False)
    page.wait_for_function("() => fetch('/health').then(({ ok }) => ok, () => false)")
    expect(page.locator(".offline")).to_contain_text(LOST)  # nothing sends it by itself
    with page.expect_response("**/tasks") as answer:
        page.locator("#prompt").press("Control+Enter")
    assert answer.value.ok
    expect(page.locator(".card-prompt").first).to_contain_text("written on a train")
    expect(page.locator(".offline")).to_be_hidden()

    page.route("**/*", lambda each: each.abort())  # any answer tells that it is back
    page.locator("#prompt").focus()
    page.locator("#menu-history > summary").click()
    expect(page.locator(".offline")).to_have_text(AWAY)
    page.unroute("**/*")
    expect(page.locator(".offline")).to_be_hidden()


def test_phone_has_its_bar_on_every_page(visit, live_server):
    """At the lower edge, with the one entry marked that is the page, or the part that
    it belongs to."""
    clear(live_server)  # what loads when it comes into view moves the end
    page = visit("/", lang="en", width=390, refused=(404,)).page
    bar = page.get_by_role("navigation", name="Main")

    for path, part, how in [
        ("/", "Create", "page"),
        ("/gallery", "Gallery", "page"),
        ("/gallery/tidy", "Gallery", "true"),
        ("/?show=all", "Create", "page"),
        ("/account", "Account", "page"),
        ("/account/usage", "Account", "true"),
        ("/admin/queue", "Admin", "page"),
        ("/admin/users/new", "Admin", "true"),
    ]:
        page.goto(path)
        expect(bar.locator("[aria-current]")).to_have_text(part)
        expect(bar.locator("[aria-current]")).to_have_attribute("aria-current", how)
        box, wide = bar.bounding_box(), page.evaluate("document.body.scrollWidth")
        assert (box["x"], box["width"], wide) == (0, 390, 390), path
        assert box["y"] + box["height"] == pytest.approx(844, abs=1), path
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        main = page.locator("main").bounding_box()
        assert main["y"] + main["height"] <= box["y"] + 1, f"{path}: covered"


UNDER = """() => {
  const { activeElement: focus } = document;
  if (!focus.closest(".stream")) return 0;
  const form = document.getElementById("composer").getBoundingClientRect();
  const box = focus.getBoundingClientRect();
  const isAbove = form.top < innerHeight / 2;
  const [top, bottom] = isAbove ? [form.bottom, innerHeight] : [0, form.top];
  const seen = Math.min(box.bottom, bottom) - Math.max(box.top, top);
  return Math.min(box.height, (bottom - top) / 2) - seen;
}"""


def test_focus_is_never_under_the_form(visit, live_server):
    """Forwards and backwards through the feed, as WCAG 2.4.11 asks."""
    clear(live_server)
    for n in range(3):
        make(live_server, f"something to tab through {n}")
    page = visit("/", lang="en").page
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        page.wait_for_function("width => innerWidth === width", arg=width)
        page.evaluate("scrollTo(0, 0)")
        page.locator(".composer .primary").focus()
        hidden = []
        for key in ["Tab"] * 24 + ["Shift+Tab"] * 24:
            page.keyboard.press(key)
            hidden.append(page.evaluate(UNDER))
        assert max(hidden) <= 1, width


def test_header_fits(visit, root):
    """In English, with all that an operator who is signed in has there."""
    page = visit("/", who=root, lang="en").page
    for width in (320, 641, 768, 980):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("width => innerWidth === width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".masthead").bounding_box()["height"] < 80, width
        ends = page.locator(".masthead-end button").last.bounding_box()
        assert ends["x"] + ends["width"] <= width


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", "先写下想画什么"), ("en", "Describe what")]
)
def test_browser_speaks_the_language_of_the_page(visit, lang, words):
    """What is missing is said in its words, and no more once it is there."""
    other = {"zh": "en-GB", "en": "zh-CN"}[lang]
    page = visit("/", lang=lang, chosen=True, locale=other).page
    field = page.locator("#prompt")

    page.locator(".composer .primary").click()

    assert words in field.evaluate("each => each.validationMessage")
    field.fill("x")
    assert field.evaluate("each => each.checkValidity()")


def test_menu_opens_where_it_is_pressed(visit, live_server):
    """Beside its button, and whole in the window, over or under it."""
    make(live_server, "with a menu")
    page = visit("/", width=390, lang="en").page

    for place in ("start", "end"):
        button = page.locator(".card .menu > summary").first
        button.evaluate("(each, block) => each.scrollIntoView({ block })", place)
        button.click()
        menu = page.locator(".menu[open] .menu-list")
        expect(menu).to_be_in_viewport(ratio=1)
        box, own = menu.bounding_box(), button.bounding_box()
        gap = max(
            box["y"] - own["y"] - own["height"], own["y"] - box["y"] - box["height"]
        )
        assert 0 <= gap < 12
        assert box["x"] <= own["x"] <= box["x"] + box["width"]
        page.keyboard.press("Escape")
