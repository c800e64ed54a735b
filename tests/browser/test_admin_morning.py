"""An admin's morning: old failures, a user, today's use, and the trail of it all."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import operator_data
from tests.browser.making import sign_in
from tests.waiting import wait_for


@pytest.fixture
def ada_yesterday(closed_server, ada):
    """Ada, whose pictures failed yesterday; afterwards she may come in as before."""
    with closed_server.database() as database:
        operator_data.clear(database)
        user = database.users.find_one({"email": ada.email})
        operator_data.fail_yesterday(database, user["_id"])
        yield user
        operator_data.clear(database)
        before = {"$set": {"sessions": user["sessions"]}}
        out = {"$unset": {"disabled_at": ""}}
        database.users.update_one({"_id": user["_id"]}, {**before, **out})


def tab(page: Page, name: str) -> None:
    """Go to another of the operator's pages."""
    page.get_by_role("navigation", name="Admin").get_by_role("link", name=name).click()
    expect(page.locator(".tabs [aria-current]")).to_have_text(name)
    page.wait_for_load_state()


def test_morning(visit, closed_server, root, ada, ada_yesterday):
    """From the sign-in to the audit trail, by links and forms that are on the pages."""
    how = {"server": closed_server, "lang": "en"}
    hers = visit("/", cookies=ada.cookies, **how).page
    seen = visit("/admin/", **how)
    page = seen.page
    sign_in(page, root)

    tab(page, "Failures")
    page.get_by_role("link", name="Yesterday").click()
    expect(page.locator(".op-failure")).to_have_count(5)
    seen.check("admin-morning-failures", full=True)
    retry_what_can_be(page)
    dismiss_the_rest(page)
    await_pictures(closed_server, 4)

    tab(page, "Users")
    page.get_by_role("link", name="ada@example.com").click()
    page.get_by_role("button", name="Disable user").click()
    expect(page.get_by_role("status").first).to_contain_text("stopped working")
    hers.goto("/tasks")
    expect(hers.get_by_label("Password", exact=True)).to_be_visible()
    headers = {"Authorization": f"Bearer {ada.key}"}
    assert closed_server.ask("GET", "/api/v1/models", headers=headers)[0] == 401

    tab(page, "Usage")
    table = page.locator(".table", has_text="Completed")
    row = table.locator("tbody tr").filter(has=page.get_by_text("ada", exact=True))

    def has_four() -> bool:
        page.reload()  # what has ended is counted a moment later
        return row.locator("td").first.all_inner_texts() == ["4"]

    wait_for(has_four, what="four pictures are hers")
    seen.check("admin-morning-usage", full=True)

    tab(page, "Audit")
    seen.check("admin-morning-audit", full=True)
    assert set(page.locator(".op-trail-by").all_inner_texts()) == {"root"}
    assert set(page.locator(".op-trail-from").all_inner_texts()) == {"127.0.0.1"}
    told = page.locator(".op-trail-what").all_inner_texts()
    done = [each.split("\n")[0].strip() for each in told]
    assert list(dict.fromkeys(done)) == [  # a slow server runs them in several steps
        "Disabled a user",
        "Dismissed a failure",
        "Retried a failed task",
        "Retried many failures",
    ]


def retry_what_can_be(page: Page) -> None:
    """All at once, and one that needs a look, as it may cost twice."""
    page.get_by_text("Retry all…").click()
    page.get_by_role("button", name="Retry 3").click()
    await_step(page, "Tasks retried: 3")
    page.get_by_role("link", name="Yesterday").click()
    expect(page.locator(".op-failure")).to_have_count(2)
    doubtful = page.locator(".op-failure", has_text="May have been charged")
    doubtful.locator("summary").click()
    doubtful.get_by_role("button", name="Retry anyway").click()
    expect(page.get_by_role("status").first).to_contain_text("etried")


def await_step(page: Page, words: str) -> None:
    """A busy server goes on in the background."""
    expect(page.locator("#step [role=status]")).to_contain_text(words)


def dismiss_the_rest(page: Page) -> None:
    page.get_by_role("link", name="Yesterday").click()
    expect(page.locator(".op-failure")).to_have_count(1)
    page.get_by_role("button", name="Dismiss", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("ismissed")
    page.get_by_role("link", name="Yesterday").click()
    expect(page.locator(".op-failure")).to_have_count(0)


def await_pictures(server, n: int) -> None:
    """Until what was run again has been drawn."""
    with server.database() as found:
        done = {"state": "done"}
        wait_for(
            lambda: found.generations.count_documents(done) == n, what=f"{n} pictures"
        )
