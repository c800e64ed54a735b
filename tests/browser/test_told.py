"""Being told: by other tabs and devices, by the system, and where nothing answers."""

import re

from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.browser.making import (
    ask,
    await_let_go,
    button,
    card_of,
    clear,
    make,
    slot_of,
)
from tests.browser.windows import await_scripts
from tests.waiting import wait_for

LANE = "volcengine_jimeng:jimeng_t2i_v30"
# A headless browser never allows notices; this one asks, and keeps what it was told.
NOTICES = """
window.notices = [];
window.asked = 0;
window.Notification = class {
  static permission = "default";
  static async requestPermission() {
    window.asked += 1;
    return Notification.permission = "granted";
  }
  constructor(title, how) { window.notices.push(how.body); }
};
"""
HIDDEN = """
Object.defineProperty(document, "hidden", { value: true, configurable: true })
"""
RETURN = "document.dispatchEvent(new Event('visibilitychange'))"
WATCHED = "id => { window.gone = new WeakRef(document.getElementById(id)); }"
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const keys = await (await caches.open(name)).keys();
    found.push(...keys.map((each) => new URL(each.url).pathname));
  }
  return found;
}"""


def test_tabs_are_in_step(visit, live_server):
    """
    What one makes, likes, deletes and brings back is so in the other, which lets go of
    what is gone: it may be left open for days.
    """
    clear(live_server)
    older = make(live_server, "was there before")
    kept = {"preview_id": "$thumbnail_id", "preview_bytes": "$thumbnail_bytes"}
    with live_server.database() as found:
        found.images.update_many({}, [{"$set": kept}])
    page = visit("/?size=512x512", lang="en").page
    other = page.context.new_page()
    other.goto("/")

    page.fill("#prompt", "asked for in a tab")
    page.get_by_role("button", name="Generate").click()

    expect(other.locator(".card").first).to_contain_text("asked for in a tab")
    expect(other.locator(".card").first.locator("img")).to_be_visible()
    slot_of(page, older).hover()
    slot_of(page, older).locator(".favourite button").click()
    liked = slot_of(other, older).locator(".favourite button")
    expect(liked).to_have_attribute("aria-pressed", "true")
    expect(card_of(other, older).locator("img[srcset]")).to_be_visible()
    other.evaluate(WATCHED, f"task-{older}")
    card_of(page, older).locator(".menu > summary").click()
    button(card_of(page, older), "Delete").click()
    expect(card_of(other, older)).to_have_count(0)
    await_let_go(other, "gone")
    button(card_of(page, older), "Undo").click()
    expect(other.locator(".card").nth(1)).to_have_attribute("id", f"task-{older}")


def test_other_devices_are_seen_on_return(visit, live_server):
    """What was asked for elsewhere is there, and comes to its picture."""
    page = visit("/", lang="en").page
    made = ask(live_server, "asked for on a phone")
    page.wait_for_timeout(1100)  # a tab that was away for less does not look

    page.evaluate(RETURN)

    expect(card_of(page, made)).to_be_visible()
    expect(card_of(page, made).locator("img")).to_be_visible()


@every_look
def test_notice_of_what_ends_out_of_sight(visit, live_server, look):
    """Leave is asked for by a press, and only who looks away is told."""
    seen = visit("/?size=512x512", **look, own=True)
    page = seen.page
    page.context.add_init_script(NOTICES)
    page.reload()
    await_scripts(page)
    live_server.rest(LANE)  # nothing ends before nobody looks
    page.fill("#prompt", "a picture to be told of")
    page.get_by_role("button", name=re.compile("生成|Generate")).click()
    page.locator("[popovertarget=notify]").click()
    expect(page.locator("#notify")).to_be_in_viewport(ratio=1)
    seen.check("tell")
    assert page.evaluate("asked") == 0

    page.locator("#notify [data-notify=notice]").click()
    pressed = page.locator("#notify [data-notify=notice][aria-pressed=true]")
    expect(pressed).to_be_attached()
    page.evaluate(HIDDEN)
    live_server.go_on(LANE)
    make(live_server, "nobody asked here for this one")

    expect(page.locator("#announce [data-ended]")).to_be_attached()
    wait_for(lambda: page.evaluate("notices.length"), what="a notice")
    assert page.evaluate("asked") == 1
    (words,) = page.evaluate("notices")
    assert "a picture to be told of" in words


def test_refused_notices_say_where_to_allow_them(visit):
    """The switch stays off, and settings have it as well."""
    page = visit("/account", lang="en").page
    page.evaluate("Notification.requestPermission = async () => 'denied'")

    page.locator("[data-notify=notice]").click()

    expect(page.locator("[data-notify-denied]")).to_be_visible()
    expect(page.locator("[data-notify=notice]")).to_have_attribute(
        "aria-pressed", "false"
    )


def test_page_where_nothing_can_be_reached(visit):
    """It comes back by itself; one page of nobody's is all that is kept."""
    seen = visit("/", lang="en", width=390, service_workers="allow")
    page = seen.page
    for words in ("ERR_INTERNET_DISCONNECTED", "Failed to fetch"):
        seen.forgive(words)
    page.evaluate("navigator.serviceWorker.ready")
    page.goto("/?show=all")
    page.context.set_offline(True)

    page.goto("/gallery")

    expect(page.get_by_text("The server cannot be reached")).to_be_visible()
    seen.shot("offline")
    assert seen.axe() == []
    assert page.evaluate(KEPT) == ["/offline"]
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Gallery")).to_be_attached()
