"""Steps: whose they are, and what is learned from them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, Lane, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import looks, pump
from jimeng.jobs.queue import advance
from jimeng.providers import Progress, Registry
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes
from tests.test_core import create, result


def generation() -> Generation:
    found = Generation.find_one({})
    assert found is not None
    return found


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
    task_id = create(client)["task_id"]
    run_queue()

    assert seen == ["submitting"]
    assert (generation().state, generation().remote_ids) == ("generating", ["accepted"])
    assert result(client, task_id)["status"] == "processing"


def test_job_runs_under_its_own_reservation_once(client, provider):
    """Two jobs of one reservation, as after a lost answer of Redis, make one poll."""
    create(client)
    run_queue()
    come_due()
    pump.tick()
    token = Generation.collection().find_one({})["owner"]
    provider.polls = [Progress("x")]

    advance.call_local(generation().id, token)
    advance.call_local(generation().id, token)

    assert len(provider.polled) == 1


def drawn_in(seconds: float, **fields: object) -> list[float]:
    """Let a picture be seen ready after *seconds*; return what the lane learned."""
    now = utcnow()
    run = {"accepted_at": now - timedelta(seconds=seconds), "due_at": now, "polls": 1}
    Generation.collection().update_one(
        {}, {"$set": {**run, "planned_at": now, **fields}}
    )
    pump.tick()
    run_queue()
    found = Lane.find_one({})
    return list(found.durations) if found else []


@pytest.fixture
def drawing(client, provider):
    """A picture that is being drawn."""
    create(client)
    run_queue()
    assert generation().state == "generating"
    return provider


def test_duration_is_learned(drawing):
    """What was seen in time counts: from the acceptance to half a look before."""
    (learned,) = drawn_in(8)

    assert learned == pytest.approx(8, abs=0.5)


def test_first_look_counts_for_less(drawing):
    """It may have been ready for a while."""
    (learned,) = drawn_in(8, polls=0)

    assert learned == pytest.approx(8 * 0.85, abs=0.4)


@pytest.mark.parametrize(
    "fields",
    [
        {"late": True},
        {"faults": 1},
        {"planned_at": None},
        {"planned_at": utcnow() - timedelta(minutes=1)},
    ],
    ids=["late", "faults", "unplanned", "overdue"],
)
def test_duration_that_nobody_knows_is_not_learned(drawing, fields):
    """After a failed look, long after the plan, or when the task had ended before."""
    assert drawn_in(8, **fields) == []


def test_failed_look_is_remembered_until_the_next(drawing):
    """The fault of one poll says that the next cannot measure."""
    drawing.polls = [ProviderError("busy", code="rate_limited", transient=True)]
    come_due()
    pump.tick()
    run_queue()

    assert generation().faults == 1
    assert drawn_in(8, faults=1) == []


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
    since = utcnow() - timedelta(seconds=after)
    now = {"accepted_at": since, "due_at": utcnow(), "polls": 1}
    Generation.collection().update_one({}, {"$set": now})
    provider.polls = [Progress("x")]
    pump.tick()
    run_queue()
    found = generation()
    return (found.due_at - found.looked_at).total_seconds()


SEEN = [4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0, 7.5, 8.0, 12.0]


def test_picture_is_looked_at_closely_when_it_is_likely_to_be_ready(
    drawing, every_second
):
    """Seldom before, closest in the middle, and at leisure when it is overdue."""
    remember(*SEEN)

    assert looks.first_look_after(generation()) == pytest.approx(3.02, abs=0.02)
    assert looked_in_vain(3.4, drawing) == pytest.approx(0.5, abs=0.02)
    assert looked_in_vain(8, drawing) == pytest.approx(0.34, abs=0.02)
    assert looked_in_vain(12, drawing) == pytest.approx(0.31, abs=0.02)
    assert looked_in_vain(14.5, drawing) == pytest.approx(0.5, abs=0.02)
    assert looked_in_vain(18, drawing) == pytest.approx(0.88, abs=0.03)
    assert looked_in_vain(60, drawing) == pytest.approx(2.5, abs=0.02)


def test_pictures_that_take_as_long_are_awaited_to_the_point(drawing, every_second):
    """The first look comes just before all of them would be ready."""
    remember(*[5.0] * 20)

    assert looks.first_look_after(generation()) == pytest.approx(4.73, abs=0.05)
    assert looked_in_vain(5, drawing) == pytest.approx(0.25, abs=0.03)


def test_few_that_take_as_long_say_little(drawing, every_second):
    """They were found when they were looked at; the next may well be sooner."""
    remember(*[5.0] * 5)

    assert looks.first_look_after(generation()) == pytest.approx(2.07, abs=0.05)
    assert looked_in_vain(9, drawing) <= 0.5


def test_first_pictures_are_looked_at_closely_too(drawing, every_second):
    """By the model's own figure, until enough have come to tell."""
    Generation.collection().update_one({}, {"$set": {"expected": 6.0}})

    assert looks.first_look_after(generation()) == pytest.approx(2, abs=0.1)
    assert looked_in_vain(6, drawing) < 0.5


@pytest.mark.parametrize("seen", [[3.0], [2.0, 4.5], [3.0] * 4])
def test_few_that_were_quick_count_for_the_next(drawing, every_second, seen):
    """A model's own figure may be three times as long as its pictures take."""
    Generation.collection().update_one({}, {"$set": {"expected": 10.0}})
    remember(*seen)

    assert looks.first_look_after(generation()) == pytest.approx(1, abs=0.01)
    assert looked_in_vain(3, drawing) < 0.5


def test_few_that_were_slow_do_not_hold_up_the_next(drawing, every_second):
    """One of them may be a picture that took very long."""
    Generation.collection().update_one({}, {"$set": {"expected": 6.0}})
    remember(60.0, 50.0)

    assert looks.first_look_after(generation()) == pytest.approx(2, abs=0.1)


def test_picture_that_takes_minutes_is_not_looked_at_every_moment(
    drawing, every_second
):
    """A sixtieth of what has passed is soon enough."""
    remember(*[120.0, 140.0, 160.0] * 3)

    assert looked_in_vain(48, drawing) == pytest.approx(0.8, abs=0.02)
    assert looked_in_vain(130, drawing) == pytest.approx(1, abs=0.02)


def test_some_of_very_many_pictures_tell_as_much(drawing, config, monkeypatch):
    """With more at a time than can be looked at closely, not each is written down."""
    monkeypatch.setattr(looks, "SAMPLE_EVERY", 60)
    monkeypatch.setattr(looks, "_measured", {})
    name = "volcengine_jimeng"
    jobs.configure(config, Registry({name: drawing}, {name: 100}))
    (learned,) = drawn_in(8)

    looks.measure(generation(), utcnow())  # as the next one, a moment later

    assert Lane.find_one({}).durations == [learned]


def test_lane_that_has_learned_nonsense_goes_on(drawing, every_second):
    """No time and for ever are no durations."""
    remember(0.0, -1.0, float("nan"), float("inf"), 5.0)

    assert 1 <= looks.first_look_after(generation()) < 60


def test_many_pictures_are_looked_at_as_often_together(drawing, config):
    """A lane with many at a time is not asked more often than once a second each."""
    name = "volcengine_jimeng"
    registry = Registry({name: drawing}, {name: 100})
    jobs.configure(replace(config, POLL_INTERVAL=1.0), registry)
    remember(*SEEN)
    Generation.collection().update_one({}, {"$set": {"expected": 6.25}})

    assert looks.first_look_after(generation()) == 6.25
    assert looked_in_vain(6, drawing) == pytest.approx(1, abs=0.1)


def test_provider_that_is_asked_too_often_is_asked_less(drawing, every_second):
    """After a refusal for want of queries there are no close looks for a while."""
    remember(*SEEN)
    drawing.polls = [ProviderError("busy", code="rate_limited", transient=True)]
    come_due()
    pump.tick()
    run_queue()
    forget_lanes()

    assert looked_in_vain(6, drawing) == pytest.approx(1, abs=0.1)


def test_close_looks_measure_closely(drawing, every_second):
    """It became ready between two looks, whatever the poll interval is."""
    before = utcnow() - timedelta(seconds=0.4)

    (learned,) = drawn_in(8, looked_at=before)

    assert 7.7 < learned < 8.8  # and a busy machine's own time; 7.5 by the interval
