"""A browser's page that fails the test if anything about it is out of order."""

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import pytest

from tests.browser import harness
from tests.browser.harness import Watched

SMALL = "/?size=512x512"  # drawn quickly


@pytest.fixture
def visit(chromium, request) -> Iterator[Callable[..., Watched]]:
    """
    Open a page in a new window; nothing may go wrong in it until the test ends.

    Args (of the function given):
        path: Of the server.
        lang, theme, width: How the page shall look: "zh" or "en", "light" or
            "dark", and pixels; 390 is a phone that is touched.
        chosen: Language and theme come from cookies, against the browser's own.
        js: Whether scripts run.
        server: A `Stack`; by default the shared one without sign-in.
        cookies: Names and values, of a session for instance.
        refused: Statuses that the test asks for on purpose, besides 422.
        context: Settings of Playwright's ``new_context``, which come last.
    """
    opened: list[Watched] = []

    def open_page(
        path: str = SMALL,
        *,
        lang: str = "zh",
        theme: str = "light",
        width: int = 1280,
        chosen: bool = False,
        js: bool = True,
        server=None,
        cookies: Mapping[str, str] | None = None,
        refused: tuple[int, ...] = (),
        **context: object,
    ) -> Watched:
        server = server or request.getfixturevalue("live_server")
        host = urlsplit(server.url).netloc
        made, kept = harness.settings(lang, theme, width, chosen=chosen, host=host)
        made |= {"base_url": server.url, "java_script_enabled": js}
        # What a worker asks for is not seen by `route`.
        made |= {"service_workers": "block", **context}
        browser = chromium.new_context(**made)
        browser.add_cookies([*kept, *harness.cookies(dict(cookies or {}), host)])
        look = f"{lang}-{theme}-{width}" + (
            "" if made["java_script_enabled"] else "-nojs"
        )
        seen = Watched(browser.new_page(), look, made, frozenset({422, *refused}))
        seen.watch(host)
        opened.append(seen)
        seen.page.goto(path)
        return seen

    yield open_page
    for each in opened:
        each.page.context.close()
    assert [line for each in opened for line in each.verdict()] == []
