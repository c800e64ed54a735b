"""The list of all tasks, in a real browser."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser import making
from tests.browser.harness import every_look
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


@pytest.fixture(scope="module")
def ask(closed_server, account) -> Callable[..., str]:
    """Somebody asks by the API; the task's id."""
    return partial(making.ask, closed_server, key=account.key)


@pytest.fixture
def lin(closed_server, ask) -> Callable[..., str]:
    """The same, who has no tasks."""
    making.clear(closed_server)
    return ask


@pytest.fixture
def queue_stands(closed_server):
    """Nothing is sent while the test runs: what waits goes on waiting."""
    closed_server.stop_consumers()
    yield
    closed_server.start_consumer()


@pytest.fixture(scope="module")
def kept(closed_server, account, ask) -> dict[str, list[dict]]:
    """The records of a task in every state but running."""
    ended = [ask("画好的湖", n=3), *map(ask, FAILING), ask(LONG)]
    for each in ended:
        making.finish(closed_server, each, key=account.key)
    closed_server.stop_consumers()
    waiting = [ask("明天的云", delay=86_400), ask("不要的桥")]
    path, key = f"/api/v1/tasks/{waiting[1]}/cancel", making.header(account.key)
    assert closed_server.ask("POST", path, headers=key)[0] == 200
    waiting += [ask("等着的船", n=2), ask("等着的山")]
    ids = [*ended, *waiting]
    with closed_server.database() as found:
        records = {
            "tasks": list(found.tasks.find({"_id": {"$in": ids}})),
            "generations": list(found.generations.find({"task_id": {"$in": ids}})),
        }
        found.generations.delete_many({"task_id": {"$in": waiting}})
    closed_server.start_consumer()
    return records


@pytest.fixture
def full(lin, kept, closed_server, queue_stands):
    """A task in every state but running; nothing moves."""
    with closed_server.database() as found:
        for name, records in kept.items():
            found[name].delete_many({})
            found[name].insert_many(records)
        yield
        for name in kept:
            found[name].delete_many({})


@pytest.fixture
def show(visit, closed_server, account):
    """Open the list as its owner."""

    def open_list(query: str = "", **how: object):
        how = {"server": closed_server, "cookies": account.cookies, **how}
        return visit(f"/tasks{query}", **how)

    return open_list


@every_look
def test_full_list(show, full, look):
    """
    All states side by side; why some failed and what to do, with the question about all
    of them open.
    """
    seen = show(**look)
    expect(seen.page.locator(".task")).to_have_count(10)
    seen.check("tasks", full=True)
    assert seen.layout_shift() == []

    seen.page.goto("/tasks?status=failed")
    seen.page.locator("#bulk summary").click()
    expect(seen.page.locator("#bulk button")).to_be_visible()
    seen.check("tasks-failed", full=True)


@every_look
def test_empty_list(show, lin, look):
    """Who has no tasks is shown how to begin."""
    seen = show(**look)

    seen.check("tasks-empty")


def test_waiting_ones_are_cancelled(show, lin, queue_stands):
    """
    One in its place; then all, after a question, and with a word about how many it
    were.
    """
    for n in range(5):
        lin(f"等着的云 {n}")
    task_id = lin("不要的")
    seen = show(lang="en", width=390)
    page = seen.page
    row = page.locator(f"#row-{task_id}")

    expect(page.get_by_text("Cancel all waiting (6)")).to_be_visible()
    row.get_by_role("button", name="Cancel").click()
    expect(row.locator(".badge")).to_have_text("Cancelled")
    expect(row.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_text("Cancel all waiting (5)").click()
    page.get_by_role("button", name="Yes, cancel all").click()

    expect(page.get_by_text("Cancelled: 5")).to_be_visible()
    expect(page.get_by_role("link", name="Cancelled 6")).to_be_visible()
    expect(page.get_by_text("Cancel all waiting")).to_be_hidden()
    seen.check("tasks-cancelled")


def test_all_failures_that_can_be_are_run_again(show, lin, closed_server, account):
    """The page says what is left out; the new ones come to their pictures."""
    for each in [lin(prompt) for prompt in FAILING]:
        making.finish(closed_server, each, key=account.key)
    page = show("?status=failed", lang="en").page

    page.get_by_text("Retry all retryable (2)").click()
    expect(page.get_by_text("already or possibly charged: 1")).to_be_visible()
    expect(page.get_by_text("1 more would fail the same way")).to_be_visible()
    page.get_by_role("button", name="Yes, retry").click()

    expect(page.get_by_text("Submitted again: 2")).to_be_visible()
    expect(page.get_by_text("Retried; see the new task")).to_have_count(2)


def test_row_follows_its_task(show, lin):
    """It waits, is drawn, and is done, while one looks; then all is quiet."""
    task_id = lin("看着的鹤")
    page = show(lang="en").page

    row = page.locator(f"#row-{task_id}")
    expect(row.locator(".badge")).to_have_text("Done")

    expect(row.locator("img")).to_be_visible()
    expect(page.get_by_role("link", name="Done 1")).to_be_visible()
    ticker = page.locator("#ticker")
    expect(ticker).not_to_have_attribute("hx-get", re.compile(".*"))


def test_older_rows_come_by_themselves(show, lin, queue_stands):
    """Scrolling is enough; without scripts there is a link."""
    for n in range(26):
        lin(f"云 {n}")
    page = show(lang="en").page
    expect(page.locator(".task")).to_have_count(24)

    page.mouse.wheel(0, 20_000)

    expect(page.locator(".task")).to_have_count(26)
    expect(page.locator(".more")).to_have_count(0)
    plain = show(lang="en", js=False).page
    plain.get_by_role("link", name="Older tasks").click()
    expect(plain.locator(".task")).to_have_count(2)
