"""Fixtures: a simulator whose time is moved by hand, and who calls it."""

from collections.abc import Iterator

import pytest

from simulator import Simulator
from tests.simulator.caller import KEYS, Caller


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    """Draws in one colour; a task takes ten seconds of *clock*."""
    with Simulator(**KEYS, duration=10.0, clock=clock, plain=True) as simulator:
        yield simulator


@pytest.fixture
def caller(simulator: Simulator) -> Caller:
    return Caller(simulator.port)
