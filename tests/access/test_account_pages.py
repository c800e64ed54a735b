"""One's own pages: settings, password, language, theme, usage, and the end."""

import csv
import io
import re
from dataclasses import fields
from datetime import date

import pytest

from jimeng.accounts import failed_attempts
from jimeng.config import Config
from jimeng.documents import ApiKey, Image, Task, User
from jimeng.errors import ProviderError
from jimeng.http.csv_export import csv_chunks
from tests.access.conftest import PASSWORD, make_person
from tests.billing.conftest import settle
from tests.each import for_each
from tests.page import chosen, error_at, send

OTHER = "another horse entirely"


@pytest.fixture
def ada(ada):
    """Signed in."""
    ada.sign_in()
    return ada


@pytest.fixture
def elsewhere(secured, ada):
    """Another browser in which the same person is signed in."""
    client = secured.test_client()
    send(client, "/sign-in", email=ada.user.email, password=PASSWORD)
    return client


PAGES = ["", "/usage", "/keys", "/security", "/data"]


@for_each("page", PAGES)
def test_each_page_leads_to_the_others(ada, page):
    answer = ada.client.get(f"/account{page}")

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store", "for the browser's next user"
    for other in PAGES:
        assert f'href="/account{other}"' in answer.text
    assert f'href="/account{page}" aria-current="page"' in answer.text


def test_profile_is_kept(ada):
    """What no page of ours offers changes nothing, nor does a name that is none."""
    send(ada.client, "/account", name="ada", lang="xx", theme="pink")
    for name in ("", "  ", "x" * 101):
        wrong = send(ada.client, "/account", name=name, lang="en", theme="dark")
        assert (wrong.status_code, bool(error_at(wrong, "name"))) == (422, True), name
    user = ada.record()
    assert (user.name, user.language, user.theme) == ("ada", None, None)

    answer = send(ada.client, "/account", name=" 阿达 ", lang="en", theme="dark")

    page = ada.client.get(answer.location).text
    assert "Saved" in page and 'data-theme="dark"' in page
    assert 'value="阿达"' in page
    user = ada.record()
    assert (user.name, user.language, user.theme) == ("阿达", "en", "dark")


def test_defaults_are_kept_and_taken_back(ada):
    """The form begins with them, until nothing is chosen any more. What the form does
    not offer is refused."""
    for field, value in (("model", "none"), ("size", "17:3"), ("n", "5"), ("n", "-1")):
        wrong = send(ada.client, "/account/defaults", **{field: value})
        assert (wrong.status_code, bool(error_at(wrong, field))) == (422, True), value
    assert ada.record().defaults == {}

    answer = send(ada.client, "/account/defaults", model="", size="16:9", n="3")

    page = ada.client.get(answer.location).text
    assert '<option value="16:9" selected>' in page
    assert '<option value="3" selected>' in page
    assert ada.record().defaults == {"size": "16:9", "n": "3"}
    send(ada.client, "/account/defaults", model="", size="", n="")
    assert ada.record().defaults == {}


@for_each(
    ("field", "form"),
    [
        ("current", {"current": "wrong password"}),
        ("new", {"new": "short", "again": "short"}),
        ("new", {"new": "ada@example.com", "again": "ada@example.com"}),
        ("again", {"again": "something else"}),
    ],
)
def test_password_is_not_changed(ada, elsewhere, field, form):
    form = {"current": PASSWORD, "new": OTHER, "again": OTHER, **form}

    answer = send(ada.client, "/account/password", **form)

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert not re.search(r'type="password"[^>]*value=', answer.text)
    assert elsewhere.get("/account").status_code == 200


def test_without_sign_in_there_are_settings_and_no_keys(client):
    """Everybody is one guest, who is told what accounts would need: lines to put into
    .env with the names that are read."""
    for page in ("", "/usage", "/data", "/keys"):
        answer = client.get(f"/account{page}")
        assert answer.status_code == 200
        assert "/account/security" not in answer.text
        assert ("SECRET_KEY" in answer.text) == (page == "/keys")
    block = answer.text.partition("<code>")[2].partition("</code>")[0]
    names = re.findall(r"^(\w+)=", block, re.MULTILINE)
    assert names == ["AUTH", "SECRET_KEY", "ADMIN_EMAIL", "ADMIN_PASSWORD"]
    assert set(names) <= {field.name for field in fields(Config)}
    for path in ("/password", "/sessions/end", "/keys", "/delete"):
        assert send(client, f"/account{path}").status_code == 404


def test_guest_keeps_settings_in_the_browser(client):
    """There is no record, so cookies hold them; they beat what the form had left."""
    client.set_cookie("choices", "who=&n=3")
    send(client, "/account", lang="en", theme="dark")
    defaults = {"model": "jimeng-4.6", "size": "16:9", "n": "2"}
    answer = send(client, "/account/defaults", **defaults)

    page = client.get(answer.location).text
    assert "Saved" in page and 'data-theme="dark"' in page
    assert '<option value="16:9" selected>' in page
    form = client.get("/")
    assert {name: chosen(form, name) for name in defaults} == defaults


def test_choice_goes_with_the_user(ada, secured):
    send(ada.client, "/language", lang="en", next="/")
    send(ada.client, "/theme", theme="dark", next="/")
    other = secured.test_client()

    send(other, "/sign-in", email=ada.user.email, password=PASSWORD)

    page = other.get("/", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="en" data-theme="dark">' in page


def test_choice_before_signing_in_stays_in_the_browser(nobody):
    """The way in can be read in one's own language."""
    send(nobody, "/language", lang="en", next="/sign-in")

    page = nobody.get("/sign-in", headers={"Accept-Language": "zh-CN"}).text

    assert "Sign in" in page and 'data-theme="system"' in page


def ask(person, n: int = 1, **fields: object) -> str:
    body = {"type": "image", "user_id": person.id, "prompt": "一只猫", "n": n, **fields}
    answer = person.api("POST", "/api/v1/ai/tasks", json=body)
    assert answer.status_code == 202
    return answer.json["data"]["task_id"]


def end(person, **fields: str):
    form = {"email": person.user.email, "password": PASSWORD, **fields}
    return send(person.client, "/account/delete", **form)


def test_account_is_deleted_with_everything(ada, bob, nobody, work_off):
    """Tasks, pictures, keys and the way in go with it; another's stay."""
    tasks = [ask(person) for person in (ada, bob)]
    work_off()
    hers, his = (Image.find_one({"task_id": task_id}) for task_id in tasks)
    waiting = ask(ada)
    ada.client.post(f"/tasks/{tasks[0]}/delete")  # what is in the trash, too

    answer = end(ada, email="Ada@Example.com ")

    assert answer.location == "/sign-in"
    assert ada.client.get("/account").status_code == 303
    assert User.find_one({"_id": ada.id}) is None
    assert ApiKey.find_one({"user_id": ada.id}) is None
    assert Image.find_one({"user_id": ada.id}) is None
    work_off()
    assert Task.find_one({"_id": {"$in": [tasks[0], waiting]}}) is None
    assert nobody.get(f"/i/{hers.key}/thumb.webp").status_code == 404
    assert nobody.get(f"/i/{his.key}/thumb.webp").status_code == 200
    assert Task.find_one({"user_id": bob.id}) is not None
    assert ada.sign_in().status_code == 422


@for_each(
    ("field", "form"),
    [
        ("email", {"email": "bob@example.com"}),
        ("email", {"email": ""}),
        ("password", {"password": "wrong password"}),
    ],
)
def test_account_is_not_deleted_by_mistake(ada, field, form):
    """It takes the e-mail as asked for, which stays written, and the password, which
    does not."""
    answer = end(ada, **form)

    assert answer.status_code == 422
    assert error_at(answer, field)
    written = form.get("email", "ada@example.com")
    assert re.search(rf'name="email" value="{written}"', answer.text)
    assert not re.search(r'type="password"[^>]*value=', answer.text)
    assert ada.client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("/account/password", "current", {"new": OTHER, "again": OTHER}),
        ("/account/delete", "password", {"email": "ada@example.com"}),
    ],
)
def test_password_is_guessed_no_better_here(secured, ada, path, field, more):
    """A browser that was left open lets nobody try for ever; the page says how long.
    Nor does it lock the owner out elsewhere: sign-ins are counted apart."""
    ada.client.set_cookie("lang", "en")
    for _ in range(failed_attempts.MAX_BY_ACCOUNT):
        wrong = send(ada.client, path, **{**more, field: "wrong password"})
        assert wrong.status_code == 422

    answer = send(ada.client, path, **{**more, field: PASSWORD})

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "try again in 15 min" in answer.text
    assert ada.client.get("/account").status_code == 200
    ada.client = secured.test_client()
    assert ada.sign_in().status_code == 303


def test_last_admin_stays(secured, admin):
    """Nobody would be left to let people in: neither the page nor the API does it, as
    long as nobody else can."""
    admin.sign_in()
    answer = end(admin)
    by_key = admin.api("DELETE", f"/api/v1/users/{admin.id}")

    assert answer.status_code == 409
    assert "最后一位管理员" in answer.text
    assert (by_key.status_code, by_key.json["error"]) == (409, "last_admin")
    assert admin.client.get("/account").status_code == 200
    make_person(secured, "second@example.com", role="admin")
    assert end(admin).location == "/sign-in"
    assert User.find_one({"_id": admin.id}) is None


def tiles(page) -> dict[str, int]:
    found = re.findall(r"<dt>(\w+)</dt><dd[^>]*>(\d+)", page.text)
    return {name: int(n) for name, n in found}


def figures(table: str) -> list[int]:
    """The sums of the columns made, failed, unknown and charged."""
    rows = [re.findall(r"figures\">(\d+)<", row) for row in table.split("<tr>")[2:]]
    columns = [sum(map(int, column)) for column in zip(*rows, strict=True)]
    return [*columns[:3], columns[4]]


@pytest.fixture
def used(ada, bob, provider, work_off) -> None:
    """Three pictures were made and one refused; another user made two."""
    ask(ada, 3)
    work_off()
    provider.submits.append(ProviderError("no", code="content_refused_prompt"))
    ask(ada)
    work_off()
    ask(bob, 2)
    work_off()
    settle()


def test_empty_account_says_so(ada):
    """One with a quota says what of that is used."""
    ada.client.set_cookie("lang", "en")
    page = ada.client.get("/account/usage")

    assert "No usage in the last 30 days" in page.text
    assert "<rect" not in page.text.split("</header>")[1]
    assert set(tiles(page).values()) == {0}
    User.collection().update_one({"_id": ada.id}, {"$set": {"daily_quota": 5}})
    ask(ada, 2)
    assert "2 of 5 used today" in ada.client.get("/account/usage").text
    settle()


@for_each(("query", "days"), [("7", 7), ("90", 90), ("8", 30), ("x", 30), ("", 30)])
def test_span_is_one_of_three(ada, used, query, days):
    page = ada.client.get(f"/account/usage?days={query}").text

    assert page.count('class="chart-bar"') == 2 * days, "of pictures and of yuan"
    assert re.search(rf'days={days}" aria-current="true"', page)
    assert f"/account/usage.csv?days={days}" in page


def test_tables_and_csv_add_up_to_the_numbers_above(ada, used, provider, work_off):
    """By day, by model, and row by row it is the same; what others have used is in
    none of them. The CSV has a name, a row for each day, model and outcome."""
    ada.client.set_cookie("lang", "en")
    ask(ada, 2, model="jimeng-3.1")
    work_off()
    settle()
    page = ada.client.get("/account/usage?days=7")
    answer = ada.client.get("/account/usage.csv?days=7")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    of_pictures = [*page.text.split("<table")[1:]]
    by_day, by_model = (each for each in of_pictures if "Unknown" in each)
    numbers = [figures(by_day), figures(by_model)]
    wanted = {"Completed": 5, "Failed": 1, "Unknown": 0, "Charged": 5}
    assert tiles(page) == wanted
    assert numbers == [list(wanted.values())] * 2
    assert "Seedream 3.0</th>" in by_model
    assert by_model.count('<th scope="row">') == 2
    assert set(rows[0]) == {"date", "model", "outcome", "charged", "pictures"}
    found = sorted((row["outcome"], row["charged"], row["pictures"]) for row in rows)
    assert found == [("done", "yes", "2"), ("done", "yes", "3"), ("failed", "no", "1")]
    assert answer.mimetype == "text/csv"
    name = 'attachment; filename="jimeng-usage-7-days.csv"'
    assert name in answer.headers["Content-Disposition"]


@for_each(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠SUM"]
)
def test_no_cell_is_a_formula(text):
    """A spreadsheet shows it as text; numbers stay numbers."""
    lines = "".join(csv_chunks(("date", "n"), [(date(2026, 1, 31), text), ("12", 3)]))

    cells = list(csv.reader(io.StringIO(lines, newline="")))[1:]
    assert cells == [["2026-01-31", f"'{text}"], ["12", "3"]]
