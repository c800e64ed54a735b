"""The operator's pages in a real browser: each of them, and their states."""

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.browser import operator_data
from tests.browser.harness import every_look


@pytest.fixture
def operate(visit, closed_server, root):
    """Opens a page of the operator's as its admin."""

    def open_page(path: str, **look):
        return visit(path, server=closed_server, cookies=root.cookies, **look)

    return open_page


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
def test_prices_in_few_looks(operate, idle, look):
    """Those in force and one to come; then a form with what is wrong in it."""
    seen = operate("/admin/prices", **look)
    page = seen.page
    page.locator("#yuan").fill("0.25")
    page.locator("#day").fill("2199-01-01")
    page.locator("form .primary").click()
    expect(page.locator(".notice[role=status]")).to_be_visible()
    seen.check("admin-prices", full=True)

    page.locator("summary").click()
    page.locator("#yuan").fill("0.30")
    page.locator("#above").fill("0.60")
    page.locator("form .primary").click()
    expect(page.locator("#up_to-errors")).to_be_visible()
    seen.check("admin-prices-refused", full=True)


@every_look
def test_invitation_in_few_looks(operate, busy, look):
    """Refused for what is wrong with it; then its link, to be copied once."""
    seen = operate("/admin/users/new", refused=(409,), **look)
    page = seen.page
    page.locator("#name").fill("Grace Hopper")
    page.locator("#email").fill("ADA@studio.example")
    page.locator("form .primary").click()
    expect(page.locator("#email-errors")).to_be_visible()
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
    expect(page.locator("#step [role=status]")).to_contain_text("3")
    seen.check("admin-failures-dropped")


@every_look
def test_idle_server_in_few_looks(operate, idle, look):
    """Nothing to show is said on each page, and nothing is broken by it."""
    seen = operate("/admin/queue", **look)
    for page in ("queue", "failures", "usage", "queue/clear"):
        seen.page.goto(f"/admin/{page}")
        seen.check(f"admin-idle-{page.replace('/', '-')}", full=True)


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
    """In its place, without leaving the page; the focus is not lost."""
    page = operate("/admin/failures?code=access_denied", lang="en").page

    page.get_by_role("button", name="Dismiss", exact=True).click()

    expect(page.locator(".op-failure-dealt")).to_contain_text("Dismissed")
    assert busy.audit.find_one({"action": "failures.drop", "outcome.done": 1})
