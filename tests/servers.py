"""Fixtures: the whole product as it runs, people at it, and a browser."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import redis

from tests.databases import Servers
from tests.forks import PATIENT
from tests.order import is_last_of_pieces, piece
from tests.system import people
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S

# Chromium would look up hosts of its maker at every start; and the fewer processes
# there are, the less they cost.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-site-isolation-trials",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 1000 * PATIENCE_S  # milliseconds
SHARED = {"live_server", "closed_server"}
# The same engine, best without the windows around it: a third of the work.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")

_running: list[Stack] = []  # those that are shared


def find_chromium() -> str | None:
    """The path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def share(servers: Servers, tmp_path_factory) -> Iterator[Callable[..., Stack]]:
    """Start the whole product as `make run` does, with the demo provider."""
    started = []

    def start(name: str, number: int, **how: str) -> Stack:
        folder, queue = tmp_path_factory.mktemp(name), servers.redis_url(number)
        own = {"database": servers.database(f"jimeng_{name}"), PATIENT: "1"}
        made = Stack(folder, servers.mongodb_uri, queue, **own, **how)
        started.append(made)
        made.start_consumer()
        made.await_ready()
        _running.append(made)
        return made

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def live_server(share: Callable[..., Stack]) -> Stack:
    return share("live", 1)  # beside the other tests' queue


@pytest.fixture(scope="session")
def closed_server(share: Callable[..., Stack]) -> Stack:
    """The same with sign-in on: `people.make` lets somebody in."""
    return share("closed", 3, **people.SIGN_IN)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Whom no test here asks any more need not look for work until the end."""
    if not is_last_of_pieces(item, nextitem):
        return
    others = [each for each in item.session.items if not piece(each.nodeid)]
    if not any(SHARED & set(each.fixturenames) for each in others):
        while _running:
            _running.pop().stop()


@pytest.fixture(scope="session")
def own_stack(
    servers: Servers, tmp_path_factory
) -> Callable[..., AbstractContextManager[Stack]]:
    """
    A `Stack` for the tests of one file, or for one test, one at a time.

    Args (of the function given):
        name: Of its database and its folder.
        up: Wait until it answers.
        how: What else `Stack` takes; its databases are waited for.
    """
    queue = servers.redis_url(4)

    @contextmanager
    def start(name: str, *, up: bool = True, **how: object) -> Iterator[Stack]:
        with redis.Redis.from_url(queue) as link:
            link.flushdb()
        folder, database = (
            tmp_path_factory.mktemp(name),
            f"{name}_{secrets.token_hex(4)}",
        )
        more = {PATIENT: "1", **how}
        made = Stack(folder, servers.mongodb_uri, queue, database=database, **more)
        try:
            if up:
                made.await_up()
            yield made
        finally:
            made.stop()

    return start


@pytest.fixture(scope="session")
def ada(closed_server: Stack, host: people.Account) -> people.Account:
    """A user of `closed_server`."""
    return people.make(closed_server, "ada@example.com")


@pytest.fixture(scope="session")
def host(closed_server: Stack) -> people.Account:
    """The admin of `closed_server` who lets in all others; see `root`."""
    return people.make(closed_server, "root@example.com", role="admin")


@pytest.fixture(scope="session")
def root(host: people.Account) -> people.Account:
    """An admin of `closed_server`."""
    return host


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A real browser, shared: each test opens a context or a page of its own."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    path = find_chromium()
    assert path, "chromium is needed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()
