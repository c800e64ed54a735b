"""Turns, slots and limits: who goes first, how many at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jimeng import lanes
from jimeng.documents import Generation, Lane, QuotaUsage, utcnow
from jimeng.errors import TooManyPending
from tests.forgetting import forget_lanes
from tests.test_core import begin, create, refusal, result


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


def test_turns_go_round_the_users(database, lane):
    """One user's many pictures delay another's single one by one round at most."""
    first, _ = lanes.reserve_tickets(lane, "ada", 100, max_waiting=1000)
    single, _ = lanes.reserve_tickets(lane, "bob", 1, max_waiting=1000)

    assert first == 0
    assert single == 0
    assert lanes.reserve_tickets(lane, "bob", 1, max_waiting=1000)[0] == 1


def test_turns_begin_where_the_lane_is(database, lane):
    """Who comes late does not overtake those who have waited."""
    for number in range(5):
        waiting(lane, "ada", number, f"a{number}")
    for _ in range(3):
        taken = lanes.claim(lane, {"main": 5})
        assert taken is not None
    forget_lanes()

    assert lanes.reserve_tickets(lane, "bob", 1)[0] == 2


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


def test_a_lowered_limit_is_tried_higher_later(database, lane):
    """After a minute one more is tried, and all where these are what is configured."""
    past = utcnow() - timedelta(seconds=1)
    Lane(id=lane, limit=1, limit_until=past).save()

    assert len(lanes.free_slots(lane, 2)) == 2
    assert lanes.limit_of(lanes.read_lane(lane, fresh=True), 2) == 2

    Lane.objects(id=lane).update(set__limit_until=past)
    assert len(lanes.free_slots(lane, 2)) == 2
    assert lanes.read_lane(lane, fresh=True).limit is None


def test_nothing_is_sent_while_backing_off(client, provider, lane, monkeypatch):
    monkeypatch.setattr(lanes.limits, "BACK_OFF_S", 60.0)
    provider.submits = [refusal("rate_limited", transient=True)]

    begin(client)
    begin(client)

    assert len(provider.requests) == 1


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
