"""What one's pictures have come to, on a page and as CSV."""

import csv
import io
import re
from datetime import date

import pytest

from jimeng.documents import User
from jimeng.errors import ProviderError
from jimeng.web.site.csv_export import csv_chunks
from tests.each import for_each

REFUSED = ProviderError("no", code="content_refused_prompt")


def ask(person, n: int = 1, **fields: object) -> None:
    body = {"type": "image", "user_id": person.id, "prompt": "一只猫", "n": n, **fields}
    assert person.api("POST", "/api/v1/ai/tasks", json=body).status_code == 202


@pytest.fixture
def ada(ada):
    """Signed in."""
    ada.sign_in()
    ada.client.set_cookie("lang", "en")
    return ada


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
    provider.submits.append(REFUSED)
    ask(ada)
    work_off()
    ask(bob, 2)
    work_off()


def test_empty_account_says_so(ada):
    page = ada.client.get("/account/usage")

    assert "No usage in the last 30 days" in page.text
    assert "<rect" not in page.text.split("</header>")[1]
    assert set(tiles(page).values()) == {0}


@for_each(("query", "days"), [("7", 7), ("90", 90), ("8", 30), ("x", 30), ("", 30)])
def test_span_is_one_of_three(ada, used, query, days):
    page = ada.client.get(f"/account/usage?days={query}").text

    assert page.count('class="chart-bar"') == days
    assert re.search(rf'days={days}" aria-current="true"', page)
    assert f"/account/usage.csv?days={days}" in page


def test_tables_and_csv_add_up_to_the_numbers_above(ada, used, provider, work_off):
    """By day, by model, and row by row it is the same; what others have used is in
    none of them. The CSV has a name, a row for each day, model and outcome."""
    ask(ada, 2, model="jimeng-3.1")
    work_off()
    page = ada.client.get("/account/usage?days=7")
    answer = ada.client.get("/account/usage.csv?days=7")
    rows = list(csv.DictReader(io.StringIO(answer.text)))

    by_day, by_model = page.text.split("<table")[1:]
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


def test_quota_is_shown(ada):
    User.collection().update_one({"_id": ada.id}, {"$set": {"daily_quota": 5}})
    ask(ada, 2)

    assert "2 of 5 used today" in ada.client.get("/account/usage").text
