"""The operator's pages in a real browser: each, their states, and the two switches."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from playwright.sync_api import expect

from tests.browser import operator_data
from tests.browser.harness import every_look
from tests.browser.making import ask, keep_generating
from tests.waiting import wait_for

OBEYED = 0.7  # seconds after which every process has seen a switch
STALE = 1.1  # seconds after which every process has looked for a worker anew
SUSPENDED = re.compile("处理暂停中|processing is paused", re.IGNORECASE)
SOON = re.compile("马上开始|about to start")


@pytest.fixture
def operate(visit, root):
    """Opens a page of the operator's as its admin."""
    return partial(visit, who=root)


@pytest.fixture
def idle(closed_server):
    """A server where nothing has happened; yields its database."""
    with closed_server.database() as database:
        operator_data.clear(database)
        yield database
        operator_data.clear(database)


@pytest.fixture
def busy(idle):
    """A server with a day behind it; its database."""
    operator_data.fill(idle)
    return idle


@pytest.fixture
def quiet(idle):
    """The same, where nothing stays paused."""
    yield idle
    operator_data.clear(idle)
    time.sleep(OBEYED)


def id_of(database, name: str) -> str:
    return database.users.find_one({"name": name})["_id"]


@every_look
def test_pages_in_few_looks(operate, busy, look):
    """
    Queue and failures, today's usage, the users, one who may come in and one who may
    not, the settings, and what was done by whom: each is in order everywhere.
    """
    seen = operate("/admin/", **look)
    for page in ("queue", "failures", "usage", "users", "settings", "audit"):
        seen.page.goto(f"/admin/{page}")
        seen.check(f"admin-{page}", full=True)
        assert seen.layout_shift() == []
    people = {"active": id_of(busy, "Ada Lovelace"), "disabled": id_of(busy, "周也")}
    for name, user_id in people.items():
        seen.page.goto(f"/admin/users/{user_id}")
        seen.page.locator("details.op-ask").evaluate_all(
            "all => all.map(d => d.open = true)"
        )
        seen.check(f"admin-user-{name}", full=True)


@every_look
def test_idle_server_and_prices_in_few_looks(operate, idle, look):
    """
    Nothing to show is said on each page, and nothing is broken by it. Prices in force
    and one to come; then a form with what is wrong in it.
    """
    seen = operate("/admin/queue", **look)
    page = seen.page
    for name in ("queue", "failures", "usage", "queue/clear"):
        page.goto(f"/admin/{name}")
        seen.check(f"admin-idle-{name.replace('/', '-')}", full=True)

    page.goto("/admin/prices")
    page.locator("#yuan").fill("0.25")
    page.locator("#day").fill("2199-01-01")
    page.locator("form .primary").click()
    expect(page.locator(".notice[role=status]")).to_be_visible()
    seen.check("admin-prices", full=True)

    page.locator("summary").click()
    page.locator("#yuan").fill("0.30")
    page.locator("#above").fill("0.60")
    page.locator("form .primary").click()
    expect(page.locator("#errors-up_to")).to_be_visible()
    seen.check("admin-prices-refused", full=True)


@every_look
def test_invitation_in_few_looks(operate, busy, look):
    """Refused for what is wrong with it; then its link, to be copied once."""
    seen = operate("/admin/users/new", refused=(409,), **look)
    page = seen.page
    page.locator("#name").fill("Grace Hopper")
    page.locator("#email").fill("ADA@studio.example")
    page.locator("form .primary").click()
    expect(page.locator("#errors-email")).to_be_visible()
    seen.check("admin-invite-refused", full=True)

    page.locator("#email").fill(f"{secrets.token_hex(4)}@studio.example")
    page.locator("form .primary").click()

    expect(page.locator("#link")).to_have_value(re.compile(r"/invitations/.{20,}"))
    seen.check("admin-invited", full=True)


@every_look
def test_failures_asked_about_in_few_looks(operate, busy, look):
    """Every question open: of all, of one that may cost twice; then the answer."""
    seen = operate("/admin/failures?code=submit_unknown", **look)
    page = seen.page
    page.locator("summary").evaluate_all("all => all.map(s => s.click())")
    seen.check("admin-failures-asked", full=True)

    page.locator(".op-bulk .danger").click()
    expect(page.locator(".empty")).to_be_visible()
    expect(page.locator("#step [role=status]")).to_contain_text("2")
    seen.check("admin-failures-dropped")


def test_own_page_offers_nothing_that_locks_out(operate, busy, root):
    """Another admin does that; the rest is as for everybody."""
    own = busy.users.find_one({"email": root.email})["_id"]
    seen = operate(f"/admin/users/{own}", lang="en", theme="dark")

    seen.check("admin-user-own", full=True)
    # Of the daily limit, and of the budgets.
    expect(seen.page.get_by_role("button", name="Save")).to_have_count(2)
    expect(seen.page.get_by_role("button", name="Change e-mail")).to_have_count(1)
    expect(seen.page.locator("#main .danger")).to_have_count(0)


def test_list_is_searched_from_the_keyboard(operate, busy):
    """The slash leads to the field, the rest is a form; the chosen tab is in sight."""
    seen = operate("/admin/users?q=nobody", lang="en", width=390)
    page = seen.page
    seen.check("admin-users-none")
    page.keyboard.press("/")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("lovelace")
    page.keyboard.press("Enter")

    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Ada Lovelace").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ada Lovelace")

    page.goto("/admin/audit")  # whose tab is not in sight at first
    page.wait_for_function("() => document.querySelector('.tabs').scrollLeft > 0")
    box = page.locator(".tabs [aria-current]").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_row_says_what_was_done_with_it(operate, busy):
    """In its place; one that may cost twice is asked about first."""
    page = operate("/admin/failures?code=access_denied", lang="en").page
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.locator(".op-failure-dealt")).to_contain_text("Dismissed")
    assert busy.audit.find_one({"action": "failures.drop", "outcome.done": 1})

    page.goto("/admin/failures?code=submit_unknown")
    doubtful = page.locator(".op-failure", has_text="May have been charged").first
    doubtful.locator("summary").click()
    doubtful.get_by_role("button", name="Retry anyway").click()

    expect(page.locator(".op-failure-dealt")).to_contain_text("etried")
    drawn = {"state": "done", "remote_ids": {"$exists": True}}
    wait_for(lambda: busy.generations.count_documents(drawn), what="it is drawn anew")


@contextmanager
def no_slot_free(server, account) -> Iterator[None]:
    """Nothing else can be sent, even by a consumer that has not seen a switch yet."""

    def accepted() -> int:
        return len(server.ledger()["rows"])

    before = accepted()
    with keep_generating(server):
        ask(server, "一只猫", key=account.key, n=2)
        wait_for(lambda: accepted() == before + 2, what="two are under way")
        yield


def test_paused_intake_is_said_in_words(visit, root, ada, quiet):
    """On the page, where what was written stays; then it is taken."""
    page = visit("/admin/queue", who=root, lang="en").page

    def throw(name: str) -> None:
        page.goto("/admin/queue")
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("heading", name="Queue", exact=True)).to_be_visible()

    throw("Pause new tasks")
    time.sleep(OBEYED)
    hers = visit("/?size=512x512", who=ada, lang="en", refused=(503,)).page
    hers.locator("#prompt").fill("晨雾里的码头")
    hers.locator("#composer button.primary").click()

    words = "The operator has paused new tasks; try again later"
    expect(hers.locator("#composer")).to_contain_text(words)
    expect(hers.locator("#prompt")).to_have_value("晨雾里的码头")
    assert quiet.tasks.count_documents({}) == 0

    throw("Resume new tasks")
    time.sleep(OBEYED)
    hers.locator("#composer button.primary").click()
    expect(hers.locator("article")).to_have_count(1)
    done = {"status": "completed"}
    wait_for(lambda: quiet.tasks.count_documents(done) == 1, what="it has ended")
    expect(hers.locator("article img")).to_have_js_property("complete", True)


@every_look
def test_clearing_in_few_looks(visit, closed_server, root, ada, quiet, look):
    """Both switches off, two tasks waiting: the count, the question, the outcome."""
    with no_slot_free(closed_server, ada):
        operator_data.pause(quiet, root.email, "sending")
        waiting = [ask(closed_server, "一只猫", key=ada.key) for _ in range(2)]
        operator_data.pause(quiet, root.email, "intake")
        seen = visit("/admin/queue", who=root, **look)
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
    found = quiet.tasks.find({"_id": {"$in": waiting}})
    assert [each["status"] for each in found] == ["cancelled"] * 2


@every_look
def test_stopped_worker_is_said_and_work_goes_on(
    visit, closed_server, root, ada, quiet, look
):
    """At the card and above the operator's pages; the picture comes all the same."""
    closed_server.stop_consumers()
    quiet.workers.delete_many({})
    time.sleep(STALE)
    task_id = ask(closed_server, "晨雾里的码头", key=ada.key)
    hers = visit("/", who=ada, **look)
    card = hers.page.locator(f"#task-{task_id}")
    status = hers.page.locator(f"#status-{task_id}")
    expect(status).to_contain_text(SUSPENDED)
    expect(card).not_to_contain_text(SOON)
    hers.check("feed-suspended")
    seen = visit("/admin/queue", who=root, **look)
    banner = seen.page.locator(".op-banner[data-kind=error]")
    expect(banner).to_contain_text(SUSPENDED)
    seen.check("admin-queue-suspended", full=True)

    closed_server.start_consumer()

    expect(hers.page.locator(f"#task-{task_id} img").first).to_be_visible()
    expect(banner).to_have_count(0)
