"""The filter of the sheet, in a real browser."""

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser import making
from tests.browser.harness import Watched, every_look
from tests.system import people

FAILING = (
    "雪夜里的灯塔 [[50413]]",
    "江上的旧渔船 [[50520]]",
    "竹林里的茶席 [[50520]]",
    "沙漠中的绿洲 [[html_502]]",
)
LONG = "一座云海之上的古寺，飞檐翘角，松风阵阵，晨光穿过薄雾，远山如黛，" * 4


@pytest.fixture(scope="module")
def account(closed_server) -> people.Account:
    return people.make(closed_server, "lin@example.com")


@pytest.fixture
def lin(closed_server, account) -> Callable[..., str]:
    """Somebody who has no tasks asks by the API; the task's id."""
    making.clear(closed_server)
    return partial(making.ask, closed_server, key=account.key)


@pytest.fixture
def queue_stands(closed_server):
    """Nothing is sent while the test runs: what waits goes on waiting."""
    closed_server.stop_consumers()
    yield
    closed_server.start_consumer()


@pytest.fixture
def full(lin, closed_server, account):
    """A task in every state but running; nothing moves."""
    for each in [lin("画好的湖", n=3), *map(lin, FAILING), lin(LONG)]:
        making.finish(closed_server, each, key=account.key)
    closed_server.stop_consumers()
    lin("明天的云", delay=86_400)
    path = f"/api/v1/tasks/{lin('不要的桥')}/cancel"
    headers = making.header(account.key)
    assert closed_server.ask("POST", path, headers=headers)[0] == 200
    for prompt, n in (("等着的船", 2), ("等着的山", 1)):
        lin(prompt, n=n)
    yield
    closed_server.start_consumer()


@pytest.fixture
def show(visit, account) -> Callable[..., Watched]:
    """Open the filtered sheet as its owner."""
    return lambda query="?show=all", **how: visit(f"/{query}", who=account, **how)


@every_look
def test_every_state(show, full, look):
    """
    All states side by side; why some failed and what to do, with the question about all
    of them open, and answered.
    """
    seen = show(**look)
    expect(seen.page.locator(".card")).to_have_count(10)
    seen.check("filter", full=True)
    assert seen.layout_shift() == []

    seen.page.goto("/?show=failed")
    seen.page.locator(".filter .confirm summary").click()
    expect(seen.page.locator(".filter .confirm button")).to_be_in_viewport(ratio=1)
    seen.check("filter-failed", full=True)
    seen.page.locator(".filter .confirm button").click()
    expect(seen.page.locator(".filter-said")).to_contain_text("2")


@every_look
def test_nothing_matches(show, lin, look):
    """It says so, and the form is there."""
    seen = show("?show=failed", **look)

    seen.check("filter-none")


def test_waiting_ones_are_cancelled(show, lin, queue_stands):
    """
    One in its place; then all, after a question, and with a word about how many it
    were.
    """
    for n in range(5):
        lin(f"等着的云 {n}")
    task_id = lin("不要的")
    seen = show("?show=waiting", lang="en", width=390)
    page = seen.page
    card = page.locator(f"#task-{task_id}")

    expect(page.get_by_text("Cancel all waiting (6)")).to_be_visible()
    card.get_by_role("button", name="Cancel", exact=True).click()
    expect(card.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_text("Cancel all waiting (6)").click()
    page.get_by_role("button", name="Yes, cancel all").click()

    expect(page.get_by_text("Cancelled: 5")).to_be_visible()
    expect(page.get_by_role("link", name="Cancelled 6")).to_be_visible()
    expect(page.get_by_text("Cancel all waiting")).to_have_count(0)
    seen.check("filter-cancelled")


def test_older_ones_come_by_themselves(show, lin, queue_stands):
    for n in range(26):
        lin(f"云 {n}")
    page = show(lang="en").page
    expect(page.locator(".card")).to_have_count(24)

    page.mouse.wheel(0, 20_000)

    expect(page.locator(".card")).to_have_count(26)
    expect(page.locator(".more")).to_have_count(0)
