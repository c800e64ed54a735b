"""
Usage: what became of a user's pictures, by day, model and outcome.

The sums of the ledger say it, those of an earlier release's work too.
"""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from jimeng.billing import costs, settlement, usage
from jimeng.billing.costs import today
from jimeng.documents import CostSum, Generation, LedgerEntry, Settler, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.errors.access import AdminsOnly, UserNotFound
from jimeng.operations import queue_actions
from jimeng.providers import Progress
from jimeng.upkeep import janitor, purge
from tests.billing.conftest import PRICE, amounts, check_sums, counted, settle
from tests.conftest import come_due, png
from tests.each import for_each
from tests.jobs.test_time import time_out as create_late
from tests.rest import API, CAT, CREATE, create, data_of, errors_of, new_user, refused
from tests.test_core import begin
from tests.test_guards import work_due

OPERATOR = Principal("root", is_operator=True)
USER = CAT["user_id"]
MODEL = "doubao-seedream-3.0-t2i"
REFUSED = ProviderError("no", code="content_refused_prompt")
BROKEN = ProviderError("reset", code="unreachable", maybe_accepted=True)


A_DAY, AN_HOUR = timedelta(days=1), timedelta(hours=1)


def day_before(days: int) -> str:
    return (today() - timedelta(days=days)).isoformat()


def look(client, user_id: str = USER, **query) -> dict:
    settle()
    answer = client.get(f"{API}/users/{user_id}/usage", query_string=query)
    return data_of(answer)


def rows(data: dict) -> list[tuple]:
    """(days ago, outcome, pictures, charged) of each row."""
    return [
        (
            (today() - datetime.fromisoformat(day["date"]).date()).days,
            each["outcome"],
            each["pictures"],
            {name: n for name, n in each["charged"].items() if n},
        )
        for day in data["days"]
        for model in day["models"]
        for each in model["outcomes"]
    ]


def age(days: int) -> None:
    """Let all that is not settled yet have been ordered some days ago."""
    recent = {"unsettled": {"$exists": True}}
    old = {"budget_day": day_before(days)}
    Generation.collection().update_many(recent, {"$set": old})


def sums(data: dict) -> Counter:
    return Counter({each["outcome"]: each["pictures"] for each in outcomes(data)})


def outcomes(data: dict) -> list[dict]:
    return data["totals"]["outcomes"]


def test_each_outcome_is_told(client, provider, work_off):
    """What was cancelled while it was drawn is not shown, and it was paid for."""
    cancelled = begin(client)
    client.post(f"{API}/tasks/{cancelled}/cancel")
    create(client, n=2)
    work_off()
    provider.submits = [REFUSED, BROKEN]
    create(client, n=2)
    work_off()
    client.post(f"{API}/tasks/{create(client, n=2)}/cancel")
    create(client, user_id="somebody.else")

    data = look(client)

    (day,) = data["days"]
    assert day["date"] == today().isoformat()
    assert [each["model"] for each in day["models"]] == [MODEL]
    assert rows(data) == [
        (0, "done", 3, {"yes": 3}),
        (0, "failed", 1, {"no": 1}),
        (0, "cancelled", 2, {"no": 2}),
        (0, "unknown", 1, {"unknown": 1}),
    ]
    assert data["totals"]["pictures"] == 7
    assert data["totals"]["charged"] == {"no": 3, "unknown": 1, "yes": 3}
    assert outcomes(data) == day["models"][0]["outcomes"]


def test_deletion_changes_nothing(client, work_off):
    """Task, pictures, the trash and the user may go: what was used was used."""
    user_id = new_user(client)["id"]
    ids = [create(client, n=2, user_id=user_id) for _ in range(3)]
    work_off()
    before = look(client, user_id)

    client.delete(f"{CREATE}/{ids[0]}")
    purge.empty_trash()
    janitor.finish_deletions()
    assert look(client, user_id) == before
    client.delete(f"{API}/users/{user_id}")

    assert look(client, user_id) == before
    assert sums(before) == {"done": 6}


def test_both_ends_of_the_span_count(client, work_off):
    """The day is that of the order, whenever the picture came."""
    create(client, n=4)
    work_off()
    days = ["2026-02-28", "2026-03-01", "2026-03-03", "2026-03-04"]
    for row, day in zip(Generation.collection().find(), days, strict=True):
        of_day = {"$set": {"budget_day": day}}
        Generation.collection().update_one({"_id": row["_id"]}, of_day)

    data = look(client, **{"from": "2026-03-01", "to": "2026-03-03"})

    assert [day["date"] for day in data["days"]] == ["2026-03-03", "2026-03-01"]
    assert data["totals"]["pictures"] == 2


def test_thirty_days_are_usual(client):
    """Today is the last of them; and of a leap year all."""
    data = look(client)

    assert (data["from"], data["to"]) == (day_before(29), day_before(0))
    assert data["user_id"] == USER
    assert (data["days"], outcomes(data)) == ([], [])
    assert look(client, to="2026-02-28")["from"] == "2026-01-30"
    assert look(client, **{"from": day_before(2)})["to"] == day_before(0)
    look(client, **{"from": "2027-03-01", "to": "2028-02-29"})


@for_each(
    "query, field",
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-1-1"}, "from"),
        ({"to": "1999-12-31"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "2025-03-01", "to": "2026-03-02"}, "from"),
        ({"since": "2026-03-01"}, "since"),
        ({"from": ""}, "from"),
    ],
)
def test_wrong_span_is_refused_by_name(client, query, field):
    """Dates that are none, the wrong way round, or too far apart."""
    answer = client.get(f"{API}/users/{USER}/usage", query_string=query)

    assert list(errors_of(answer)) == [field]


@for_each("user_id", ["a b", "x" * 65, "%24gt", "猫"])
def test_id_that_nobody_can_have_is_not_there(client, user_id):
    refused(client.get(f"{API}/users/{user_id}/usage"), 404, "user_not_found")


def test_usage_is_for_its_user_and_for_operators(database):
    """Another's is not there to see, and everybody's is the operator's."""
    span = {"since": today(), "until": today()}

    assert usage.by_day(Principal("ada"), "ada", **span).rows == []
    assert usage.by_day(OPERATOR, "ada", **span).rows == []
    with pytest.raises(UserNotFound):
        usage.by_day(Principal("bob"), "ada", **span)
    with pytest.raises(AdminsOnly):
        usage.today(Principal("ada"))
    with pytest.raises(AdminsOnly):
        usage.totals(Principal("ada"))


MANY = 400  # pictures in each hour
HOURS = 30
DONE = Progress("remote-1", done=True, images=(png(),))


def put(moment: datetime, number: int = 1, **fields: object) -> list[str]:
    """Pictures that were ordered, and ended, then."""
    common = {
        **{"user_id": USER, "lane": "a:b", "provider": "a", "req_key": "b"},
        **{"state": "done", "charged": "yes", "index": 0, "unsettled": True},
        **{"ended_at": moment, "budget_day": costs.billing_day(moment)},
    }
    ids = [f"task_{moment:%d%H%M%S}_{n}_{len(fields)}" for n in range(number)]
    made = [Generation.row(id=i, task_id=i, **{**common, **fields}) for i in ids]
    Generation.collection().insert_many(made)
    return ids


def test_who_asks_reads_sums_only(client, database):
    """However many pictures the days have had: keys and documents stay few."""
    now = utcnow()
    for ago in range(HOURS):
        put(now - ago * AN_HOUR, MANY)
    settle()

    read = looked_at(database, lambda: usage.by_day(OPERATOR, USER, **THIS_WEEK))
    read_today = looked_at(database, lambda: usage.today(OPERATOR))
    read_days = looked_at(database, usage.all_days)
    read_hours = looked_at(database, lambda: queue_actions.hours(OPERATOR))
    read_board = looked_at(database, lambda: queue_actions.board(OPERATOR))

    assert max(read, read_today, read_days, read_hours) <= 2 * HOURS
    assert read_board <= 2 * MANY + 4 * HOURS  # those of the last hour, by the index


def looked_at(database, ask) -> int:
    """Index entries and documents that MongoDB looks at for *ask*."""
    database.command("profile", 2)
    try:
        ask()
    finally:
        database.command("profile", 0)
    others = {"ns": {"$not": {"$regex": "profile"}}}
    found = list(database["system.profile"].find(others))
    database["system.profile"].drop()
    kinds = ("keysExamined", "docsExamined")
    return sum(each.get(kind, 0) for each in found for kind in kinds)


THIS_WEEK = {"since": utcnow().date() - 7 * A_DAY, "until": utcnow().date() + A_DAY}


def test_hours_are_those_of_the_ends(client):
    """They are kept for some days; nobody reads older ones."""
    now = utcnow()
    put(now - 2 * AN_HOUR, 3)
    put(now - 2 * AN_HOUR, 1, state="failed", charged="no", error={"code": "refused"})
    put(now - 4 * A_DAY)
    settle()

    hours = queue_actions.hours(OPERATOR)

    assert len(hours) == 24
    assert (hours[-3].completed, hours[-3].failed) == (3, 1)
    assert sum(each.processed for each in hours) == 4
    assert CostSum.collection().count_documents({"of": "hour"}) == 1
    late = {"$set": {"day": f"{now - 4 * A_DAY:%Y-%m-%dT%H}"}}
    CostSum.collection().update_many({"of": "hour"}, late)
    settlement.forget_hours()
    assert CostSum.collection().count_documents({"of": "hour"}) == 0
    assert sums(look(client, **{"from": day_before(6)})) == {"done": 4, "failed": 1}


def test_late_picture_counts_once(client, provider):
    """On the day of its order it is no failure any more; in all it was both."""
    create_late(client, provider)
    assert sums(look(client)) == {"failed": 1}
    provider.polls = [DONE]

    come_due(state="failed")
    work_due()

    assert sums(look(client)) == {"done": 1}
    (day,) = usage.all_days()
    assert (day.completed, day.failed) == (1, 0)
    ways, _ = usage.totals(OPERATOR)
    assert {(way.outcome, way.code): n for way, n in ways.items()} == {
        ("failed", "timed_out"): 1,
        ("done", ""): 1,
    }
    check_sums()


def test_end_while_the_end_before_is_settled_is_not_missed(
    client, provider, monkeypatch
):
    """A picture that comes while its failure is entered counts as a picture."""
    create_late(client, provider)
    store = settlement._store_batch

    def ends_meanwhile(*args: object):
        monkeypatch.setattr(settlement, "_store_batch", store)
        found = store(*args)
        changes = {"state": "done", "charged": "unknown", "unsettled": True}
        Generation.collection().update_many({}, {"$set": changes})
        return found

    monkeypatch.setattr(settlement, "_store_batch", ends_meanwhile)
    settle()

    assert counted("all") == {"done|unknown|": 1}
    check_sums()


@pytest.fixture
def history(client, work_off, monkeypatch) -> None:
    """What an earlier release has settled: costs alone; and one of today."""
    for days in (40, 5):
        create(client, n=2)
        work_off()
        age(days)
        settle()
    by_earlier_release()
    create(client)
    work_off()


def by_earlier_release() -> None:
    """Let what is settled be settled by a release that enters no ends."""
    ends = {"ended": "", "ended_before": ""}
    LedgerEntry.collection().update_many({}, {"$unset": ends})
    CostSum.collection().delete_many({"of": {"$in": ["hour", "ever"]}})
    CostSum.collection().update_many({}, {"$unset": {"ends": ""}})
    Settler.collection().update_many({}, {"$unset": {"ends_batch": ""}})
    settlement._state.clear()


def test_what_ended_before_an_upgrade_is_counted(client, history, monkeypatch):
    """Some at a time, after what has just ended; and nothing is charged once more."""
    monkeypatch.setattr(settlement, "BATCH", 2)
    monkeypatch.setattr(settlement, "RUN_S", 0)
    micros = amounts(LedgerEntry)
    since = {"since": today() - 60 * A_DAY, "until": today()}

    settlement.settle()
    first = usage.by_day(OPERATOR, USER, **since)

    assert (sum(row.pictures for row in first.rows), first.is_whole) == (1, False)
    assert usage.totals(OPERATOR)[0] == {}
    settlement.settle()
    assert not usage.by_day(OPERATOR, USER, **since).is_whole
    settle()
    data = look(client, **{"from": day_before(60)})
    assert [(days, n) for days, _, n, _ in rows(data)] == [(0, 1), (5, 2), (40, 2)]
    assert data["complete"]
    assert amounts(LedgerEntry) == micros + Counter(micros=PRICE, outputs=1)
    assert sum(usage.totals(OPERATOR)[0].values()) == 5
    check_sums()


def test_work_of_an_earlier_release_beside_is_looked_through(client, work_off):
    """Its settler numbers batches too, and enters no ends with them."""
    create(client)
    work_off()
    settle()
    create(client)
    work_off()
    settle()
    last = LedgerEntry.find_all({}, sort=[("batch", -1)], limit=1)[0]
    LedgerEntry.collection().update_one({"_id": last.id}, {"$unset": {"ended": ""}})
    less = {"$inc": {"ends.done|yes|": -1, "batch": 1}}
    CostSum.collection().update_many({"ends": {"$exists": True}}, less)
    Settler.collection().update_many({}, {"$inc": {"batch": 1, "month_batch": 1}})
    assert not usage.by_day(OPERATOR, USER, **THIS_WEEK).is_whole

    create(client)
    work_off()
    settle()

    assert sums(look(client)) == {"done": 3}
    assert usage.by_day(OPERATOR, USER, **THIS_WEEK).is_whole
    check_sums()


def test_death_while_ends_are_counted_counts_none_twice(client, history, monkeypatch):
    """Whatever is repeated, also by another settler."""
    monkeypatch.setattr(settlement, "BATCH", 2)
    steps = ("_add_up", "_mark_settled", "_update_tasks")
    for step in steps:
        with monkeypatch.context() as patched:
            patched.setattr(settlement, step, lambda *args: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                settle()
    settle()

    assert sums(look(client, **{"from": day_before(60)})) == {"done": 5}
    check_sums()
