"""Long queues: what is asked about them costs the same however long they are."""

import mongoengine
import pytest

from jimeng import lanes
from jimeng.documents import Generation, Lane
from jimeng.lanes import queue
from jimeng.lanes.queue import QueueHead
from tests.commands import counted

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
    """Whatever the number of lanes."""
    with counted(config) as commands:
        assert (
            lanes.count_sendable({f"lane{number}": {"main": 2} for number in range(50)})
            == {}
        )

    assert len(commands) == 1


def test_place_in_a_long_line_is_read_from_its_head(queued, lane, config, monkeypatch):
    """Exact at the head, about right behind it, and never before the head's end."""
    monkeypatch.setattr(queue, "MAX_HEAD", 200)
    queued(3000)

    with counted(config) as commands:
        found = lanes.read_queue(lane)

    assert [command["limit"] for command in commands] == [201]
    assert found.count_ahead(5, f"{lane}000055_0") == (55, 55)
    assert found.count_ahead(250, f"{lane}002500_0") == pytest.approx(
        (2500, 2500), rel=0.1
    )
    assert found.count_ahead(19, "zzz_0") == (200, 200)


def test_line_that_is_read_whole_is_exact():
    """Behind its end everybody is counted, whatever the turn."""
    found = QueueHead([(0, "a_0"), (0, "a_1"), (4, "b_0")])

    assert found.count_ahead(1000, "c_0") == (2, 3)
