"""A browser's page that fails the test if anything about it is out of order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SMALL = "/?size=512x512"  # drawn quickly
SHOTS = Path(__file__).parent.parent.parent / "screenshots"


@dataclass
class Watched:
    """
    Attributes:
        page: Playwright's.
        requests: The addresses that it has asked for.
        troubles: Errors of scripts, messages, refused and failed requests.
    """

    page: object
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("request", lambda each: self.requests.append(each.url))
        self.page.on("pageerror", lambda each: self.troubles.append(str(each)))
        self.page.on("console", self._read)
        self.page.on("response", self._check)
        self.page.on("requestfailed", self._note)

    def _read(self, message) -> None:
        # A form that is refused is told in the page; Chromium adds a line of its own.
        expected = "status of 422" in message.text
        if message.type in {"error", "warning"} and not expected:
            self.troubles.append(message.text)

    def _check(self, response) -> None:
        if response.status >= 400 and response.status != 422:
            self.troubles.append(f"{response.status} {response.url}")

    def _note(self, request) -> None:
        # A page that is left lets go of what it was asking for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"{request.failure} {request.url}")

    def polls(self) -> int:
        return sum("/feed/changes" in url for url in self.requests)

    def shot(self, name: str) -> None:
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}.png"))


@pytest.fixture
def visit(chromium, live_server) -> Iterator[Callable[..., Watched]]:
    """Open the page in a window with these settings; nothing may go wrong in it."""
    opened: list[tuple[object, Watched]] = []

    def open_page(path: str = SMALL, **settings: object) -> Watched:
        settings = {"reduced_motion": "reduce", **settings}
        context = chromium.new_context(base_url=live_server.url, **settings)
        watched = Watched(context.new_page())
        watched.watch()
        opened.append((context, watched))
        watched.page.goto(path)
        return watched

    yield open_page
    for context, _ in opened:
        context.close()
    assert [trouble for _, each in opened for trouble in each.troubles] == []
