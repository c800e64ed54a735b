"""One's own pages, in a real browser."""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import operator_data
from tests.browser.harness import every_look
from tests.system import people
from tests.waiting import wait_for

KEY = re.compile(r"jm_[\w-]{40,}")
WORDS = {
    "zh": re.compile(r"近 90 天每天的图片和视频：完成 \d+"),
    "en": re.compile(r"Pictures and videos per day over 90 days: \d+"),
}
OTHER = "another horse entirely"


@pytest.fixture(scope="module")
def used(closed_server, ada):
    """Ninety days of pictures, as if they had been made."""
    with closed_server.database() as found:
        user = found.users.find_one({"email": ada.email})
        lane = "volcengine_jimeng:jimeng_t2i_v30"
        found.costs.delete_many({})
        found.costs.insert_many(ends(user["_id"], lane))
        found.costs.insert_many(operator_data.costs(user["_id"], lane, 90))
    return ada


def ends(user_id: str, lane: str) -> list[dict]:
    """Sums of how a user's pictures have ended, day by day."""
    today, made = datetime.now(UTC).date(), []
    for ago in range(-1, 91):  # all that are shown, whatever day it is by then
        day = (today - timedelta(days=ago)).isoformat()
        found = {
            "done|yes|": 3 + ago * 7 % 23,
            "failed|no|timed_out": ago * 5 % 4,
            "unknown|unknown|timed_out": ago % 2,
        }
        of = {"_id": f"ends|{day}", "of": "user", "user_id": user_id, "day": day}
        made.append({**of, "lane": lane, "ends": found, "batch": 1})
    return made


@every_look
def test_settings_and_usage(visit, used, look):
    """The two pages that one comes back to; the chart is of ninety days."""
    seen = visit("/account", who=used, **look)
    seen.check("account", full=True)
    assert seen.layout_shift() == []

    seen.page.goto("/account/usage?days=90")

    charts = seen.page.locator(".chart")
    expect(charts).to_have_count(2)  # of pictures and of yuan
    for n in range(2):
        expect(charts.nth(n).locator(".chart-bar")).to_have_count(90)
    assert seen.layout_shift() == []
    # Who does not see the bars reads the numbers.
    expect(seen.page.get_by_role("img", name=WORDS[look["lang"]])).to_be_visible()
    tables = seen.page.locator(".chart ~ details")
    for n in range(2):
        tables.nth(n).locator("summary").click()
    seen.check("account-usage", full=True)
    expect(tables.first.locator("tbody tr")).to_have_count(90)


@every_look
def test_pages_that_are_rarely_opened(visit, ada, look):
    """Security and data; what they refuse is said at the field."""
    seen = visit("/account/data", who=ada, **look)
    page = seen.page
    seen.check("account-data", full=True)

    page.goto("/account/security")
    assert seen.layout_shift() == []
    for name in ("new", "again"):
        page.locator(f"#{name}").fill(OTHER)
    page.locator("#current").fill("a wrong password")
    page.locator("form[action='/account/password'] button").click()

    expect(page.locator("#errors-current .error")).to_be_visible()
    expect(page.locator(".errors .error")).to_have_count(1)
    seen.check("account-password-refused", full=True)


@every_look
def test_keys(visit, ada, look):
    """The list; what is wrong with a new one, beside its field; and one, once."""
    seen = visit("/account/keys", who=ada, **look)
    page = seen.page
    seen.check("account-keys", full=True)
    assert seen.layout_shift() == []
    for scope in ("read", "write"):
        page.locator(f"[name=scopes][value={scope}]").uncheck()
    make_key(page)
    expect(page.locator("#errors-scopes")).not_to_be_empty()
    expect(page.locator("#key-name")).to_have_value("shop script")
    seen.check("account-key-refused")
    page.locator("[name=scopes][value=read]").check()
    make_key(page)

    expect(page.locator("#new-key-text")).to_have_text(KEY)
    seen.check("account-key-made", full=True)
    revoke_all(page)


@every_look
def test_webhooks(visit, closed_server, ada, look):
    """The list, and one whose address has nowhere to break, with a delivery."""
    headers = {"Authorization": f"Bearer {ada.key}"}
    url = "https://example.com/" + "a-long-path/" * 9 + "?token=" + "1" * 90
    made = closed_server.ask("POST", "/api/v1/webhooks", {"url": url}, headers=headers)
    hook = f"/webhooks/{made[1]['data']['id']}"
    closed_server.ask("POST", f"/api/v1{hook}/test", headers=headers)
    seen = visit("/account/webhooks", who=ada, **look)
    seen.check("account-webhooks", full=True)

    seen.page.goto(f"/account{hook}")
    expect(seen.page.locator(".keys-list .key-row")).to_have_count(1)
    seen.check("account-webhook", full=True)

    closed_server.ask("DELETE", f"/api/v1{hook}", headers=headers)


@every_look
def test_pages_of_the_guest(visit, look):
    """Where there is no sign-in everybody has the same ones."""
    seen = visit("/account", **look)
    seen.check("account-guest")

    for page in ("account/usage", "account/keys", "account/data", "tasks"):
        seen.page.goto(f"/{page}")
        seen.check(f"{page.replace('/', '-')}-guest")


def make_key(page) -> None:
    page.locator("#key-name").fill("shop script")
    page.locator("form[action='/account/keys'] button").click()


def revoke_all(page) -> None:
    """Take away the keys that a test has made."""
    page.goto("/account/keys")
    rows = page.locator(".key-row", has_text="shop script")
    while rows.count():
        left = rows.count()
        rows.first.locator(".confirm summary").click()
        rows.first.locator(".confirm button").click()
        expect(rows).to_have_count(left - 1)


def test_key_is_copied_used_and_revoked(visit, ada):
    """One click each; the command runs as it is, until the key is taken away."""
    allowed = ["clipboard-read", "clipboard-write"]
    page = visit("/account/keys", who=ada, lang="en", permissions=allowed).page
    make_key(page)

    page.get_by_role("button", name="Copy key").click()
    key = await_copied(page, KEY.fullmatch)
    page.get_by_role("button", name="Copy command").click()
    command = await_copied(page, re.compile("curl").search)

    assert key in command
    answer = json.loads(run(command))
    assert answer["success"] and answer["data"]["status"] == "pending"
    page.goto("/account/keys")
    assert key not in page.content()
    expect(page.locator(".key-row", has_text="shop script")).to_contain_text(
        "Last used"
    )
    revoke_all(page)
    expect(page.get_by_text("Key revoked")).to_be_visible()
    assert json.loads(run(command))["error"] == "api_key_invalid"


def await_copied(page, is_wanted: Callable[[str], object]) -> str:
    """What is in the clipboard, once it is what is waited for."""

    def read() -> str:
        found = page.evaluate("navigator.clipboard.readText()")
        return found if is_wanted(found) else ""

    return wait_for(read, what="it was copied")


def run(command: str) -> str:
    """What a shell prints when *command* is pasted into it."""
    shell = ["bash", "-euc", command]
    return subprocess.run(shell, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_settings_are_kept_and_account_ends(visit, closed_server):
    """What is chosen is that of the next page at once."""
    eve = people.make(closed_server, "eve@example.com")
    page = visit("/account", who=eve, lang="en").page
    page.get_by_text("Dark", exact=True).click()
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("status").first).to_have_text("Saved")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("link", name="Data").click()
    page.get_by_label(f"Type {eve.email}").fill(eve.email)
    page.get_by_label("Current password").fill(people.PASSWORD)
    page.get_by_role("button", name="Delete my account").click()

    page.get_by_role("heading", name="Sign in").wait_for()
