"""The list of all tasks, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import every_look
from tests.system import people
from tests.waiting import wait_for

FAILING = (
    "雪夜里的灯塔 [[50413]]",
    "江上的旧渔船 [[50520]]",
    "竹林里的茶席 [[50520]]",
    "沙漠中的绿洲 [[html_502]]",
)
LONG = "一座云海之上的古寺，飞檐翘角，松风阵阵，晨光穿过薄雾，远山如黛，" * 4


class Somebody:
    """A user of the closed server, who asks by its API."""

    def __init__(self, server, account: people.Account) -> None:
        self.server, self.account = server, account
        self.headers = {"Authorization": f"Bearer {account.key}"}

    def ask(self, prompt: str, **fields: object) -> str:
        body = {"type": "image", "prompt": prompt, "size": "512x512", **fields}
        status, answer = self.server.ask(
            "POST", "/api/v1/ai/tasks", body, headers=self.headers
        )
        assert status == 202, answer
        return answer["data"]["task_id"]

    def await_end(self, *task_ids: str) -> None:
        def is_over(task_id: str) -> bool:
            path = f"/api/v1/tasks/{task_id}"
            answer = self.server.ask("GET", path, headers=self.headers)[1]
            return answer["data"]["status"] not in {"pending", "processing"}

        for task_id in task_ids:
            wait_for(lambda each=task_id: is_over(each), what=f"{task_id} has ended")


@pytest.fixture(scope="module")
def account(closed_server) -> people.Account:
    return people.make(closed_server, "lin@example.com")


@pytest.fixture
def lin(closed_server, account) -> Somebody:
    """Somebody without tasks."""
    with closed_server.database() as found:
        found.tasks.delete_many({})
        found.generations.delete_many({})
    return Somebody(closed_server, account)


@pytest.fixture
def queue_stands(closed_server):
    """Nothing is sent while the test runs: what waits goes on waiting."""
    closed_server.stop_consumers()
    yield
    closed_server.start_consumer()


@pytest.fixture(scope="module")
def kept(closed_server, account) -> dict[str, list[dict]]:
    """The records of a task in every state but running."""
    lin = Somebody(closed_server, account)
    ended = [lin.ask("画好的湖", n=3), *map(lin.ask, FAILING), lin.ask(LONG)]
    lin.await_end(*ended)
    closed_server.stop_consumers()
    waiting = [lin.ask("明天的云", delay=86_400), lin.ask("不要的桥")]
    path = f"/api/v1/tasks/{waiting[1]}/cancel"
    assert closed_server.ask("POST", path, headers=lin.headers)[0] == 200
    waiting += [lin.ask("等着的船", n=2), lin.ask("等着的山")]
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
    """All states side by side, in all looks."""
    seen = show(**look)

    expect(seen.page.locator(".task")).to_have_count(10)
    seen.check("tasks", full=True)
    assert seen.layout_shift() == []


@every_look
def test_failures(show, full, look):
    """Why they failed and what to do, with the question about all of them open."""
    seen = show("?status=failed", **look)

    seen.page.locator("#bulk summary").click()
    expect(seen.page.locator("#bulk button")).to_be_visible()
    seen.check("tasks-failed", full=True)


@every_look
def test_empty_list(show, lin, look):
    """Who has no tasks is shown how to begin."""
    seen = show(**look)

    seen.check("tasks-empty")


@pytest.mark.parametrize("js", [True, False], ids=["js", "plain"])
def test_all_waiting_are_cancelled(show, lin, queue_stands, js):
    """After a question, and with a word about how many it were."""
    for n in range(5):
        lin.ask(f"等着的云 {n}")
    seen = show(lang="en", js=js, width=390)
    page = seen.page

    page.get_by_text("Cancel all waiting (5)").click()
    page.get_by_role("button", name="Yes, cancel all").click()

    expect(page.get_by_text("Cancelled: 5")).to_be_visible()
    expect(page.get_by_role("link", name="Cancelled 5")).to_be_visible()
    expect(page.get_by_text("Cancel all waiting")).to_be_hidden()
    seen.check("tasks-cancelled-" + ("js" if js else "plain"))


@pytest.mark.parametrize("js", [True, False], ids=["js", "plain"])
def test_all_failures_that_can_be_are_run_again(show, lin, closed_server, js):
    """The page says what is left out; the new ones come to their pictures."""
    lin.await_end(*[lin.ask(prompt) for prompt in FAILING])
    seen = show("?status=failed", lang="en", js=js)
    page = seen.page

    page.get_by_text("Retry all retryable (2)").click()
    expect(page.get_by_text("already or possibly charged: 1")).to_be_visible()
    expect(page.get_by_text("1 more would fail the same way")).to_be_visible()
    page.get_by_role("button", name="Yes, retry").click()

    expect(page.get_by_text("Submitted again: 2")).to_be_visible()
    expect(page.get_by_text("Retried; see the new task")).to_have_count(2)


def test_row_follows_its_task(show, lin):
    """It waits, is drawn, and is done, while one looks; then all is quiet."""
    task_id = lin.ask("看着的鹤")
    page = show(lang="en").page

    row = page.locator(f"#row-{task_id}")
    expect(row.locator(".badge")).to_have_text("Done")

    expect(row.locator("img")).to_be_visible()
    expect(page.get_by_role("link", name="Done 1")).to_be_visible()
    ticker = page.locator("#ticker")
    expect(ticker).not_to_have_attribute("hx-get", re.compile(".*"))


def test_one_is_cancelled_in_its_place(show, lin, queue_stands):
    """Its row says so; an open question elsewhere stays open."""
    lin.ask("留下的一")
    task_id = lin.ask("不要的二")
    page = show(lang="en").page
    row = page.locator(f"#row-{task_id}")

    row.get_by_role("button", name="Cancel").click()

    expect(row.locator(".badge")).to_have_text("Cancelled")
    expect(row.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_text("Cancel all waiting (1)")).to_be_visible()


def test_older_rows_come_by_themselves(show, lin, queue_stands):
    """Scrolling is enough; without scripts there is a link."""
    for n in range(26):
        lin.ask(f"云 {n}")
    page = show(lang="en").page
    expect(page.locator(".task")).to_have_count(24)

    page.mouse.wheel(0, 20_000)

    expect(page.locator(".task")).to_have_count(26)
    expect(page.locator(".more")).to_have_count(0)
    plain = show(lang="en", js=False).page
    plain.get_by_role("link", name="Older tasks").click()
    expect(plain.locator(".task")).to_have_count(2)
