"""A browser's page that fails the test if anything about it is out of order."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser import harness, wall
from tests.browser.harness import Watched
from tests.browser.windows import Windows, await_scripts
from tests.system import people

SMALL = "/?size=512x512"  # drawn quickly


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is tested here needs a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def windows(chromium) -> Windows:
    """The windows that no test uses now."""
    return Windows(chromium)


@pytest.fixture
def root(closed_server, root) -> people.Account:
    """The admin, who may do what asks for the password again, late in a run, too."""
    people.confirm(closed_server, root)
    return root


@pytest.fixture
def empty_gallery(live_server) -> Iterator[None]:
    """The guest has nothing; the documents are those of the server."""
    with wall.connected(live_server):
        yield


@pytest.fixture
def visit(windows, request) -> Iterator[Callable[..., Watched]]:
    """
    Open a page in a clean window; nothing may go wrong in it until the test ends.

    Args (of the function given):
        path: Of the server.
        lang, theme, width: How the page shall look: "zh" or "en", "light" or
            "dark", and pixels; 390 is a phone that is touched.
        chosen: Language and theme come from cookies, against the browser's own.
        js: Whether scripts run.
        who: Somebody who has signed in, on the shared server where one does.
        server: A `Stack`; by default the shared one without sign-in.
        cookies: Names and values, of a session for instance.
        refused: Statuses that the test asks for on purpose, besides 422.
        own: The window is new, and goes with the test; for one that changes what all
            its pages are, or listens itself.
        context: Settings of Playwright's ``new_context``, which come last.
    """
    opened: list[tuple[Watched, bool]] = []

    def open_page(
        path: str = SMALL,
        *,
        lang: str = "zh",
        theme: str = "light",
        width: int = 1280,
        chosen: bool = False,
        js: bool = True,
        who: people.Account | None = None,
        server=None,
        cookies: Mapping[str, str] | None = None,
        refused: tuple[int, ...] = (),
        own: bool = False,
        **context: object,
    ) -> Watched:
        shared = "closed_server" if who else "live_server"
        server = server or request.getfixturevalue(shared)
        given = {**(who.cookies if who else {}), **(cookies or {})}
        host = urlsplit(server.url).netloc
        made, kept = harness.settings(lang, theme, width, chosen=chosen, host=host)
        made |= {"base_url": server.url, "java_script_enabled": js}
        # What a worker asks for is not seen by `route`.
        made |= {"service_workers": "block", **context}
        page = windows.open(made, own=own)
        page.context.add_cookies([*kept, *harness.cookies(given, host)])
        look = f"{lang}-{theme}-{width}" + (
            "" if made["java_script_enabled"] else "-nojs"
        )
        seen = Watched(page, look, made, frozenset({422, *refused}))
        seen.watch(host)
        opened.append((seen, own))
        seen.page.goto(path)
        if made["java_script_enabled"]:
            await_scripts(seen.page)
        return seen

    yield open_page
    for each, own in opened:
        each.let_be()
        if own:
            each.page.context.close()
        else:
            windows.give_back(each.page, each.settings)
    assert [line for each, _ in opened for line in each.verdict()] == []
