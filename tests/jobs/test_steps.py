"""Steps: whose they are, and what is learned from them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, Lane, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import poll_schedule, pump, queue
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
        for module in (queue, poll_schedule):
            patch.setattr(module, "utcnow", lambda: now)
        yield now


def drawn_in(
    seconds: float, looked_after: float | None = None, **fields: object
) -> list[float]:
    """
    Let a picture be seen ready after *seconds*, and not yet *looked_after* seconds;
    return what the lane learned.
    """
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
    """A picture that is being drawn."""
    begin(client)
    assert generation().state == "generating"
    return provider


@pytest.mark.parametrize(
    ("about", "middle"),
    [
        ({"looked_after": 6}, 7),
        ({"polls": 0}, 4),  # it may have been ready for a while
        ({"planned_at": utcnow() - timedelta(minutes=1), "expected": 10.0}, 4),
    ],
    ids=["second poll", "first poll", "late poll"],
)
def test_duration_is_learned(drawing, about, middle):
    """The middle between two polls, also where the second was a little late."""
    assert drawn_in(8, **about) == pytest.approx([middle])


def test_poll_of_an_earlier_submission_measures_nothing(client, provider):
    """A picture that is sent once more begins anew."""
    create(client)
    Generation.collection().update_one({}, {"$set": {"looked_at": utcnow()}})

    run_queue()

    assert (generation().state, generation().looked_at) == ("generating", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"late": True},
        {"faults": 1},
        {"planned_at": None},
        {"planned_at": utcnow() - timedelta(minutes=1), "expected": 3.0},
    ],
    ids=["late", "faults", "unplanned", "overdue"],
)
def test_duration_that_nobody_knows_is_not_learned(drawing, fields):
    """After a failed look, long after the plan, or when the task had ended before."""
    assert drawn_in(8, **fields) == []


@pytest.fixture
def every_second(config, registry):
    """As configured where nobody has said otherwise: a look a second."""
    jobs.configure(replace(config, POLL_INTERVAL=1.0), registry)


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


ALIKE = [5.0] * 12
SEEN = [4.0, 4.5, 5.0, 5.5, 6.0, 6.0, 6.5, 7.0, 7.5, 8.0, 8.5, 12.0]


def expect(seconds: float) -> None:
    """As if the model's own figure were *seconds*."""
    Generation.collection().update_one({}, {"$set": {"expected": seconds}})


def test_picture_is_polled_when_it_is_likely_to_be_ready(drawing, every_second):
    """At equal intervals from when some are ready on, and longer when it is overdue."""
    remember(*SEEN)

    first = poll_schedule.first_poll_after(generation())
    intervals = [looked_in_vain(after, drawing) for after in (first, 6, 9)]

    assert first == pytest.approx(4.32, abs=0.05)
    assert intervals == pytest.approx([1, 1, 1], abs=0.1)
    assert looked_in_vain(30, drawing) == pytest.approx(1.5, abs=0.02)
    assert looked_in_vain(300, drawing) == pytest.approx(10, abs=0.2)


def test_pictures_that_take_as_long_are_awaited_to_the_point(drawing, every_second):
    """Nor do one that took very long, and few found at once, change anything."""
    remember(*ALIKE)
    assert poll_schedule.first_poll_after(generation()) == pytest.approx(4.54, abs=0.05)
    assert looked_in_vain(5, drawing) == pytest.approx(0.25, abs=0.03)

    remember(2.0, 600.0, 2.0, *ALIKE[:9])
    assert poll_schedule.first_poll_after(generation()) < 5
    assert looked_in_vain(5, drawing) == pytest.approx(0.25, abs=0.03)


def test_first_pictures_are_polled_soon(drawing, every_second):
    """The model's own figure is a guess, until enough have come to tell."""
    expect(6.0)

    assert poll_schedule.first_poll_after(generation()) == pytest.approx(1.8, abs=0.1)
    assert looked_in_vain(6, drawing) == pytest.approx(1.5, abs=0.02)


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


def test_picture_that_takes_minutes_is_polled_now_and_then(drawing, every_second):
    """Soon for the first time, as the provider may be faster now; then ever later."""
    remember(*[120.0, 140.0, 160.0] * 4)

    assert poll_schedule.first_poll_after(generation()) == 15
    assert looked_in_vain(15, drawing) == pytest.approx(15, abs=0.2)
    assert looked_in_vain(100, drawing) == pytest.approx(19, abs=1)
    assert looked_in_vain(130, drawing) == pytest.approx(4.3, abs=0.1)


def test_many_pictures_of_an_account_are_polled_in_turn(drawing, config, registry):
    """Together not more often than the account may be asked, on the average."""
    settings = replace(config, POLL_INTERVAL=1.0, POLLS_PER_SECOND=0.1)
    jobs.configure(settings, registry)
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
