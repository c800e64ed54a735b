"""What a lane remembers of refusals, and which slots it gives meanwhile."""

from datetime import timedelta

import pytest
from pymongo.collection import Collection

from jimeng import lanes
from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, Lane, QuotaUsage, Task, utcnow
from jimeng.jobs import insertion
from tests.forgetting import forget_lanes
from tests.lanes.test_lanes import waiting
from tests.test_core import create

MOST = 5


def holding(lane: str, *slots: int, state: str = "generating") -> None:
    """Pictures under way that hold these slots."""
    for slot in slots:
        waiting(lane, "ada", slot, f"held{slot}")
        taken = {"state": state, "slot": slot, "account": MAIN}
        held = {"$set": taken, "$unset": {"waiting": ""}}
        Generation.collection().update_one({"_id": f"held{slot}_0"}, held)


def known(lane: str, **fields: object) -> None:
    Lane.collection().update_one({"_id": lane}, {"$set": fields}, upsert=True)
    forget_lanes()


def record(lane: str) -> Lane:
    return lanes.read_lane(lane, fresh=True)


@pytest.mark.parametrize(
    ("held", "fields", "free"),
    [((0, 1), {"refusals": 1, "full_at": 2}, [2]), ((3, 4), {"limit": 2}, [])],
)
def test_after_a_refusal_one_more_is_tried(database, lane, held, fields, free):
    """Not all that the limit would allow; of a lowered one, whatever their numbers."""
    holding(lane, *held)
    known(lane, **fields)

    assert lanes.free_slots(lane, MOST) == free


def test_lane_that_has_just_sent_is_not_stalled(database, lane):
    """Those behind have waited for long, and it goes on."""
    for number in range(2):
        waiting(lane, "ada", number, f"old{number}")
    old = {"$set": {"created_at": utcnow() - timedelta(minutes=5)}}
    Generation.collection().update_many({}, old)
    assert lanes.find_stalled(lane, {"main": MOST}) == "old0_0"

    assert lanes.claim(lane, {"main": MOST}) is not None

    assert lanes.find_stalled(lane, {"main": MOST}) is None


def test_row_of_refusals_keeps_the_fewest_that_were_running(database, lane):
    """That is what the provider takes for sure."""
    holding(lane, 0, 1)
    lanes.back_off(lane, full=True)
    holding(lane, 2, 3)

    lanes.back_off(lane, full=True)

    assert (record(lane).refusals, record(lane).full_at) == (2, 1)


def test_refusals_of_long_ago_are_not_in_a_row(database, lane):
    """Three strays in a day say nothing of the limit."""
    holding(lane, 0, 1)
    known(
        lane, refusals=2, full_at=1, not_before=utcnow() - timedelta(minutes=6), limit=4
    )

    lanes.back_off(lane, full=True)

    assert (record(lane).refusals, record(lane).limit) == (1, 4)


@pytest.mark.parametrize(("drawn", "refusals"), [(2, 2), (3, 0)])
def test_row_ends_when_more_are_drawn(database, lane, drawn, refusals):
    """That one is taken when another has ended says nothing."""
    holding(lane, *range(drawn))
    known(lane, refusals=2, full_at=2)

    lanes.record_acceptance(lane, is_finished=False)

    assert record(lane).refusals == refusals


def test_seeds_after_the_greatest_begin_at_nothing(client):
    """None is one that no provider takes. The whole plan, repeated, counts nothing."""
    create(client, n=3, seed=2**31 - 1)

    rows = Generation.collection().find().sort("_id", 1)
    assert [row["seed"] for row in rows] == [2**31 - 1, 0, 1]
    before = QuotaUsage.collection().find_one({})
    assert insertion.backfill_generations(Task.find_one({})) == 0
    assert QuotaUsage.collection().find_one({}) == before


def test_picture_sent_meanwhile_keeps_its_turn(database, lane, monkeypatch):
    """It may have to wait again, and then in the place that it had."""
    for number, turn in enumerate((5, 9)):
        waiting(lane, "ada", turn, f"a{number}")
    write = Collection.bulk_write

    def meanwhile(*args: object, **how: object) -> object:
        monkeypatch.setattr(Collection, "bulk_write", write)
        lanes.claim(lane, {"main": MOST})
        return write(*args, **how)

    monkeypatch.setattr(Collection, "bulk_write", meanwhile)

    lanes.renumber(lane, ["ada"])

    rows = Generation.collection().find().sort("_id", 1)
    turns = [(row["state"], row["turn"]) for row in rows]
    assert turns == [("starting", 5), ("queued", 1)]
