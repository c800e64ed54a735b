"""Long queues: a look at one costs the same however long it is."""

from datetime import timedelta

import mongoengine
import pytest

from jimeng import lanes
from jimeng.documents import Generation, Lane, QuotaUsage, State, utcnow
from jimeng.documents.principal import Principal
from jimeng.lanes import queue as model_queue
from jimeng.operations import queue
from jimeng.tasks import clear_queue
from tests.commands import counted
from tests.rest import API, CAT, create, data_of

OTHER = "volcengine_jimeng:other"


@pytest.fixture
def queued(database, lane):
    """Puts many pictures of a few users into a line."""

    def put(count: int, users: int = 10, into: str = lane) -> None:
        rows = [
            Generation(
                id=f"{into}{number:06}_0",
                task_id=f"{into}{number:06}",
                index=0,
                user_id=f"user{number % users}",
                lane=into,
                provider="p",
                req_key="r",
                turn=number // users,
                waiting=True,
            ).to_mongo()
            for number in range(count)
        ]
        Generation.collection().insert_many(rows)

    return put


def examined(commands: list[dict]) -> int:
    """The most keys and documents that one of these commands looks at."""
    most = 0
    for command in commands:
        name = next(iter(command))
        kept = ("filter", "sort", "limit", "projection", "hint", "query", "pipeline")
        asked = {key: command[key] for key in (name, *kept) if key in command}
        if name == "aggregate":
            asked["cursor"] = {}
        found = mongoengine.get_db().command(
            "explain", asked, verbosity="executionStats"
        )
        stats = found.get("executionStats")
        stats = stats or found["stages"][0]["$cursor"]["executionStats"]
        most = max(most, stats["totalKeysExamined"], stats["totalDocsExamined"])
    return most


def test_openings_are_free_slots_that_are_waited_for(queued, lane):
    """No more than wait, no more than are free, and none where nobody waits."""
    queued(1)
    queued(5, into=OTHER)

    limits = dict.fromkeys((lane, OTHER, "volcengine_jimeng:idle"), {"main": 3})

    assert lanes.count_sendable(limits) == {lane: 1, OTHER: 3}
    assert lanes.claim(OTHER, {"main": 3}) is not None
    assert lanes.count_sendable(limits) == {lane: 1, OTHER: 2}
    assert lanes.count_sendable({lane: {"main": 3}}) == {lane: 1}


def test_pictures_of_a_later_release_are_not_waited_for(queued, lane):
    """They cannot be claimed here: no dispatch is queued for them in vain."""
    limits = dict.fromkeys((lane, OTHER), {"main": 3})
    queued(3)
    queued(2, into=OTHER)
    Generation.collection().update_many({"lane": OTHER}, {"$set": {"kind": "x"}})
    first = {"_id": {"$in": [f"{lane}{number:06}_0" for number in range(2)]}}
    Generation.collection().update_many(first, {"$set": {"kind": "x"}})

    assert lanes.count_sendable(limits) == {lane: 1}
    assert lanes.claim(lane, limits[lane]) is not None
    assert lanes.count_sendable(limits) == {}


def test_openings_cost_the_same_with_many_waiting(queued, lane, config):
    """One look for each lane that has something waiting, however much it is."""
    queued(3000)
    queued(3000, into=OTHER)
    for number in range(12):
        Lane(id=f"volcengine_jimeng:idle{number}").save()
    names = [*(each.id for each in Lane.objects), lane, OTHER]
    limits = dict.fromkeys(names, {"main": 2})

    with counted(config) as commands:
        assert lanes.count_sendable(limits) == {lane: 2, OTHER: 2}

    # The indexes are looked at once a connection.
    aside = {"listIndexes", "switches"}
    asked = [c for c in commands if not aside & {*c, c.get("find")}]
    assert len(asked) <= 7
    assert examined(asked) <= 12


def test_nothing_waiting_is_found_in_one_look(database, lane, config):
    limits = {f"lane{number}": {"main": 2} for number in range(50)}
    with counted(config) as commands:
        assert lanes.count_sendable(limits) == {}

    assert len(commands) == 1


def test_place_in_a_long_line_is_read_from_its_head(queued, lane, config, monkeypatch):
    """Exact at the head, about right behind it, and never before the head's end."""
    monkeypatch.setattr(model_queue, "MAX_HEAD", 200)
    queued(3000)

    with counted(config) as commands:
        found = lanes.read_queue(lane)

    of_owners = 200  # whose customers' pictures are put in order
    assert [command["limit"] for command in commands] == [201, of_owners]
    assert found.count_ahead(5, f"{lane}000055_0") == (55, 55)
    assert found.count_ahead(250, f"{lane}002500_0") == pytest.approx(
        (2500, 2500), rel=0.1
    )
    assert found.count_ahead(19, "zzz_0") == (200, 200)


OPERATOR = Principal("root", is_operator=True)


@pytest.fixture
def full(client, monkeypatch):
    """Three users with 14 pictures, of which 3 are counted one by one."""
    monkeypatch.setattr(queue, "MAX_COUNTED", 3)
    monkeypatch.setattr(clear_queue, "MAX_COUNTED", 2)
    for user, n in (("ada", 4), ("bob", 2), ("ada", 3), ("eve", 4)):
        create(client, user_id=user, n=n)
    later = {**CAT, "user_id": "eve", "type": "image", "delay": 3600}
    data_of(client.post(f"{API}/ai/tasks", json=later), 202)
    return client


def test_everything_is_told_as_if_it_were_counted(full, monkeypatch):
    """By lane, by user, and what is delayed; and before anything is cleared."""
    found, count = queue.read_queue(OPERATOR), clear_queue.count_pending()
    monkeypatch.undo()

    exact = queue.read_queue(OPERATOR)
    assert (found.pending, found.retry, found.active) == (14, 0, 0)
    users, exactly = ([(u.id, u.waiting) for u in it.users] for it in (found, exact))
    assert users == exactly
    pending, exactly = ([each.pending for each in it.lanes] for it in (found, exact))
    assert pending == exactly
    assert found.oldest_at == exact.oldest_at
    assert (count.tasks, count.pictures, count.users) == (5, 14, 3)


def test_those_sent_before_are_told_apart(full):
    first = {"state": State.QUEUED.value, "turn": 0, "user_id": "ada"}
    Generation.collection().update_one(first, {"$set": {"attempts": 1}})

    found = queue.read_queue(OPERATOR)

    assert (found.pending, found.retry) == (13, 1)
    # The users' numbers are gone: not less than what was counted.
    QuotaUsage.collection().delete_many({})
    found = queue.read_queue(OPERATOR)
    assert found.pending + found.retry == 4 + 1


def test_many_delayed_ones_are_counted_too(full):
    """Those that are due last are delayed, and wait like the others."""
    later = {"due_at": utcnow() + timedelta(hours=2), "state": State.DELAYED.value}
    Generation.collection().update_many({"user_id": "ada"}, {"$set": later})

    assert queue.read_queue(OPERATOR).pending == 14


def test_lanes_have_their_names_however_they_are_kept(database):
    """No dot, no dollar and no percent sign is lost."""
    lane = "ark:doubao-4.0%2E$x"
    lanes.reserve_tickets(lane, "ada", 2)

    assert lanes.waiting_by_user() == {(lane, "ada"): 2}
