"""The pump and the poll schedule: in time, and with few questions."""

import statistics
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jimeng import jobs, lanes
from jimeng.documents import Generation, Worker, utcnow
from jimeng.jobs import periodic_tasks, pump
from jimeng.process import activity
from jimeng.providers import Registry
from tests.commands import counted
from tests.jobs.schedule import Simulation
from tests.rest import create
from tests.test_guards import change


@pytest.fixture
def ready(monkeypatch):
    """As after the first look at the indexes."""
    monkeypatch.setattr(periodic_tasks.INDEXES, "runs", 1)


@pytest.fixture
def still(monkeypatch) -> None:
    """The pump's schedule goes by a clock that stands still."""
    now = time.monotonic()
    for module in (pump, activity):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))


@pytest.fixture
def many_lanes(provider) -> Registry:
    """All models there are: a lane each."""
    names = ("volcengine_jimeng", "volcengine_ark")
    return Registry(dict.fromkeys(names, provider), dict.fromkeys(names, 2))


def test_idle_pump_asks_two_things_at_a_time(
    database, config, many_lanes, ready, still
):
    """What is due and what waits, for all lanes at once."""
    jobs.configure(config, many_lanes)
    assert len(many_lanes.lanes) >= 8
    made = pump.Pump("host:1:t")
    made.run_once()  # its first heartbeat

    with counted(config) as commands:
        pauses = [made.run_once() for _ in range(20)]
        made.next_lane_check = 0.0
        pauses.append(made.run_once())

    assert activity.is_idle()
    assert [each["find"] for each in commands[-2:]] == ["generations"] * 2
    assert len(commands) == 22
    assert min(pauses) > 0.1


def test_pump_wakes_when_something_comes_due(client, ready, monkeypatch):
    """It need not look often to be there in time."""
    create(client)
    jobs.huey.storage.flush_queue()
    monkeypatch.setattr(pump, "TICK_S", 5.0)
    made = pump.Pump("host:1:t")
    made.run_once()
    jobs.huey.storage.flush_queue()
    now = utcnow()
    change(state="generating", due_at=now + timedelta(seconds=0.4))
    monkeypatch.setattr(pump, "utcnow", lambda: now)

    pause = made.run_once()

    assert pause == pytest.approx(0.4, abs=0.001)  # what BSON rounds
    assert jobs.huey.storage.queue_size() == 0
    monkeypatch.setattr(pump, "utcnow", lambda: now + timedelta(seconds=pause + 0.001))
    made.run_once()
    assert jobs.huey.storage.queue_size() == 1


def test_pump_looks_more_often_after_a_job(database, ready, still):
    """Where there was one there will be more soon."""
    made = pump.Pump("host:1:t")
    made.run_once()
    slow = min(made.run_once() for _ in range(3))

    pump.job_ran(None, None, None)

    assert pump._awake.is_set()
    assert made.run_once() <= pump.TICK_S < slow <= pump.IDLE_TICK_S
    pump._awake.clear()


def test_idle_pump_looks_each_second_while_a_picture_waits(client, ready, still, lane):
    """Nobody tells it when one can be sent again."""
    create(client)
    lanes.pause(lanes.SENDING, "root")
    jobs.huey.storage.flush_queue()
    made = pump.Pump("host:1:t")

    pauses = [made.run_once() for _ in range(2)]

    assert activity.is_idle()
    assert max(pauses[1:]) <= pump.WAITING_TICK_S < pump.IDLE_TICK_S


def test_heart_beats_with_each_tick_of_an_idle_pump(database, ready, still):
    """It wakes for nothing else."""
    made = pump.Pump("host:1:t")
    made.run_once()
    before = Worker.find_one({})
    made.next_heartbeat -= 0.2 * Worker.HEARTBEAT_S

    pause = made.run_once()

    assert 0.8 * pump.IDLE_TICK_S - 0.5 <= pause <= Worker.HEARTBEAT_S
    assert Worker.find_one({}).seen_at > before.seen_at


def test_what_two_reserve_is_queued_once(client):
    """Another consumer that was faster keeps what it has."""
    for _ in range(3):
        create(client)
    change(state="generating", due_at=utcnow())
    ids = [row["_id"] for row in Generation.collection().find()]

    others = pump.reserve(ids[:2], "other")
    mine = pump.reserve(ids, "mine")

    assert others == ids[:2]
    assert mine == ids[2:]


GOALS = {  # seconds a picture -> busy share of the slots, polls a picture
    1: (0.75, 5),
    3: (0.88, 5),
    8: (0.90, 5),
    30: (0.95, 12),
}
CASES = [
    (seconds, slots)
    for seconds in GOALS
    for slots in (2, 5, 20, 100)
    if slots < 100 or seconds >= 8
]
LEARNT_S = 60.0  # from an empty lane on
alike_and_spread = pytest.mark.parametrize("sigma", [0.0, 0.3])
TYPICAL_S = 5  # the model's own figure


@alike_and_spread
@pytest.mark.parametrize("seconds, slots", CASES)
def test_slots_are_busy_while_work_waits(monkeypatch, seconds, slots, sigma):
    """From a minute on, whatever the model's own figure says."""
    busy, polls = GOALS[seconds]
    end = LEARNT_S + max(120, 750 * seconds / slots)
    run = Simulation(slots, lambda _: seconds, sigma, TYPICAL_S, end + 4 * seconds)

    run.run(monkeypatch)

    assert run.busy(LEARNT_S, end) >= busy
    assert run.polls_per_picture() <= polls


@alike_and_spread
@pytest.mark.parametrize("slots", [2, 5, 20])
def test_slots_are_busy_soon_after_a_change(monkeypatch, slots, sigma):
    """Half a minute after they take a quarter of it, and after they take as before."""
    run = Simulation(
        slots, lambda at: 3 if 120 <= at < 240 else 12, sigma, TYPICAL_S, 400
    )

    run.run(monkeypatch)

    assert run.busy(150, 240) >= 0.85
    assert run.busy(270, 360) >= 0.85
    assert run.polls_per_picture() <= 5


@pytest.mark.parametrize("slots", [2, 20])
def test_slots_are_busy_soon_after_the_provider_was_slow(monkeypatch, slots):
    """Pictures of ten minutes hold up none after them for as long."""
    run = Simulation(slots, lambda at: 600 if at < 300 else 3, 0.0, TYPICAL_S, 1200)

    run.run(monkeypatch)

    slow = max(each.noticed for each in run.ended if each.began < 300)
    assert run.busy(slow + 60, 1150) >= 0.85


@pytest.mark.parametrize("seconds", [1, 8])
def test_an_account_is_polled_no_more_often_than_it_may(monkeypatch, seconds):
    """All its pictures are slowed alike, and are noticed all the same."""
    run = Simulation(100, lambda _: seconds, 0.3, TYPICAL_S, 300, polls_per_second=20)

    run.run(monkeypatch)

    rates = [
        sum(begin <= at < begin + 5 for at in run.polled) / 5
        for begin in range(10, 295, 5)
    ]
    late = [each.noticed - each.ready for each in run.ended]
    assert max(rates) <= 20 * 1.25
    assert 20 * 0.8 <= statistics.fmean(rates) <= 20
    assert max(late) <= 4 * statistics.fmean(late)
