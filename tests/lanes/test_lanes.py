"""Turns, slots and limits: who goes first, how many at a time, after refusals too."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pymongo.collection import Collection

from jimeng import lanes
from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, Lane, QuotaUsage, Task, utcnow
from jimeng.errors import TooManyPending
from jimeng.jobs import insertion
from jimeng.lanes import limits
from tests.forgetting import forget_lanes
from tests.test_core import create, result


def waiting(lane: str, user: str, turn: int, name: str) -> None:
    """Put a picture into the line."""
    Generation(
        id=f"{name}_0",
        task_id=name,
        index=0,
        user_id=user,
        lane=lane,
        provider="volcengine_jimeng",
        req_key="jimeng_t2i_v30",
        turn=turn,
        waiting=True,
    ).save()


def test_turns_begin_where_the_lane_is(database, lane):
    """Who comes late does not overtake those who have waited; when it sent is known."""
    for number in range(5):
        waiting(lane, "ada", number, f"a{number}")
    for _ in range(3):
        taken = lanes.claim(lane, {"main": 5})
        assert taken is not None
    forget_lanes()

    assert lanes.reserve_tickets(lane, "bob", 1)[0] == 2
    assert utcnow() - lanes.read_lane(lane).taken_at < timedelta(minutes=5)


def test_nobody_has_more_waiting_than_allowed(database, lane):
    """The limit counts pictures, and what was refused leaves no trace."""
    with pytest.raises(TooManyPending):
        lanes.reserve_tickets(lane, "ada", 4, max_waiting=2)
    lanes.reserve_tickets(lane, "ada", 3, max_waiting=4)
    for number in range(3):
        waiting(lane, "ada", number, f"a{number}")

    with pytest.raises(TooManyPending):
        lanes.reserve_tickets(lane, "ada", 2, max_waiting=4)

    assert lanes.reserve_tickets(lane, "ada", 1, max_waiting=4)[0] == 3


def test_drifted_count_is_mended(database, lane):
    """A count that a death left too high does not lock its user out."""
    # Nothing was written after it.
    lanes.reserve_tickets(lane, "ada", 4, max_waiting=4)
    with pytest.raises(TooManyPending):
        lanes.reserve_tickets(lane, "ada", 1, max_waiting=4)

    QuotaUsage.objects.update(set__taken_at=utcnow() - timedelta(seconds=10))

    assert lanes.reserve_tickets(lane, "ada", 4, max_waiting=4)[0] >= 0


def test_parallel_requests_get_different_turns(database, lane):
    """Twenty requests of one user at once stand one behind the other."""

    def reserve(_: int) -> int:
        return lanes.reserve_tickets(lane, "ada", 1, max_waiting=100)[0]

    with ThreadPoolExecutor(10) as pool:
        turns = list(pool.map(reserve, range(20)))

    assert sorted(turns) == list(range(20))


def test_position_is_the_number_of_tasks_before(client, lane, provider, work_off):
    """Users take turns, and each is told how many tasks go before; then they do."""
    users = ["ada"] * 3 + ["bob"]
    ids = [create(client, user_id=user, seed=n) for n, user in enumerate(users)]
    forget_lanes()

    places = [result(client, each["task_id"])["position"] for each in ids]
    work_off()

    assert places == [0, 2, 3, 1]
    sent = [request.seed for request in provider.requests]
    assert [sent.index(seed) for seed in range(4)] == places


def test_several_pictures_are_one_task_ahead(client, lane):
    """Four pictures of one task count as one task, and as four pictures of time."""
    create(client, user_id="ada", n=4)
    forget_lanes()
    second = create(client, user_id="ada")

    assert second["position"] == 1
    assert second["eta_seconds"] == 10  # four pictures, two at a time, 5 s each


def test_cancelling_does_not_push_back(client, lane):
    """What remains of a user's tasks closes up to where the others are."""
    mine = [create(client, user_id="ada")["task_id"] for _ in range(6)]
    others = [create(client, user_id="bob")["task_id"] for _ in range(3)]

    for task_id in mine[:4]:
        client.post(f"/api/v1/tasks/{task_id}/cancel")
    forget_lanes()

    places = [result(client, task_id)["position"] for task_id in [*mine[4:], *others]]
    assert places == [0, 2, 1, 3, 4]


def test_expected_duration_is_learnt(database, lane):
    """From five samples on their median counts, whatever the model's figure is."""
    for seconds in (1, 2, 3, 4):
        lanes.record_duration(lane, seconds)
    forget_lanes()
    assert lanes.expected_duration(lane, 9.0) == 9.0

    lanes.record_duration(lane, 5)
    forget_lanes()
    assert lanes.expected_duration(lane, 9.0) == 3.0

    for _ in range(20):
        lanes.record_duration(lane, 600)
    forget_lanes()
    assert lanes.expected_duration(lane, 9.0) == 600.0


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


def test_refusals_of_long_ago_are_not_in_a_row(database, lane):
    """Three strays in a day say nothing of the limit."""
    holding(lane, 0, 1)
    known(
        lane, refusals=2, full_at=1, not_before=utcnow() - timedelta(minutes=6), limit=4
    )

    lanes.back_off(lane, full=True)

    assert (record(lane).refusals, record(lane).limit) == (1, 4)


def test_only_a_change_of_the_limit_is_logged(database, lane, caplog):
    """Refusals go on while it is as low as it gets."""
    holding(lane, 0)
    for _ in range(3 * limits.REFUSALS_TO_LOWER):
        lanes.back_off(lane, full=True)

    assert record(lane).limit == 1
    told = [each for each in caplog.messages if each.startswith("limit lowered")]
    assert len(told) == 1


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
