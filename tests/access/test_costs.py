"""A program sums money: what it may see of whom, by what, and over which days."""

import csv
import io
from collections.abc import Sequence

import pytest

from jimeng import accounts, jobs
from jimeng.billing import budgets, cost_reports, settlement
from jimeng.billing.costs import today
from jimeng.documents import Generation, LedgerEntry, QuotaUsage, utcnow
from jimeng.schemas import costs as schemas
from jimeng.schemas.fields import moment
from tests.access.conftest import OPERATOR, call, make_person
from tests.access.test_act_for import CUSTOMER, Shop
from tests.access.test_keys import ask, new_key
from tests.admin.pages import ENGLISH, text_of
from tests.billing.conftest import PRICE, expire_lease, settle
from tests.each import for_each
from tests.rest import API, USERS, data_of, errors_of, refused

COSTS = f"{API}/costs"
MODEL = "doubao-seedream-3.0-t2i"
GONE = "gone:model"  # a lane that is no longer offered
JANUARY = {"from": "2026-01-01", "to": "2026-01-31"}
AMOUNTS = ("cost", "cost_micros", "pictures", "unknown", "unpriced")

Row = tuple[str, str, int]  # the user, the day, and micro-yuan


def enter(
    rows: Sequence[Row], *, key_id: str = "", lane: str = "", **fields: object
) -> None:
    """Enter one charged picture each into the ledger, and add it up."""
    number = LedgerEntry.collection().count_documents({})
    for user_id, day, micros in rows:
        number += 1
        LedgerEntry(
            **{"id": f"{number}|1", "generation": str(number), "task_id": "t"},
            **{"user_id": user_id, "key_id": key_id, "day": day, "micros": micros},
            **{"lane": lane or jobs.runtime().registry.model(MODEL).lane},
            **{"account": "main", "outputs": 1, "batch": 1, **fields},
        ).add()
    expire_lease()
    settlement.rebuild()


@pytest.fixture
def shop(bob) -> Shop:
    return Shop(bob)


def look(person, **query: str) -> dict:
    return data_of(person.api("GET", COSTS, query_string=query))


def micros(found: dict, *by: str) -> dict:
    """What was spent, by the values of these fields."""
    return {
        each[by[0]] if len(by) == 1 else tuple(each[name] for name in by): each[
            "cost_micros"
        ]
        for each in found["rows"]
    }


def test_own_costs_of_this_month_by_day(ada, bob):
    """What a key's user has spent, and nothing of others; the day is that of the
    ledger, in the zone that it names."""
    day = today().isoformat()
    enter([(ada.id, day, 200_000), (ada.id, day, 50_000), (bob.id, day, 7)])

    found = look(ada)

    whole = {"cost": "0.25", "cost_micros": 250_000, "pictures": 2}
    whole |= {"unknown": 0, "unpriced": 0}
    assert found == {
        **{"from": f"{day[:7]}-01", "to": day, "zone": "Asia/Shanghai"},
        **{"currency": "CNY", "by": ["day"], "total": whole},
        "rows": [{"day": day, **whole}],
    }


def test_costs_by_one_or_two_of_five(ada, admin):
    """In the order that is asked for; months begin and end with the range."""
    key = new_key(ada)
    enter([(ada.id, "2026-01-01", 1), (ada.id, "2026-01-31", 2)])
    enter([(ada.id, "2026-01-31", 4)], key_id=key["id"])
    enter([(ada.id, "2026-02-01", 8)], lane=GONE)
    both = {"from": "2026-01-02", "to": "2026-02-28"}

    months = look(ada, by="month", **both)
    assert micros(months, "month") == {"2026-01": 6, "2026-02": 8}
    assert micros(look(ada, by="model", **both), "model") == {MODEL: 6, GONE: 8}
    keys = look(ada, by="key,month", **both)
    assert keys["by"] == ["key", "month"]
    assert micros(keys, "key_id", "month") == {
        **{(None, "2026-01"): 2, (None, "2026-02"): 8, (key["id"], "2026-01"): 4},
    }
    assert {*keys["rows"][0]} == {"key_id", "month", "open", "corrected_at", *AMOUNTS}
    for by, names in (("day", ["day"]), ("user", ["user_id"]), ("key", ["key_id"])):
        of_all = look(admin, by=by, **JANUARY)
        assert sum(micros(of_all, *names).values()) == 7, by


def test_what_has_cost_nothing_has_no_row(ada):
    """Sums also say how pictures have ended, those without a cost too."""
    enter([(ada.id, "2026-01-05", 0)], outputs=0, ended="dropped|no|")
    enter([(ada.id, "2026-01-06", 1)], ended="done|yes|")

    for by, name in (("day", "day"), ("user", "user_id"), ("month", "month")):
        rows = look(ada, by=by, **JANUARY)["rows"]
        assert [row["cost_micros"] for row in rows] == [1], name
    assert micros(look(ada, **JANUARY), "day") == {"2026-01-06": 1}


def test_month_is_open_while_it_may_change(ada, bob):
    """It is not over, or a picture of it is held or unknown; a later correction says
    when it was made."""
    held = {"id": "t_0", "task_id": "t", "user_id": ada.id, "lane": "a:b"}
    held |= {"provider": "a", "req_key": "b"}
    held |= {"held_micros": 9, "budget_day": "2026-02-05", "index": 0}
    for row in (held, {**held, "id": "u_0", "user_id": bob.id}):
        of_bob = {"budget_day": "2026-03-05"} if row["user_id"] == bob.id else {}
        Generation.collection().insert_one(Generation.row(**{**row, **of_bob}))
    at = utcnow().replace(microsecond=0)
    enter([(ada.id, f"2026-0{month}-05", 1) for month in (1, 2, 3, 4)])
    enter([(ada.id, "2026-04-06", 1)], unknown=1)
    enter([(ada.id, "2026-03-06", 1)], corrected_at=at)
    enter([(ada.id, today().isoformat(), 1)])

    found = look(ada, by="month", **{"from": "2026-01-01", "to": "2026-06-30"})

    states = [(row["open"], row["corrected_at"]) for row in found["rows"]]
    corrected = f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
    assert states == [(False, None), (True, None), (False, corrected), (True, None)]
    (this_month,) = look(ada, by="month")["rows"]
    assert (this_month["open"], this_month["corrected_at"]) == (True, None)
    table = ada.api("GET", COSTS, query_string={"by": "month", "format": "csv"}).text
    assert table.splitlines()[0].endswith("unpriced,open,corrected_at")
    assert table.splitlines()[1].endswith(",yes,")


def test_user_sees_own_costs_and_an_admin_all(ada, bob, admin, nobody):
    """Another's are not found; a key that may only read suffices."""
    enter([(ada.id, "2026-01-05", 1), (bob.id, "2026-01-05", 2)])
    reader = new_key(ada, scopes=["read"])["key"]

    assert micros(look(admin, by="user", **JANUARY), "user_id") == {
        ada.id: 1,
        bob.id: 2,
    }
    assert look(admin, user_id=bob.id, **JANUARY)["total"]["cost_micros"] == 2
    assert look(ada, user_id=ada.id, **JANUARY)["total"]["cost_micros"] == 1
    own = call(ada.client, "GET", COSTS, key=reader, query_string=JANUARY)
    assert data_of(own)["total"]["cost_micros"] == 1
    query = {"user_id": bob.id, **JANUARY}
    refused(ada.api("GET", COSTS, query_string=query), 404, "user_not_found")
    refused(nobody.get(COSTS), 401, "unauthorized")


def test_customers_are_summed_when_asked_for(secured, shop, bob, ada):
    """Their costs are the owner's to see, by each key: all, by each, or of one. Not
    those of another shop; and who has no customers is told so."""
    other = Shop(ada, user_prefix="other:")
    eve = make_person(secured, "eve@example.com")
    day = "2026-01-05"
    enter(
        [(bob.id, day, 1), (CUSTOMER, day, 2), ("shop:b", day, 4), ("other:a", day, 8)]
    )

    assert look(shop, **JANUARY)["total"]["cost_micros"] == 1
    found = look(shop, customers="true", by="user", **JANUARY)
    assert micros(found, "user_id") == {bob.id: 1, CUSTOMER: 2, "shop:b": 4}
    assert found["total"]["cost_micros"] == 7
    assert look(shop, user_id=CUSTOMER, **JANUARY)["total"]["cost_micros"] == 2
    query = {"customers": "true", **JANUARY}
    assert (
        data_of(other.api("GET", COSTS, query_string=query))["total"]["cost_micros"]
        == 8
    )
    own = data_of(bob.api("GET", COSTS, query_string=query))
    assert own["total"]["cost_micros"] == 7
    assert [*errors_of(eve.api("GET", COSTS, query_string=query))] == ["customers"]
    both = {**query, "user_id": CUSTOMER}
    assert [*errors_of(shop.api("GET", COSTS, query_string=both))] == ["customers"]


@for_each(
    "field, query",
    [
        ("zone", {"zone": "Europe/Paris"}),  # the ledger's days have one
        ("by", {"by": "account"}),
        ("by", {"by": "day,model,user"}),
        ("by", {"by": "day,day"}),
        ("by", {"by": ""}),
        ("from", {"from": "2026-02-30", "to": "2026-03-01"}),
        ("from", {"from": "2026-02-02", "to": "2026-02-01"}),
        ("from", {"from": "2025-01-01", "to": "2026-01-02"}),
        ("format", {"format": "xlsx"}),
        ("customers", {"customers": "perhaps"}),
        ("user_id", {"user_id": "Not an id"}),
    ],
)
def test_bad_questions_about_costs_are_refused(ada, field, query):
    assert [*errors_of(ada.api("GET", COSTS, query_string=query))] == [field]


def test_range_of_costs_is_at_most_a_leap_year(ada):
    """Only its end is given: it begins with that month. Only its begin: until today."""
    year = look(ada, **{"from": "2024-01-01", "to": "2024-12-31"})
    assert (year["from"], year["to"]) == ("2024-01-01", "2024-12-31")
    assert look(ada, to="2026-01-15")["from"] == "2026-01-01"
    day = today().isoformat()
    assert look(ada, **{"from": day})["to"] == day


def test_costs_as_csv(ada):
    """The same rows and columns; a key that looks like a formula is none."""
    enter([(ada.id, "2026-01-05", 200_000), (ada.id, "2026-01-06", -50_000)])
    query = {"format": "csv", "by": "day,model", **JANUARY}

    answer = ada.api("GET", COSTS, query_string=query)

    assert answer.content_type == "text/csv; charset=utf-8"
    assert "jimeng-costs-2026-01-01-2026-01-31.csv" in str(answer.headers)
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert [*first] == ["day", "model", *AMOUNTS]
    assert (first["day"], first["cost"], first["cost_micros"]) == (
        *("2026-01-05", "0.20", "200000"),
    )
    assert (second["model"], second["cost"]) == (MODEL, "-0.05")


def test_too_many_rows_are_for_csv(ada, monkeypatch):
    """JSON is built in memory."""
    monkeypatch.setattr(schemas, "MAX_COST_ROWS", 1)
    enter([(ada.id, "2026-01-05", 1), (ada.id, "2026-01-06", 1)])

    assert [*errors_of(ada.api("GET", COSTS, query_string=JANUARY))] == ["by"]
    rows = ada.api("GET", COSTS, query_string={"format": "csv", **JANUARY})
    assert len(rows.text.splitlines()) == 3
    assert len(look(ada, by="month", **JANUARY)["rows"]) == 1


@pytest.mark.parametrize("is_revoked", [False, True])
def test_owner_sees_the_customers_of_his_keys(shop, bob, ada, monkeypatch, is_revoked):
    """On the page of his usage, in all and by customer, highest first, also when the
    key is revoked; others see none of it."""
    if is_revoked:
        accounts.revoke_key(OPERATOR, bob.id, shop.record.id)
    day = today().isoformat()
    monkeypatch.setattr(cost_reports, "PAGE", 1)
    for each in (ada, bob):
        each.sign_in()
    enter([(CUSTOMER, day, 200_000), ("shop:b", day, 400_000), (bob.id, day, 9)])

    words = text_of(bob.client.get("/account/usage", headers=ENGLISH))

    own, _, of_customers = words.partition("Costs of your customers")
    assert "¥0.60 in 30 days, for 2 charged items." in of_customers
    assert "shop:b ¥0.40 1 0 0" in of_customers
    assert CUSTOMER not in words and "the 1 with the highest" in of_customers
    assert "shop:" not in own
    assert "customers" not in text_of(ada.client.get("/account/usage", headers=ENGLISH))


def test_operators_csv_takes_an_admins_key(ada, admin, nobody):
    """As the API answers; a browser is still asked to sign in."""
    path = "/admin/costs.csv?month=2026-01&by=user"
    enter([(ada.id, "2026-01-05", 200_000)])

    (row,) = csv.DictReader(io.StringIO(admin.api("GET", path).text))
    assert (row["user"], row["cost_micros"]) == (ada.id, "200000")
    refused(ada.api("GET", path), 403, "admins_only")
    refused(call(nobody, "GET", path, key="jm_none"), 401, "api_key_invalid")
    assert nobody.get(path).status_code == 303
    assert admin.api("GET", "/admin/usage").status_code == 303  # keys open no page


def test_records_say_what_remains_of_a_budget(ada, admin, work_off):
    """Of a key, and of a user: with what is held, and when it reopens."""
    key = new_key(ada, daily_budget_micros=3 * PRICE)
    path = f"{USERS}/{ada.id}"
    assert data_of(ada.api("GET", path))["budgets"] == []
    admin.api("PUT", path, json={"monthly_budget_micros": 5 * PRICE})
    data_of(ask(ada, key, n=2), 202)

    (of_user,) = data_of(ada.api("GET", path))["budgets"]
    of_key = {
        each["id"]: each["budgets"] for each in data_of(ada.api("GET", f"{path}/keys"))
    }[key["id"]]

    assert key["budgets"][0]["remaining_micros"] == 3 * PRICE
    reopens = moment(budgets.reopens_at(today().isoformat(), "month"))
    assert of_user == {
        **{"period": "month", "limit_micros": 5 * PRICE, "spent_micros": 2 * PRICE},
        **{"remaining_micros": 3 * PRICE, "reopens_at": reopens},
    }
    (day,) = of_key
    assert (day["period"], day["remaining_micros"]) == ("day", PRICE)
    work_off()
    settle()
    QuotaUsage.collection().update_one(
        {"_id": ada.id}, {"$set": {"month_micros": 9 * PRICE}}
    )
    (of_user,) = data_of(ada.api("GET", path))["budgets"]
    assert of_user["remaining_micros"] == 0  # never less
