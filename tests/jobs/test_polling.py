"""The poll schedule: slots are not idle while work waits, and polls are few."""

import statistics

import pytest

from tests.jobs.schedule import Simulation

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
def test_slots_are_busy_soon_after_pictures_take_another_time(
    monkeypatch, slots, sigma
):
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
