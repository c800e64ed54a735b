"""The watched page notices what it is there to notice, and its window is clean."""

import ast
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser import harness

SOIL = """
() => {
  localStorage.setItem("kept", 1);
  sessionStorage.setItem("kept", 1);
  indexedDB.open("kept");
  addEventListener("pagehide", () => sessionStorage.setItem("late", 1));
  scrollTo(0, 50);
}
"""
LEFT = """
async () => [
  Object.keys(localStorage).filter((each) => each === "kept"),
  Object.keys(sessionStorage).filter((each) => each === "kept" || each === "late"),
  (await indexedDB.databases()).map((each) => each.name),
  document.cookie.includes("theme"),
  document.querySelectorAll(":hover").length,
  scrollY,
  navigator.onLine,
  matchMedia("(prefers-color-scheme: light)").matches,
]
"""
# What stays in a window, or in the test's hold on it, whatever is cleaned.
STAYS = {"add_init_script", "emulate_media", "expose_function", "install", "on", "once"}


PROVOKE = {
    "oh": "console.error('oh')",
    "ouch": "setTimeout(() => { throw new Error('ouch'); })",
    "localhost:9": "fetch('http://localhost:9/x').catch(() => 0)",
    "404": "fetch('/tasks/none').catch(() => 0)",
    "CSP: style-src": "document.body.setAttribute('style', 'top: 0')",
    "CSP: script-src": (
        "document.body.append(Object.assign("
        "document.createElement('script'), { text: '1' }))"
    ),
}


def test_trouble_is_noticed(visit):
    """Each kind of disorder would have failed the test, and movement is told."""
    seen = visit("/")
    assert seen.verdict() == seen.layout_shift() == []
    seen.page.evaluate(
        "() => { document.querySelector('main').insertAdjacentHTML('beforebegin',"
        " '<p>a<br>b<br>c<br>d<br>e<br>f</p>'); }"
    )
    assert len(seen.layout_shift()) >= 1

    for told, provoke in PROVOKE.items():
        seen.page.evaluate(f"() => {{ {provoke}; }}")
        while told not in str(seen.verdict()):
            seen.page.wait_for_timeout(20)
        seen.troubles.clear()
    seen.page.wait_for_timeout(200)  # for what is told twice
    seen.troubles.clear()


@pytest.mark.parametrize("js", [True, False])
def test_bad_markup_is_noticed(visit, js):
    """
    axe runs, with or without the page's own scripts, and with the newest rules; so does
    the search for forms that need a script.
    """
    seen = visit("/", width=390, js=js)

    seen.page.evaluate(
        "() => { document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<p><img src=/static/favicon.svg><input type=checkbox class=unseen></p>"
        "<h6>.</h6><form method=post hx-post=/x></form>'); }"
    )

    with pytest.raises(AssertionError, match="/x"):
        seen.check("bad")
    found = {line.split()[0] for line in seen.axe()}
    assert found >= {"image-alt", "label", "heading-order"}


def test_window_that_is_taken_again_is_clean(windows, live_server):
    """Nothing that a test did in it is there for the next."""
    look = {"lang": "en", "theme": "dark", "width": 1280, "chosen": False}
    host = urlsplit(live_server.url).netloc
    settings, _ = harness.settings(**look, host=host)
    settings["base_url"] = live_server.url
    page = windows.open(settings, own=True)
    page.context.add_cookies([*harness.cookies({"theme": "light"}, host)])
    page.goto("/gallery")
    page.route("**/*", lambda each: each.abort())
    page.mouse.move(200, 100)
    page.evaluate(SOIL)
    page.context.new_page()
    page.set_viewport_size({"width": 390, "height": 100})
    page.context.set_offline(True)

    windows.give_back(page, settings)
    settings |= {"color_scheme": "light"}
    again = windows.open(settings)

    assert again == page and again.context.pages == [page]
    assert again.go_back() is None
    again.goto("/gallery")
    assert again.evaluate(LEFT) == [[], [], [], False, 0, 0, True, True]
    assert again.viewport_size == settings["viewport"]
    again.context.close()


def test_what_stays_in_a_window_is_done_in_ones_own():
    """Who adds to all pages of a window, or listens, asks for `own`."""
    for path in Path(__file__).parent.glob("test_*.py"):
        for each in ast.parse(path.read_text()).body:
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
                done = {n.attr for n in ast.walk(each) if isinstance(n, ast.Attribute)}
                asked = {n.arg for n in ast.walk(each) if isinstance(n, ast.keyword)}
                assert not done & STAYS or "own" in asked, f"{path}: {each.name}"
