"""Where users and operators see what pictures and batches cost."""

import csv
import io
import re
from collections.abc import Iterable

import pytest

from jimeng.billing import cost_reports
from jimeng.billing.costs import today
from jimeng.documents import Batch, CostSum, Generation, User
from jimeng.http.csv_export import csv_chunks
from jimeng.operations.costs import decide
from tests.admin.pages import ENGLISH, OPERATOR, done, fail, text_of, unknown
from tests.batches.conftest import ask, fill, lines, look
from tests.billing.conftest import PRICE, only_generation, settle
from tests.billing.test_settlement import UNKNOWN
from tests.commands import counted
from tests.conftest import come_due
from tests.rest import create
from tests.test_core import refusal

PRICED = "doubao-seedream-3.0-t2i"


@pytest.fixture
def spent(client, work_off) -> str:
    """A task of two pictures, settled; its id."""
    task_id = create(client, n=2, user_id="guest")  # of the pages
    work_off()
    settle()
    return task_id


def table(client, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(path).text)))


def add_sums(rows: Iterable[dict]) -> None:
    made = [CostSum(**row, batch=1).to_mongo() for row in rows]
    CostSum.collection().insert_many(made)


def test_task_and_picture_say_what_they_cost(client, spent):
    """In the feed, on the task's page, the picture's, and in the words of its tile."""
    feed = text_of(client.get("/", headers=ENGLISH))
    task = text_of(client.get(f"/tasks/{spent}", headers=ENGLISH))
    picture = text_of(client.get(f"/pictures/{spent}_1", headers=ENGLISH))

    assert "¥0.40" in feed.partition("Done in")[2]
    assert "Cost ¥0.40" in task
    assert "Cost ¥0.20" in picture
    page = client.get("/gallery", headers=ENGLISH)
    captions = re.findall(r'<figcaption class="photo-caption"[^>]*>([^<]+)<', page.text)
    assert [each.partition(" · ")[0] for each in captions] == ["¥0.20", "¥0.20"]


def test_usage_page_shows_the_cost_of_each_day(client, spent):
    page = client.get("/account/usage?days=7", headers=ENGLISH)

    words = text_of(page)
    assert "¥0.40 in 7 days, for 2 charged items." in words
    assert 'aria-label="Cost per day over 7 days, ¥0.40 in all"' in page.text
    day = today().isoformat()
    assert f"{day} ¥0.40 2 0 0" in words
    rows = table(client, "/account/costs.csv?days=7")
    assert len(rows) == 7
    assert (rows[-1]["date"], rows[-1]["cost"]) == (day, "0.40")
    assert rows[-1]["cost_micros"] == "400000"


def test_without_costs_the_usage_page_has_no_such_part(client):
    """An empty chart would say nothing."""
    assert "Cost per day" not in client.get("/account/usage", headers=ENGLISH).text


def test_operator_sees_month_users_and_models(client, spent):
    """In all, and by each; with a file by day, model and account."""
    page = client.get("/admin/usage", headers=ENGLISH)

    words = text_of(page)
    assert "Today ¥0.40 This month ¥0.40" in words
    assert "Seedream 3.0 ¥0.40 2 0 0" in words
    (row,) = table(client, "/admin/costs.csv")
    day = today().isoformat()
    assert row == {
        **{"date": day, "model": PRICED, "account": "main", "cost": "0.40"},
        **{"cost_micros": "400000", "pictures": "2", "unknown": "0", "unpriced": "0"},
    }
    assert table(client, "/admin/costs.csv?month=2020-01") == []


def test_unknown_charge_is_decided_on_the_page(client, provider, work_off):
    """Listed until an operator has compared it with the bill; then it has a cost."""
    fail(client, provider, work_off, unknown())
    come_due(state="unknown")  # late polls end: it has no name at the provider
    work_off()
    settle()
    picture = only_generation().id
    listed = text_of(client.get("/admin/usage", headers=ENGLISH))
    assert "Charges to decide" in listed and "¥0.00 This month" in listed

    page = done(client, f"/admin/costs/{picture}/decide", charged="yes")
    settle()

    assert "Recorded." in text_of(page)
    assert "Charges to decide" not in text_of(page)
    words = text_of(client.get("/admin/usage", headers=ENGLISH))
    assert "Today ¥0.20 This month ¥0.20" in words


def test_month_is_streamed(database):
    """The next row is read when it is wanted, and no generation at all."""
    about = {"of": "all", "lane": "x:y", "account": "main"}
    days = {f"2026-01-{day:02}": day for day in range(1, 32)}
    add_sums(
        {"id": f"all|{day}|x:y|main", **about, "day": day, "micros": micros}
        for day, micros in days.items()
    )

    found = cost_reports.by_account(OPERATOR, "2026-01")

    assert (next(found).cost.micros, next(found).day) == (1, "2026-01-02")
    assert len(list(found)) == 29
    assert list(cost_reports.by_account(OPERATOR, "2026-02")) == []


def test_decision_may_take_back_what_was_unknown(database):
    """On its own day there is one less: a number, in a spreadsheet too."""
    row = {"day": "2026-01-31", "lane": "x:y", "account": "main", "batch": 1}
    CostSum(id="all", of="all", unknown=-1, **row).add()
    (found,) = cost_reports.by_account(OPERATOR, "2026-01")

    text = "".join(csv_chunks(["unknown", "model"], [[found.cost.unknown, "=x:y"]]))

    assert text.splitlines()[1] == "-1,'=x:y"


@pytest.fixture
def month(database) -> str:
    """A month in which 45 users have spent: the more the fewer pictures they got."""
    name = today().isoformat()[:7]
    about = {"of": "user_month", "month": name}
    add_sums(
        {
            **{"id": f"user_month|{name}|u{n:02}", **about, "user_id": f"u{n:02}"},
            **{"micros": n * 10_000, "outputs": 100 - n},
        }
        for n in range(45)
    )
    return name


@pytest.mark.parametrize(
    ("query", "first", "last", "n"),
    [
        ("", "u44", "u25", 20),
        ("?page=3", "u04", "u00", 5),
        ("?sort=outputs", "u00", "u19", 20),
        ("?sort=outputs&page=2", "u20", "u39", 20),
        ("?sort=prompt&page=0", "u44", "u25", 20),
        ("?page=99999999999999999999", None, None, 0),
    ],
)
def test_users_of_a_month_are_sorted_and_paged(client, month, query, first, last, n):
    """By cost or by pictures, twenty at a time; anything else is the first page."""
    page = client.get(f"/admin/usage{query}", headers=ENGLISH)

    shown = re.findall(r"<bdi>(u\d\d)</bdi>", page.text)
    assert page.status_code == 200
    assert (shown[:1], shown[-1:], len(shown)) == ([first][:n], [last][:n], n)
    assert ('rel="next"' in page.text) == (n == 20)


def test_costs_by_user_are_a_file(client, month):
    """All of them, with the name of those that have one, and the highest cost first."""
    User(id="u44", name="=Ada", email="ada@example.com", role="user").add()

    rows = table(client, f"/admin/costs.csv?by=user&month={month}")

    assert len(rows) == 45
    assert rows[0] == {
        **{"month": month, "user": "u44", "name": "'=Ada", "cost": "0.44"},
        **{"cost_micros": "440000", "pictures": "56", "unknown": "0", "unpriced": "0"},
    }
    assert table(client, f"/admin/costs.csv?by=key&month={month}") == []


def test_costs_by_user_read_no_other_sum(client, month, database):
    """From the index, in order: as many rows as are shown, whatever the month has."""
    found = CostSum.collection().find(
        {"of": "user_month", "month": month}, sort=[("micros", -1), ("_id", -1)]
    )
    plan = found.limit(21).explain()["executionStats"]

    assert plan["totalDocsExamined"] == plan["totalKeysExamined"] == 21


def money(client, batch_id: str) -> tuple:
    found = look(client, batch_id)
    names = ("cost", "cost_micros", "held_micros")
    return tuple(found[name] for name in names)


def test_batch_says_what_it_costs(client, provider, work_off):
    """Settled and held of all its tasks; a decision after its end changes it."""
    batch_id = ask(client, "a\nb\nc", n=2)["batch_id"]
    fill()
    assert money(client, batch_id) == (None, None, 6 * PRICE)
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "¥0.00, ¥1.20 reserved" in page.text
    provider.submits = [refusal(), UNKNOWN]

    work_off()
    come_due(state="unknown")
    work_off()
    fill()
    settle()

    (batch,) = Batch.find_all({"_id": batch_id})
    assert not batch.is_open and batch.counts is not None
    assert money(client, batch_id) == ("0.80", 4 * PRICE, PRICE)
    page = client.get(f"/batches/{batch_id}", headers={"Accept-Language": "en"})
    assert "¥0.80, ¥0.20 reserved" in page.text
    (unknown_one,) = Generation.find_all({"charged": "unknown"})
    decide(OPERATOR, unknown_one.id, True)
    settle()
    assert money(client, batch_id) == ("1.00", 5 * PRICE, 0)


def test_costs_of_a_batch_take_no_command_for_each_task(client, config):
    """Its tasks are read anyway, all at once."""
    short, long = (ask(client, lines(n))["batch_id"] for n in (1, 9))
    fill()

    for batch_id in (short, long):
        with counted(config) as commands:
            look(client, batch_id)
        reads = [each for each in commands if each.get("find") == "tasks"]
        assert len(reads) == 1
