"""
What the tests of pages stand on: looks, and a page that is watched.

A state of a page in all its looks, and what every state has to be::

    @every_look
    def test_empty_gallery(visit, look):
        seen = visit("/gallery", **look)
        seen.check("gallery-empty")  # axe, width, language, theme; `make screenshots`

Anything else in the browser::

    seen = visit("/", lang="en", theme="dark", width=390, js=False)
    seen.page.get_by_role("link", name="Gallery").click()
    assert seen.axe() == []
    assert seen.layout_shift() == []

Whatever goes wrong meanwhile fails the test when it ends: errors and warnings in the
console, answers of 400 and above but for 422, requests that failed or went to another
host, reports of the Content-Security-Policy. What a test provokes on purpose it says
before, ``visit("/nothing", refused=(404,))``, or forgives, ``seen.forgive("words")``.
"""

import itertools
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from tests.browser import axe, shots

HTML = "text/html; charset=utf-8"
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
OTHER = {"zh": "en", "en": "zh", "light": "dark", "dark": "light"}
WINDOWS: dict[int, dict] = {
    390: {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
    1280: {"viewport": {"width": 1280, "height": 800}},
}
LOOKS = [
    # In the wide window what was chosen on the page beats the browser's own wishes.
    {"lang": lang, "theme": theme, "width": width, "chosen": width > 1000}
    for lang, theme, width in itertools.product(LOCALES, ("light", "dark"), WINDOWS)
]
ALL = "LOOKS" in os.environ  # set by `make screenshots`

SHIFTS = """
async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  window.__shifts.push(...window.__shiftObserver.takeRecords());
  const name = (node) => !node ? "something that is gone"
    : node.nodeType === 1 ? `${node.outerHTML.split(">")[0]}>` : node.textContent;
  const place = (rect) => `${rect.x} ${rect.y} ${rect.width}x${rect.height}`;
  return window.__shifts.map((each) => ({
    input: each.hadRecentInput,
    line: each.sources.map((source) =>
      `${name(source.node)}
        ${place(source.previousRect)} -> ${place(source.currentRect)}`
    ).join(", ") + ` (${each.value.toFixed(4)})`,
  }));
}
"""
# The last: forms that would not do, or not do the same, where no script runs.
HEAD = """
() => [document.documentElement.lang, document.documentElement.scrollWidth,
       getComputedStyle(document.documentElement).colorScheme,
       matchMedia("(prefers-color-scheme: dark)").matches,
       [...document.querySelectorAll("form[hx-post]")].filter((form) =>
         form.method !== "post" ||
         form.getAttribute("action")?.split("#")[0] !== form.getAttribute("hx-post"))
         .map((form) => form.outerHTML.split(">")[0])]
"""


def _name(look: dict) -> str:
    return f"{look['lang']}-{look['theme']}-{look['width']}"


def every_look(test: Callable) -> Callable:
    """
    Run a test in all looks, or, where there is no time for them, in one of them and
    its opposite: each language, theme and width is seen once. Which one depends on
    the test's name, so that the tests of a page see all.
    """
    first = LOOKS[zlib.crc32(test.__qualname__.encode()) % 4]
    chosen = LOOKS if ALL else [first, LOOKS[7 - LOOKS.index(first)]]
    return pytest.mark.parametrize("look", chosen, ids=_name)(test)


@dataclass
class Watched:
    """
    Attributes:
        page: Playwright's; other pages of its context are watched, too.
        look: "zh-light-390", for instance, with "-nojs" where scripts are off.
        settings: Those of the context.
        refused: Statuses of answers that the test asks for on purpose.
        requests: The addresses that were asked for.
        troubles: What went wrong so far.
    """

    page: object
    look: str = ""
    settings: dict = field(default_factory=dict)
    refused: frozenset[int] = frozenset({422})
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _forgiven: list[str] = field(default_factory=list)

    def watch(self, host: str) -> None:
        """Listen to all that happens in this page's context."""
        self._host = host
        for event, listener in self._listeners().items():
            self.page.context.on(event, listener)

    def let_be(self) -> None:
        """Listen no more."""
        for event, listener in self._listeners().items():
            self.page.context.remove_listener(event, listener)

    def _listeners(self) -> dict[str, Callable]:
        return {
            "request": self._ask,
            "weberror": self._fail,
            "console": self._read,
            "response": self._check,
            "requestfailed": self._note,
        }

    def _fail(self, error) -> None:
        self.troubles.append(str(error.error))

    def _ask(self, request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if (
            parts.scheme in {"http", "https", "ws", "wss"}
            and parts.netloc != self._host
        ):
            self.troubles.append(f"asks another host: {request.url}")

    def _read(self, message) -> None:
        # What was refused is told in the page; Chromium adds a line of its own.
        told = re.search(r"status of (\d+)", message.text)
        if told and int(told[1]) in self.refused:
            return
        if "Service Worker registration blocked" in message.text:
            return  # by the tests themselves
        if message.type in {"error", "warning"}:
            self.troubles.append(message.text)

    def _check(self, response) -> None:
        if response.status >= 400 and response.status not in self.refused:
            self.troubles.append(f"{response.status} {response.url}")

    def _note(self, request) -> None:
        # A page that is left lets go of what it was asking for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"{request.failure} {request.url}")

    def forgive(self, words: str) -> None:
        """Do not mind troubles with these *words* in them, before and after."""
        self._forgiven.append(words)

    def verdict(self) -> list[str]:
        """The troubles that were not forgiven."""
        return [
            f"{self.look}: {trouble}"
            for trouble in self.troubles
            if not any(words in trouble for words in self._forgiven)
        ]

    def polls(self) -> int:
        """How often the page has asked for changes."""
        return sum("/feed/changes" in url for url in self.requests)

    def axe(self, within: str | None = None) -> list[str]:
        """What axe-core finds, a line an element; *within* a CSS selector."""
        if self.settings.get("java_script_enabled", True):
            return axe.violations(self.page, within)
        with self._twin() as page:
            return axe.violations(page, within)

    @contextmanager
    def _twin(self) -> Iterator[object]:
        """The same document where axe can run, and the page's own scripts do not."""
        html = re.sub(r"(</?)noscript", r"\1div", self.page.content())
        twin = {**self.settings, "java_script_enabled": True}
        context = self.page.context.browser.new_context(**twin)
        page = context.new_page()
        page.route(
            self.page.url, lambda each: each.fulfill(body=html, content_type=HTML)
        )
        page.route("**/*.js*", lambda each: each.fulfill(body=""))
        page.goto(self.page.url)
        yield page
        context.close()

    def layout_shift(self, *, after_input: bool = False) -> list[str]:
        """
        What has moved by itself since the page was opened, a line each time.

        Args:
            after_input: Also what moved within half a second of a click or a key.
        """
        found = self.page.evaluate(SHIFTS)
        return [each["line"] for each in found if after_input or not each["input"]]

    def shot(self, name: str, *, full: bool = False) -> None:
        """With `make screenshots`, for people to look at; see `shots.take`."""
        if ALL:
            shots.take(self.page, name, self.look, full=full)

    def check(self, name: str, *, full: bool = False) -> None:
        """
        Take the screenshot, and hold what every state of every page has to be:
        accessible, no wider than the window, in the language and theme wanted, its
        forms of use without scripts.

        Args:
            full: The screenshot is of the whole page.
        """
        self.shot(name, full=full)
        self.page.wait_for_load_state()  # it may be on its way to another page
        lang, wide, scheme, is_dark, scripted = self.page.evaluate(HEAD)
        wanted_lang, theme, width = self.look.split("-")[:3]
        assert lang == {"zh": "zh-CN", "en": "en"}[wanted_lang]
        if scheme in {"", "normal", "light dark"}:  # as the system likes it
            scheme = "dark" if is_dark else "light"
        assert scheme == theme
        assert wide <= int(width), f"{wide} pixels wide"
        assert scripted == [], "\n".join(scripted)
        found = self.axe()
        assert found == [], "\n".join(found)


def settings(
    lang: str, theme: str, width: int, *, chosen: bool, host: str
) -> tuple[dict, list[dict]]:
    """Playwright's settings of a context for a look, and its cookies."""
    own_lang, own_theme = (OTHER[lang], OTHER[theme]) if chosen else (lang, theme)
    window = WINDOWS.get(width) or {"viewport": {"width": width, "height": 800}}
    wishes = {"locale": LOCALES[own_lang], "color_scheme": own_theme}
    kept = {"lang": lang, "theme": theme} if chosen else {}
    return window | wishes | {"reduced_motion": "reduce"}, cookies(kept, host)


def cookies(values: dict[str, str], host: str) -> Iterable[dict]:
    """Cookies as Playwright takes them."""
    url = f"http://{host}"
    return [{"name": name, "value": v, "url": url} for name, v in values.items()]
