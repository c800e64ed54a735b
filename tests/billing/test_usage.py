"""
Usage: what became of a user's pictures, by day, model and outcome.

Hours and days that are over are counted once, anew for a late picture, in time.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import ExecutionTimeout

from jimeng.billing import costs, tallies, usage
from jimeng.documents import Generation, Hour, Tally, Usage, UsageHour, base, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.errors.access import AdminsOnly, UserNotFound
from jimeng.jobs import endings, janitor, purge, submission
from jimeng.operations import queue, queue_actions
from jimeng.providers import Progress
from tests.commands import counted
from tests.conftest import come_due, png
from tests.each import for_each
from tests.forgetting import forget_days
from tests.jobs.test_time import RUNNING
from tests.jobs.test_time import time_out as create_late
from tests.rest import API, CAT, CREATE, create, data_of, errors_of, new_user, refused
from tests.test_core import begin
from tests.test_guards import work, work_due

OPERATOR = Principal("root", is_operator=True)
USER = CAT["user_id"]
MODEL = "doubao-seedream-3.0-t2i"
REFUSED = ProviderError("no", code="content_refused_prompt")
BROKEN = ProviderError("reset", code="unreachable", maybe_accepted=True)


A_DAY = timedelta(days=1)


def day_before(days: int) -> str:
    return (utcnow().date() - timedelta(days=days)).isoformat()


@pytest.fixture(autouse=True)
def nothing_remembered():
    forget_days()


def look(client, user_id: str = USER, **query) -> dict:
    answer = client.get(f"{API}/users/{user_id}/usage", query_string=query)
    return data_of(answer)


def rows(data: dict) -> list[tuple]:
    """(days ago, outcome, pictures, charged) of each row."""
    today = utcnow().date()
    return [
        (
            (today - datetime.fromisoformat(day["date"]).date()).days,
            each["outcome"],
            each["pictures"],
            {name: n for name, n in each["charged"].items() if n},
        )
        for day in data["days"]
        for model in day["models"]
        for each in model["outcomes"]
    ]


def age(days: int) -> None:
    """Let all that has ended today have ended some days ago."""
    recent = {"ended_at": {"$gt": utcnow() - timedelta(hours=1)}}
    old = {"ended_at": utcnow() - timedelta(days=days)}
    Generation.collection().update_many(recent, {"$set": old})


def close_days() -> None:
    while janitor.close_days():
        pass


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
    assert day["date"] == utcnow().date().isoformat()
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
    """A day begins and ends at midnight in UTC."""
    create(client, n=4)
    work_off()
    edges = [
        datetime(2026, 3, 1, tzinfo=UTC) - timedelta(milliseconds=1),
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime(2026, 3, 3, 23, 59, 59, 999_000, tzinfo=UTC),
        datetime(2026, 3, 4, tzinfo=UTC),
    ]
    for row, moment in zip(Generation.collection().find(), edges, strict=True):
        at = {"$set": {"ended_at": moment}}
        Generation.collection().update_one({"_id": row["_id"]}, at)

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
    span = {"since": utcnow().date(), "until": utcnow().date()}

    assert usage.by_day(Principal("ada"), "ada", **span).rows == []
    assert usage.by_day(OPERATOR, "ada", **span).rows == []
    with pytest.raises(UserNotFound):
        usage.by_day(Principal("bob"), "ada", **span)
    with pytest.raises(AdminsOnly):
        usage.today(Principal("ada"))
    with pytest.raises(AdminsOnly):
        usage.totals(Principal("ada"))


@pytest.mark.parametrize(
    ("index", "whose"), [("ended_how", {}), ("ended_user", {"user_id": "user_123"})]
)
def test_counting_what_came_reads_no_document(client, work_off, index, whose):
    """However many: the index says it all, and a user's nothing of others."""
    create(client, n=4)
    if whose:
        create(client, user_id="somebody.else")
    work_off()
    span = {"ended_at": {"$gte": utcnow() - A_DAY}, "state": {"$in": ["done"]}} | whose
    names = ["user_id", "lane", "state", "charged", "ended_at"]

    group = {"$group": {"_id": {name: f"${name}" for name in names}}}
    plan = Generation.collection().database.command(
        "explain",
        {
            "aggregate": "generations",
            "pipeline": [{"$match": span}, group],
            "hint": index,
            "cursor": {},
        },
        verbosity="executionStats",
    )

    text = str(plan)
    assert "'totalKeysExamined': 4" in text
    assert "'totalDocsExamined': 0" in text


AN_HOUR = timedelta(hours=1)
MANY = 400  # pictures in each hour
HOURS = 30
DONE = Progress("remote-1", done=True, images=(png(),))


@pytest.fixture
def noon(monkeypatch) -> datetime:
    """It is 12:30, whatever the clock says: yesterday and today have hours behind."""
    return at(monkeypatch, utcnow().replace(hour=12, minute=30))


def at(monkeypatch, moment: datetime) -> datetime:
    for module in (costs, tallies, endings, usage, queue, queue_actions):
        monkeypatch.setattr(module, "utcnow", lambda: moment)
    return moment


def put(moment: datetime, number: int = 1, **fields: object) -> list[str]:
    """Pictures that ended then."""
    common = {
        **{"user_id": USER, "lane": "a:b", "provider": "a", "req_key": "b"},
        **{"state": "done", "charged": "yes", "index": 0, "ended_at": moment},
    }
    ids = [f"task_{moment:%d%H%M%S}_{n}_{len(fields)}" for n in range(number)]
    made = [Generation.row(id=i, task_id=i, **{**common, **fields}) for i in ids]
    Generation.collection().insert_many(made)
    return ids


def fill(noon: datetime, each: int = 2) -> None:
    """Some in every hour of the last `HOURS`, this one included."""
    for ago in range(HOURS):
        moment = noon - ago * AN_HOUR
        put(moment, each)
        refused = {"state": "failed", "charged": "no", "error": {"code": "refused"}}
        put(moment, 1, user_id="somebody.else", **refused)


def all_told(client) -> tuple:
    """Whatever tells of the latest days."""
    ended_today = usage.today(OPERATOR)
    return (
        rows(look(client)),
        rows(look(client, "somebody.else")),
        sorted((each.user_id, each.outcomes, each.charged) for each in ended_today),
        usage.all_days(),
        queue_actions.hours(OPERATOR),
    )


def test_counted_hours_tell_the_same(client, noon):
    """Some, all or none; and what an hour ago was is not looked at again."""
    fill(noon)
    before = all_told(client)

    assert janitor.close_days()
    some = all_told(client)
    close_days()

    assert len(before[0]) > 1
    assert before[2] == [  # since midnight
        ("somebody.else", {"failed": 13}, {"no": 13}),
        (USER, {"done": 26}, {"yes": 26}),
    ]
    assert before == some == all_told(client)
    assert Hour.collection().count_documents({"whole": True}) == HOURS - 1
    Generation.collection().delete_many({"ended_at": {"$lt": noon - 2 * AN_HOUR}})
    assert all_told(client) == before


def test_who_asks_looks_at_the_latest_hour_only(client, database, noon):
    """However many pictures the days have had: keys and documents stay few."""
    fill(noon, MANY)
    close_days()

    read = looked_at(database, lambda: look(client))
    read_by_operator = looked_at(database, lambda: queue_actions.board(OPERATOR))
    read_today = looked_at(database, lambda: usage.today(OPERATOR))
    read_hours = looked_at(database, lambda: queue_actions.hours(OPERATOR))

    assert read <= MANY + 4 * HOURS
    assert max(read_by_operator, read_today, read_hours) <= 3 * MANY + 8 * HOURS


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


def test_empty_hours_take_nothing(client, noon):
    """Neither a record nor a question each."""
    for ago in (26, 14, 2):
        put(noon - ago * AN_HOUR)
    close_days()

    assert Hour.collection().count_documents({}) == 3
    _, gaps = usage._counted_hours(tallies.midnight((noon - 2 * A_DAY).date()))
    assert gaps == [(tallies.hour_start(noon - AN_HOUR), None)]


@pytest.fixture
def timed_out(client, provider, noon) -> Generation:
    """A picture that failed two hours ago, as it had not come; they are counted."""
    create_late(client, provider)
    two_hours_ago = {"ended_at": noon - 2 * AN_HOUR}
    Generation.collection().update_many({}, {"$set": two_hours_ago})
    close_days()
    assert sums(look(client)) == {"failed": 1}
    assert Hour.collection().count_documents({"whole": True}) == 1
    return Generation.find_one({})


def test_late_picture_counts_once(client, provider, timed_out, noon, monkeypatch):
    """It counts for the hour in which it came, and not for the one it failed in."""
    provider.polls = [DONE]

    work_due()

    assert sums(look(client)) == {"done": 1}
    assert [day.completed for day in usage.all_days()] == [1]
    assert [day.failed for day in usage.all_days()] == [0]
    at(monkeypatch, noon + 2 * AN_HOUR)
    close_days()
    assert Hour.collection().count_documents({"whole": True}) == 1
    assert sums(look(client)) == {"done": 1}


def test_late_look_that_finds_nothing_changes_nothing(
    client, provider, timed_out, noon, monkeypatch
):
    """Its hour is counted anew in a while; until then whoever asks counts it."""
    provider.polls = [RUNNING]

    work_due()

    assert sums(look(client)) == {"failed": 1}
    janitor.close_days()
    assert Hour.collection().count_documents({"whole": True}) == 0
    at(monkeypatch, noon + 2 * tallies.CHANGE_GRACE)
    janitor.close_days()
    assert Hour.collection().count_documents({"whole": True}) == 1
    assert sums(look(client)) == {"failed": 1}


def test_name_that_comes_late_is_counted_out(client, provider, noon, monkeypatch):
    """Nobody knew whether it was accepted, and that was counted; now it is drawn."""

    def stall() -> Progress:
        come_due()
        work()  # another finds the claim lapsed
        ended = {"ended_at": noon - AN_HOUR}
        Generation.collection().update_many({}, {"$set": ended})
        close_days()
        assert sums(look(client)) == {"unknown": 1}
        return RUNNING

    monkeypatch.setattr(tallies, "WRITE_GRACE", timedelta(0))
    for module in (submission, base):
        monkeypatch.setattr(module, "utcnow", lambda: noon - AN_HOUR)
    monkeypatch.setattr(submission, "utcnow", lambda: noon)
    provider.submits, provider.polls = [stall], [RUNNING] * 3
    begin(client)

    assert sums(look(client)) == {}
    assert usage.all_days() == []


def test_hour_that_changes_is_not_kept(client, noon, timed_out, monkeypatch):
    """What was counted before the change would stand for what is there after it."""
    Hour.collection().delete_many({})
    count = tallies.count_ended

    def slow(*args: object, **fields: object):
        found = count(*args, **fields)
        tallies.announce_change(timed_out)
        return found

    monkeypatch.setattr(tallies, "count_ended", slow)
    janitor.close_days()
    monkeypatch.undo()

    assert Hour.collection().count_documents({"whole": True}) == 0


def test_many_changed_hours_are_few_questions(client, config, noon, monkeypatch):
    """Beyond a few gaps all is counted at once. A day that is kept needs no hours."""
    fill(noon)
    close_days()
    before = all_told(client)
    for ago in range(2, HOURS, 2):
        tallies.announce_change(Generation(ended_at=noon - ago * AN_HOUR))

    with counted(config) as commands:
        look(client)

    asked = [each for each in commands if each.get("aggregate") == "generations"]
    assert len(asked) == 2 * usage.MAX_GAPS
    assert all_told(client) == before
    at(monkeypatch, noon + 5 * A_DAY)
    close_days()
    assert Hour.collection().count_documents({}) == 0
    assert UsageHour.collection().count_documents({}) == 0


def test_days_are_kept_once_they_are_over(client, work_off):
    """Counted by the janitor, or by whoever asks first, they stay what they were."""
    for days in (40, 9, 1):
        create(client, n=2)
        work_off()
        age(days)
    before = rows(look(client, **{"from": day_before(60)}))

    janitor.close_days()
    janitor.close_days()
    forget_days()

    assert before == [(days, "done", 2, {"yes": 2}) for days in (1, 9, 40)]
    assert rows(look(client, **{"from": day_before(60)})) == before
    assert Usage.collection().count_documents({}) == 2
    # They are read from there, and from nowhere else.
    Generation.collection().delete_many({"ended_at": {"$lt": utcnow() - 5 * A_DAY}})
    assert rows(look(client, **{"from": day_before(60)})) == before


def test_interrupted_closing_is_done_again(client, provider, work_off, monkeypatch):
    """A process that dies over a day leaves it open; nothing counts twice."""
    provider.submits = [REFUSED]
    create(client, n=2)
    work_off()
    age(5)
    monkeypatch.setattr(Tally, "collection", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        counts = tallies.count_ended(utcnow() - 6 * A_DAY)
        tallies._close_day((utcnow() - 5 * A_DAY).date(), counts)
    monkeypatch.undo()

    found = rows(look(client))

    assert found == [(5, "done", 1, {"yes": 1}), (5, "failed", 1, {"no": 1})]
    (day,) = usage.all_days()
    assert (day.completed, day.failed) == (1, 1)


@pytest.fixture
def history(client, work_off):
    """Pictures of forty, thirty and five days ago, and one of today."""
    for days in (40, 30, 5):
        create(client)
        work_off()
        age(days)
    create(client)
    work_off()


def test_long_history_refuses_nobody(client, history, monkeypatch):
    """What a request has no time to count is left out, and said to be."""
    monkeypatch.setattr(tallies, "REQUEST_BUDGET_S", 0)
    since = {"from": day_before(60)}

    first = look(client, **since)

    assert rows(first) == [(0, "done", 1, {"yes": 1})]
    assert not first["complete"]
    # What is asked for is there.
    assert look(client, **{"from": day_before(1)})["complete"]
    assert [day.completed for day in usage.all_days()] == [1]
    janitor.close_days()
    monkeypatch.undo()
    second = look(client, **since)
    assert [days for days, *_ in rows(second)] == [0, 5, 30, 40]
    assert second["complete"]


def test_day_that_takes_too_long_refuses_nobody(client, history, monkeypatch):
    """The consumers, who have more time, will count it."""
    counted = tallies.count_ended

    def count_ended(*days: object, **whose: object) -> object:
        if whose:
            return counted(*days, **whose)
        raise ExecutionTimeout("operation exceeded time limit")  # those of all users

    with monkeypatch.context() as patched:
        patched.setattr(tallies, "count_ended", count_ended)
        assert not look(client, **{"from": day_before(60)})["complete"]
        english = {"Accept-Language": "en"}
        page = client.get("/account/usage?days=90", headers=english)
        assert "again later" in page.text

    assert look(client, **{"from": day_before(60)})["complete"]


def test_sums_of_a_long_history_only_grow(client, history, monkeypatch):
    """Figures that went back would be taken for a new start."""
    monkeypatch.setattr(tallies, "REQUEST_BUDGET_S", 0)
    found = []
    for _ in range(5):
        ways, _ = usage.totals(OPERATOR)
        found.append(ways.total())
        next(kept := tallies.closing_days(), None)
        next(kept, None)
    monkeypatch.undo()

    assert found == [0, 1, 2, 3, 3]
    assert usage.totals(OPERATOR)[0].total() == 4
