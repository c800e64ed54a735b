"""Steps: whose they are, and what is learned from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from jimeng.documents import Generation, Lane, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import picture, poll_schedule, pump
from jimeng.jobs.queue import advance
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes
from tests.test_core import begin, create, result
from tests.test_guards import generation, work, work_due


def test_stale_job_gives_up_no_submission_that_is_under_way(client, provider):
    """A job that was queued for an earlier claim has no say in the present one."""
    seen = []

    def submit() -> Progress:
        # The queue was slow: what the pump had reserved long ago is run just now.
        come_due()
        advance.call_local(generation().id, "an earlier reservation")
        seen.append(generation().state)
        return Progress("accepted")

    provider.submits = [submit]
    task_id = begin(client)

    assert seen == ["submitting"]
    assert (generation().state, generation().remote_ids) == ("generating", ["accepted"])
    assert result(client, task_id)["status"] == "processing"


def test_job_runs_under_its_own_reservation_once(client, provider):
    """Two jobs of one reservation, as after a lost answer of Redis, make one poll."""
    begin(client)
    come_due()
    pump.tick()
    token = Generation.collection().find_one({})["owner"]

    def poll() -> Progress:
        advance.call_local(generation().id, token)  # in the moment of the first
        return Progress("x")

    provider.polls = [poll]

    advance.call_local(generation().id, token)
    advance.call_local(generation().id, token)

    assert len(provider.polled) == 1


@contextmanager
def stopped_clock() -> Iterator[datetime]:
    """A step takes no time at all, however busy the machine is."""
    now = utcnow()
    with pytest.MonkeyPatch.context() as patch:
        for module in (picture, poll_schedule):
            patch.setattr(module, "utcnow", lambda: now)
        yield now


def drawn_in(
    seconds: float, looked_after: float | None = None, **fields: object
) -> list[float]:
    """What the lane learns of a picture that is ready then, and not *looked_after*."""
    with stopped_clock() as now:
        since = now - timedelta(seconds=seconds)
        run = {"accepted_at": since, "due_at": now, "polls": 1, "planned_at": now}
        if looked_after is not None:
            run["looked_at"] = since + timedelta(seconds=looked_after)
        Generation.collection().update_one({}, {"$set": {**run, **fields}})
        work()
    found = Lane.find_one({})
    return list(found.durations) if found else []


@pytest.fixture
def drawing(client, provider):
    begin(client)
    assert generation().state == "generating"
    return provider


A_MINUTE_AGO = utcnow() - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("about", "learned"),
    [
        ({"looked_after": 6}, [7]),
        ({"polls": 0}, [4]),  # it may have been ready for a while
        ({"planned_at": A_MINUTE_AGO, "expected": 10.0}, [4]),
        ({"planned_at": A_MINUTE_AGO, "expected": 3.0}, []),
        ({"planned_at": None}, []),
        ({"late": True}, []),
        ({"faults": 1}, []),
    ],
    ids=["second poll", "first", "late", "overdue", "unplanned", "ended", "faults"],
)
def test_duration_is_learned(drawing, about, learned):
    """
    The middle between two polls, also where the second was a little late; nothing after
    a failed look, long after the plan, or when the task had ended before.
    """
    assert drawn_in(8, **about) == pytest.approx(learned)


def test_poll_of_an_earlier_submission_measures_nothing(client, provider):
    """A picture that is sent once more begins anew."""
    create(client)
    Generation.collection().update_one({}, {"$set": {"looked_at": utcnow()}})

    run_queue()

    assert (generation().state, generation().looked_at) == ("generating", None)


@pytest.fixture
def every_second(monkeypatch):
    """As in the product: a look a second."""
    monkeypatch.setattr(poll_schedule, "POLL_INTERVAL_S", 1.0)


def remember(*durations: float) -> None:
    lane = generation().lane
    seen = {"$set": {"durations": list(durations)}}
    Lane.collection().update_one({"_id": lane}, seen, upsert=True)
    forget_lanes()


def looked_in_vain(after: float, provider) -> float:
    """Look at a picture that is not ready *after* seconds; seconds to the next look."""
    provider.polls = [Progress("x")]
    with stopped_clock() as now:
        since = {"accepted_at": now - timedelta(seconds=after), "due_at": now}
        Generation.collection().update_one({}, {"$set": {**since, "polls": 1}})
        work()
    found = generation()
    assert abs(found.looked_at - now) < timedelta(milliseconds=1)
    return (found.due_at - found.looked_at).total_seconds()


def expect(seconds: float) -> None:
    Generation.collection().update_one({}, {"$set": {"expected": seconds}})


ALIKE = [5.0] * 12
SEEN = [4.0, 4.5, 5.0, 5.5, 6.0, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 12.0]


@pytest.mark.parametrize(
    ("seen", "first", "intervals"),
    [
        # At equal intervals from when some are ready on, and longer when it is overdue.
        (SEEN, 4.32, {4.4: 0.96, 6: 0.96, 9: 0.96, 30: 1.5, 300: 10}),
        # To the point; one that took very long, and few found at once, change nothing.
        (ALIKE, 4.54, {5: 0.25}),
        ([2.0, 600.0, 2.0, *ALIKE[:9]], 4.54, {5: 0.25}),
        # Until enough have come to tell, the model's own figure is a guess: of 6.
        ([], 1.81, {6: 1.5}),
        # Soon for the first time, as the provider may be faster now; then ever later.
        ([120.0, 140.0, 160.0] * 4, 15, {15: 15, 100: 19.3, 130: 4.33}),
    ],
    ids=["spread", "alike", "odd ones", "first", "minutes"],
)
def test_picture_is_polled_when_it_is_likely_to_be_ready(
    drawing, every_second, seen, first, intervals
):
    expect(6.0)
    remember(*seen)

    found = poll_schedule.first_poll_after(generation())
    assert found == pytest.approx(first, rel=0.01)
    looked = {at: looked_in_vain(at, drawing) for at in intervals}
    assert looked == pytest.approx(intervals, rel=0.01)


@pytest.mark.parametrize(
    ("expected", "seen", "least", "most"),
    [
        *[(10.0, seen, 0, 2.8) for seen in ([3.0], [3.0, 4.5], [3.0] * 4)],
        (10.0, [9.0] * 8 + [3.0] * 4, 0, 2.8),
        (6.0, [60.0, 50.0], 1.7, 1.9),
        (6.0, [0.0, -1.0, float("nan"), float("inf"), 5.0], 1, 60),
    ],
)
def test_few_tell_of_the_next(drawing, every_second, expected, seen, least, most):
    """It may be faster now; but one may have taken long, and `nan` is no duration."""
    expect(expected)
    remember(*seen)

    assert least <= poll_schedule.first_poll_after(generation()) < most


def test_many_pictures_of_an_account_are_polled_in_turn(
    drawing, every_second, monkeypatch
):
    """Together not more often than the account may be asked, on the average."""
    monkeypatch.setattr(poll_schedule, "MAX_POLLS_PER_S", 0.1)
    poll_schedule._generating.clear()
    remember(*ALIKE)

    assert 5 <= poll_schedule.first_poll_after(generation()) <= 15
    assert 5 <= looked_in_vain(5, drawing) <= 15


def test_provider_that_is_asked_too_often_is_asked_less(drawing, every_second):
    """After a refusal for want of queries intervals are not short for a while."""
    remember(*ALIKE)
    drawing.polls = [ProviderError("busy", code="rate_limited", transient=True)]
    work_due()
    forget_lanes()

    assert generation().faults == 1
    assert looked_in_vain(5, drawing) == pytest.approx(1, abs=0.1)
