"""One's own pages, in a real browser."""

import re

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tests.browser.harness import every_look, some_looks
from tests.system import people

pytestmark = pytest.mark.browser

KEY = re.compile(r"jm_[\w-]{40,}")


@pytest.fixture
def show(visit, closed_server, ada):
    """Open one of the pages as their owner."""

    def open_page(path: str = "", **how: object):
        how = {"server": closed_server, "cookies": ada.cookies, **how}
        return visit(f"/account{path}", **how)

    return open_page


@pytest.fixture(scope="module")
def used(closed_server, ada):
    """Ninety days of pictures, as if they had been made."""
    with closed_server.database() as found:
        user = found.users.find_one({"email": ada.email})
        lane = "volcengine_jimeng:jimeng_t2i_v30"
        found.usage.delete_many({"user_id": user["_id"]})
        found.usage.insert_many(rows(user["_id"], lane))
    return ada


def rows(user_id: str, lane: str) -> list[dict]:
    from datetime import UTC, datetime, timedelta

    today = datetime.now(UTC).date()
    made = []
    for ago in range(4, 90):
        day = (today - timedelta(days=ago)).isoformat()
        numbers = {"done": 3 + ago * 7 % 23, "failed": ago * 5 % 4, "unknown": ago % 2}
        for state, n in numbers.items():
            charged = {"done": "yes", "failed": "no", "unknown": "unknown"}[state]
            made.append(
                {
                    "_id": f"{day}|{user_id}|{state}",
                    "day": day,
                    "user_id": user_id,
                    "lane": lane,
                    "state": state,
                    "charged": charged,
                    "code": "" if state == "done" else "timed_out",
                    "pictures": n,
                }
            )
    return made


@every_look
@pytest.mark.parametrize("page", ["", "/keys", "/security", "/data"])
def test_page_in_every_look(show, page, look):
    """Each page, as it is found."""
    seen = show(page, **look)

    seen.check("account" + page.replace("/", "-"), full=True)
    assert seen.layout_shift() == []


@every_look
def test_usage_in_every_look(show, used, look):
    """Numbers and a chart of ninety days."""
    seen = show("/usage?days=90", **look)

    expect(seen.page.locator(".chart-bar")).to_have_count(90)
    seen.check("account-usage", full=True)


@some_looks
@pytest.mark.parametrize("page", ["", "/usage", "/keys", "/data"])
def test_pages_of_the_guest(visit, page, look):
    """Where there is no sign-in everybody has the same ones."""
    seen = visit(f"/account{page}", **look)

    seen.check("account-guest" + page.replace("/", "-"), full=True)


def test_chart_has_words_and_a_table(show, used):
    """Who does not see the bars reads the numbers."""
    page = show("/usage?days=30", lang="en").page

    picture = page.get_by_role("img", name=re.compile(r"Pictures by day, 30 days: \d+"))
    expect(picture).to_be_visible()
    page.get_by_text("As a table").click()
    expect(page.locator("details .table tbody tr")).to_have_count(26)


@every_look
def test_key_is_made_in_every_look(show, look):
    """The key and a command are there to be copied, once."""
    seen = show("/keys", **look)
    page = seen.page
    page.locator("#key-name").fill("shop script")
    page.locator("form[action='/account/keys'] button").click()

    expect(page.locator("#made-key")).to_have_text(KEY)
    seen.check("account-key-made", full=True)
    revoke_all(page)


def revoke_all(page) -> None:
    """Take away the keys that a test has made."""
    page.goto("/account/keys")
    rows = page.locator(".key-row", has_text="shop script")
    while rows.count():
        left = rows.count()
        rows.first.locator("summary").click()
        rows.first.locator("button").click()
        expect(rows).to_have_count(left - 1)


def test_key_is_copied_used_and_revoked(show, closed_server):
    """One click each; afterwards the server does not know it."""
    seen = show("/keys", lang="en", permissions=["clipboard-read", "clipboard-write"])
    page = seen.page
    page.get_by_label("Name").fill("shop script")
    page.get_by_role("button", name="Make the key").click()

    page.get_by_role("button", name="Copy the key").click()
    key = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Copy the command").click()
    command = page.evaluate("navigator.clipboard.readText()")

    assert KEY.fullmatch(key) and key in command
    headers = {"Authorization": f"Bearer {key}"}
    assert closed_server.ask("GET", "/api/v1/models", headers=headers)[0] == 200
    page.goto("/account/keys")
    assert key not in page.content()
    revoke_all(page)
    expect(page.get_by_text("The key is revoked")).to_be_visible()
    assert closed_server.ask("GET", "/api/v1/models", headers=headers)[0] == 401


def test_key_without_scripts(show):
    """The key is there to be marked and copied by hand."""
    page = show("/keys", lang="en", js=False).page
    page.get_by_label("Name").fill("shop script")
    page.get_by_role("button", name="Make the key").click()

    expect(page.locator("#made-key")).to_have_text(KEY)
    expect(page.get_by_role("button", name="Copy the key")).to_be_hidden()
    revoke_all(page)


def test_wrong_form_keeps_what_was_written(show):
    """The reason is beside the field, and read with it."""
    seen = show("/keys", lang="en")
    page = seen.page
    page.get_by_label("Name").fill("shop script")
    page.get_by_label("Read").uncheck()
    page.get_by_label("Write").uncheck()
    page.get_by_role("button", name="Make the key").click()

    expect(page.locator("#errors-scopes")).to_contain_text("Must be one of")
    expect(page.get_by_label("Name")).to_have_value("shop script")
    seen.check("account-key-refused")


@pytest.mark.parametrize("js", [True, False], ids=["js", "plain"])
def test_settings_change_at_once(show, js):
    """Language and theme are those of the next page, and stay."""
    page = show("", lang="en", theme="light", js=js).page

    page.get_by_text("中文", exact=True).last.click()
    page.get_by_text("Dark", exact=True).click()
    page.get_by_role("button", name="Save").first.click()

    expect(page.get_by_role("status").first).to_have_text("已保存")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_form_begins_with_the_defaults(show):
    """What was chosen here is chosen there."""
    page = show("", lang="en").page
    page.get_by_label("Shape").select_option("16:9")
    page.get_by_label("Pictures", exact=True).select_option("3")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Saved; new tasks begin so")).to_be_visible()

    page.goto("/")

    assert page.locator('[name="size"][value="16:9"]').is_checked()
    assert page.locator('[name="n"][value="3"]').is_checked()


@pytest.mark.parametrize("js", [True, False], ids=["js", "plain"])
def test_account_ends(visit, closed_server, js):
    """After the e-mail was written and the password given, nobody is signed in."""
    eve = people.make(closed_server, f"eve-{js}@example.com".lower())
    how = {"server": closed_server, "cookies": eve.cookies, "js": js, "lang": "en"}
    seen = visit("/account/data", **how)
    page = seen.page
    page.get_by_label(f"Write {eve.email}").fill("somebody@example.com")
    page.get_by_label("Current password").fill(people.PASSWORD)
    page.get_by_role("button", name="Delete my account").click()
    expect(page.locator("#errors-email")).to_contain_text("not the e-mail")

    page.get_by_label(f"Write {eve.email}").fill(eve.email)
    page.get_by_label("Current password").fill(people.PASSWORD)
    page.get_by_role("button", name="Delete my account").click()

    page.get_by_role("heading", name="Sign in").wait_for()
    page.goto("/account")
    assert "/sign-in" in page.url


def test_password_changes(visit, closed_server):
    """The browser that changes it stays signed in."""
    eve = people.make(closed_server, "eve-password@example.com")
    how = {"server": closed_server, "cookies": eve.cookies, "lang": "en"}
    page = visit("/account/security", **how).page
    page.get_by_label("Current password").fill(people.PASSWORD)
    page.get_by_label("New password", exact=True).fill("another horse entirely")
    page.get_by_label("The new password once more").fill("another horse entirely")

    page.get_by_role("button", name="Change it").click()

    expect(page.get_by_text("The password is changed")).to_be_visible()
