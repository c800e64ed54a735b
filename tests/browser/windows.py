"""
Windows of the browser that one test leaves clean and another takes.

A new window is a process that starts, and reads every script and font for the first
time: more than half of what a visit costs. One that is taken again has no cookie and
nothing in its stores, no page behind it and no mouse over it. It has kept what the
server lets browsers keep.
"""

import json
from collections.abc import Mapping

from playwright.sync_api import Error

from tests.servers import PATIENCE

IDLE = 6  # windows that wait, each a process of some 60 MB
NOTHING = "/health"  # a page of the same origin, without a script
# What its pages have stored, but for the cookies.
STORED = "indexeddb,local_storage,cache_storage,service_workers"
# Listeners from before the first byte: the console and the tests read what they tell.
SPY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
window.__ran = [];
document.addEventListener("load", ({ target }) => {
  if (target.localName === "script") __ran.push(target.src);
}, true);
window.__shifts = [];
window.__shiftObserver = new PerformanceObserver((list) => {
  window.__shifts.push(...list.getEntries());
});
window.__shiftObserver.observe({ type: "layout-shift", buffered: true });
"""
# What a page asks for once it is loaded has run, too: a click before is another.
RAN = """
() => (document.getElementById("later")?.dataset.scripts.trim().split(/\\s+/) ?? [])
  .every((src) => __ran.includes(new URL(src, location).href))
"""


def await_scripts(page) -> None:
    """Wait for all scripts of the page that is shown."""
    page.wait_for_function(RAN)


class Windows:
    """Those of one browser that nobody uses now."""

    def __init__(self, browser) -> None:
        self._browser = browser
        self._idle: list[tuple[str, object]] = []  # kind and page, oldest first

    def open(self, settings: Mapping[str, object], *, own: bool = False):
        """
        A page, alone in its context.

        Args:
            settings: Playwright's of the context, ``base_url`` among them.
            own: Nobody has had it.
        """
        wanted = kind_of(settings)
        for entry in [] if own else self._idle:
            if entry[0] == wanted:
                self._idle.remove(entry)
                adapt(entry[1], settings)
                return entry[1]
        context = self._browser.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(SPY)
        return context.new_page()

    def give_back(self, page, settings: Mapping[str, object]) -> None:
        """Keep it for another test, if it can be made as new."""
        try:
            clean(page, settings)
        except Error:  # it was closed, or its server is gone
            page.context.close()
            return
        self._idle.append((kind_of(settings), page))
        if len(self._idle) > IDLE:
            self._idle.pop(0)[1].context.close()


def kind_of(settings: Mapping[str, object]) -> str:
    """What a window is made with for good: all but its size and its theme."""
    fixed = {k: v for k, v in settings.items() if k not in ("viewport", "color_scheme")}
    return json.dumps(fixed, sort_keys=True)


def adapt(page, settings: Mapping[str, object]) -> None:
    """Another page of its context would have the theme of whoever was the first."""
    page.emulate_media(color_scheme=settings.get("color_scheme"))
    if page.viewport_size != settings["viewport"]:
        page.set_viewport_size(settings["viewport"])


def clean(page, settings: Mapping[str, object]) -> None:
    """Undo what a test may do that does not ask for a window of its own."""
    context = page.context
    for each in context.pages:
        if each != page:
            each.close()
    context.set_offline(False)
    context.unroute_all()
    page.unroute_all()
    page.mouse.move(-1, -1)
    # What a page stores as it is left is stored by then.
    page.goto(NOTHING)
    if settings.get("java_script_enabled", True):
        page.evaluate("sessionStorage.clear()")
    context.clear_cookies()
    tools = context.new_cdp_session(page)
    where = {"origin": settings["base_url"], "storageTypes": STORED}
    tools.send("Storage.clearDataForOrigin", where)
    tools.send("Page.resetNavigationHistory")
    tools.detach()
