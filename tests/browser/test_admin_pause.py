"""The two switches, thrown in a real browser, with real consumers behind it."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser import operator_data
from tests.browser.harness import every_look
from tests.browser.making import keep_generating
from tests.waiting import wait_for

OBEYED = 0.7  # seconds after which every process has seen a switch
STALE = 1.1  # seconds after which every process has looked for a worker anew
SUSPENDED = re.compile("处理暂停中|processing is paused", re.IGNORECASE)
SOON = re.compile("马上开始|about to start")
TICKS = 1.5  # seconds in which the pump would have sent what waits, many times


@pytest.fixture
def quiet(closed_server):
    """Nothing waits, nothing is paused, before and after; yields its database."""
    with closed_server.database() as database:
        operator_data.clear(database)
        yield database
        operator_data.clear(database)
        time.sleep(OBEYED)


def throw(page: Page, name: str) -> None:
    page.goto("/admin/queue")
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()


def ask(server, account, prompt: str = "一只猫", n: int = 1) -> tuple[int, dict]:
    body = {"type": "image", "prompt": prompt, "size": "512x512", "n": n}
    headers = {"Authorization": f"Bearer {account.key}", "Accept-Language": "en"}
    return server.ask("POST", "/api/v1/ai/tasks", body, headers=headers)


def accepted(server) -> int:
    """How many submissions the provider has taken so far."""
    return len(server.ledger()["rows"])


@contextmanager
def no_slot_free(server, account) -> Iterator[tuple[int, dict]]:
    """Nothing else can be sent, even by a consumer that has not seen a switch yet."""
    before = accepted(server)
    with keep_generating(server):
        begun = ask(server, account, n=2)
        wait_for(lambda: accepted(server) == before + 2, what="two are under way")
        yield begun


def states(database, *answers: tuple[int, dict]) -> list[str]:
    """How the tasks of these answers stand."""
    ids = [answer["data"]["task_id"] for _, answer in answers]
    return [database.tasks.find_one({"_id": each})["status"] for each in ids]


def test_paused_sending_stops_the_lanes_and_they_go_on(
    visit, closed_server, root, ada, quiet
):
    """What the provider has is finished; nothing else is sent until it may be."""
    page = visit(
        "/admin/queue", server=closed_server, cookies=root.cookies, lang="en"
    ).page
    with no_slot_free(closed_server, ada) as begun:
        throw(page, "Pause sending")
        time.sleep(OBEYED)
        sent = accepted(closed_server)
        waiting = [ask(closed_server, ada) for _ in range(3)]
    wait_for(lambda: states(quiet, begun) == ["completed"], what="it was finished")
    time.sleep(TICKS)

    assert accepted(closed_server) == sent
    assert states(quiet, *waiting) == ["pending"] * 3
    page.goto("/admin/queue")
    expect(page.locator(".op-banner")).to_contain_text("Sending is paused")
    expect(page.locator(".op-number-value").first).to_have_text("3")

    throw(page, "Resume sending")

    def all_done() -> bool:
        return states(quiet, *waiting) == ["completed"] * 3

    wait_for(all_done, what="those that waited were drawn")
    assert accepted(closed_server) == sent + 3


def test_paused_intake_is_said_in_words(visit, closed_server, root, ada, quiet):
    """To programs and on the page, where what was written stays; then it is taken."""
    page = visit(
        "/admin/queue", server=closed_server, cookies=root.cookies, lang="en"
    ).page
    throw(page, "Pause new tasks")
    time.sleep(OBEYED)

    status, answer = ask(closed_server, ada)
    hers = visit(
        "/?size=512x512",
        server=closed_server,
        cookies=ada.cookies,
        lang="en",
        refused=(503,),
    ).page
    send(hers, "晨雾里的码头")

    assert (status, answer["error"]) == (503, "intake_paused")
    assert "has paused new tasks; try again later" in answer["message"]
    words = "The operator has paused new tasks; try again later"
    expect(hers.locator("#composer")).to_contain_text(words)
    expect(hers.locator("#prompt")).to_have_value("晨雾里的码头")
    assert quiet.tasks.count_documents({}) == 0

    throw(page, "Resume new tasks")
    time.sleep(OBEYED)
    hers.locator("#composer button.primary").click()
    expect(hers.locator("article")).to_have_count(1)
    shown = hers.locator("article img")
    wait_for(lambda: shown.evaluate("each => each.naturalWidth"), what="it is shown")
    done = {"status": "completed"}
    wait_for(lambda: quiet.tasks.count_documents(done) == 1, what="it has ended")


def send(page: Page, prompt: str) -> None:
    page.locator("#prompt").fill(prompt)
    page.locator("#composer button.primary").click()


@every_look
def test_clearing_in_few_looks(visit, closed_server, root, ada, quiet, look):
    """Both switches off, two tasks waiting: the count, the question, the outcome."""
    with no_slot_free(closed_server, ada):
        operator_data.pause(quiet, root.email, "sending")
        waiting = [ask(closed_server, ada) for _ in range(2)]
        operator_data.pause(quiet, root.email, "intake")
        seen = visit("/admin/queue", server=closed_server, cookies=root.cookies, **look)
        page = seen.page
        expect(page.locator(".op-banner")).to_have_count(2)
        seen.check("admin-queue-paused", full=True)

        page.locator(".op-board-clear a").click()
        expect(page.locator("#word")).to_be_visible()
        seen.check("admin-clear", full=True)
        page.locator("#word").fill("no")
        page.locator("form .danger").click()
        expect(page.locator("#word-error")).to_be_visible()
        seen.check("admin-clear-refused")
        page.locator("#word").fill("清空")
        page.locator("form .danger").click()

        expect(page.get_by_role("status").first).to_contain_text("2")
        seen.shot("admin-cleared")
    assert states(quiet, *waiting) == ["cancelled"] * 2


@every_look
def test_stopped_worker_is_said_and_work_goes_on(
    visit, closed_server, root, ada, quiet, look
):
    """At the card and above the operator's pages; the picture comes all the same."""
    closed_server.stop_consumers()
    quiet.workers.delete_many({})
    time.sleep(STALE)
    task_id = ask(closed_server, ada, "晨雾里的码头")[1]["data"]["task_id"]
    hers = visit("/", server=closed_server, cookies=ada.cookies, **look)
    card = hers.page.locator(f"#task-{task_id}")
    status = hers.page.locator(f"#status-{task_id}")
    expect(status).to_contain_text(SUSPENDED)
    expect(card).not_to_contain_text(SOON)
    hers.check("feed-suspended")
    seen = visit("/admin/queue", server=closed_server, cookies=root.cookies, **look)
    banner = seen.page.locator(".op-banner[data-kind=error]")
    expect(banner).to_contain_text(SUSPENDED)
    seen.check("admin-queue-suspended", full=True)

    closed_server.start_consumer()

    expect(hers.page.locator(f"#task-{task_id} img").first).to_be_visible()
    expect(banner).to_have_count(0)
