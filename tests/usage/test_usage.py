"""Usage: what became of a user's pictures, by day, model and outcome."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.errors.access import AdminsOnly, UserNotFound
from jimeng.jobs import janitor, purge
from jimeng.limits import usage
from tests.each import for_each
from tests.forgetting import forget_days
from tests.rest import API, CAT, CREATE, create, data_of, errors_of, new_user, refused
from tests.test_core import begin

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


def test_today_is_told_by_user(client, provider, work_off):
    """The most first; what ended before midnight is not of today."""
    create(client, user_id="early")
    work_off()
    age(1)
    provider.submits = [REFUSED]
    create(client, user_id="a")
    work_off()
    create(client, user_id="b", n=3)
    work_off()

    found = usage.today(OPERATOR)

    assert [each.user_id for each in found] == ["b", "a"]
    assert [each.outcomes for each in found] == [{"done": 3}, {"failed": 1}]
    assert [each.charged for each in found] == [{"yes": 3}, {"no": 1}]


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
