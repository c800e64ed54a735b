"""
Slots, the pump and a provider in virtual time, from an empty lane with work waiting.

The product's own poll schedule and memory of durations decide. Played are the provider,
the pump's wake-ups, and how long calls take.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from jimeng import lanes
from jimeng.config.accounts import MAIN
from jimeng.documents import Lane
from jimeng.jobs import poll_schedule, pump
from jimeng.lanes import limits, queue

START = datetime(2026, 1, 1, tzinfo=UTC)
LANE = "provider:model"
CALL_S = 0.02  # a poll; its answer is of the middle of that
NEXT_S = 0.05  # from noticed to the next picture's acceptance, give or take


@dataclass
class Picture:
    """What the schedule reads of a generation, and when it is ready."""

    accepted_at: datetime
    began: float
    ready: float
    expected: float
    planned_at: datetime = START
    looked_at: datetime | None = None
    polls: int = 0
    faults: int = 0
    late: bool = False
    noticed: float = 0.0
    lane: str = LANE
    is_video: bool = False
    of_account: str = MAIN


@dataclass
class Simulation:
    """
    Attributes:
        duration: Second at which a picture begins -> seconds that it takes.
        sigma: Deviation of the logarithm of these, as the simulator draws them.
        typical: The model's own figure.
        seconds: When it ends.
        ended: Pictures that were noticed.
        polled: Seconds at which the provider was asked.
    """

    slots: int
    duration: Callable[[float], float]
    sigma: float
    typical: float
    seconds: float
    polls_per_second: float = 100.0
    ended: list[Picture] = field(default_factory=list)
    polled: list[float] = field(default_factory=list)

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.drawing = 0.0, set[int]()
        self.dice = random.Random(f"{self.slots} {self.sigma} {self.typical}")  # noqa: S311
        self.numbers = itertools.count()
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.due: list[tuple[float, int, Picture]] = []
        self.lane = Lane(id=LANE)
        self.play(monkeypatch)
        for _ in range(self.slots):
            self.after(self.dice.uniform(0, 0.2), self.accept)
        self.after(0, self.pump)
        while self.events[0][0] <= self.seconds:
            self.now, _, happen = heapq.heappop(self.events)
            happen()

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The schedule's surroundings: settings, clock, and the lane's record."""
        clock = SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(poll_schedule, "POLL_INTERVAL_S", 1.0)
        monkeypatch.setattr(poll_schedule, "MAX_POLLS_PER_S", self.polls_per_second)
        monkeypatch.setattr(poll_schedule, "utcnow", self.clock)
        monkeypatch.setattr(poll_schedule, "time", clock)
        monkeypatch.setattr(poll_schedule, "random", self.dice)
        monkeypatch.setattr(poll_schedule, "_generating", {})
        monkeypatch.setattr(lanes, "count_generating", lambda _: len(self.drawing))
        monkeypatch.setattr(queue, "update_lane", self.learn)
        for module in (queue, limits):
            monkeypatch.setattr(module, "read_lane", lambda _: self.lane)

    def learn(self, _: str, update: dict) -> None:
        sample = update["$push"]["durations"]
        durations = [*self.lane.durations, *sample["$each"]]
        self.lane.durations = durations[sample["$slice"] :]

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), happen))

    def accept(self) -> None:
        began = self.now - CALL_S / 2
        takes = self.duration(began) * self.dice.lognormvariate(0, self.sigma)
        expected = lanes.expected_duration(LANE, self.typical)
        picture = Picture(self.clock(), began, began + takes, expected)
        self.drawing.add(id(picture))
        self.plan(picture, poll_schedule.first_poll_after(picture))

    def plan(self, picture: Picture, seconds: float) -> None:
        picture.planned_at = self.clock() + timedelta(seconds=seconds)
        heapq.heappush(self.due, (self.now + seconds, next(self.numbers), picture))

    def pump(self) -> None:
        """As `pump.Pump.turn`: it wakes for what it knows, and now and then."""
        while self.due and self.due[0][0] <= self.now:
            picture = heapq.heappop(self.due)[2]
            self.after(
                self.dice.uniform(0, CALL_S), lambda each=picture: self.poll(each)
            )
        pause = pump.TICK_S * self.dice.uniform(0.8, 1)
        if self.due:
            pause = min(pause, self.due[0][0] - self.now)
        self.after(max(pause, pump.MIN_PAUSE_S), self.pump)

    def poll(self, picture: Picture) -> None:
        asked_at = self.clock()
        self.polled.append(self.now)
        if picture.ready > self.now + CALL_S / 2:
            self.after(CALL_S, lambda: self.not_yet(picture))
            return
        poll_schedule.record_poll_duration(picture, asked_at)
        picture.polls += 1
        picture.noticed = self.now + CALL_S
        self.drawing.remove(id(picture))
        self.ended.append(picture)
        self.after(CALL_S + NEXT_S * self.dice.uniform(0.6, 1.4), self.accept)

    def not_yet(self, picture: Picture) -> None:
        picture.polls += 1
        picture.looked_at = self.clock()
        self.plan(picture, poll_schedule.next_poll_after(picture, 0))

    def busy(self, begin: float, end: float) -> float:
        """The share of the slots' time in which the provider was drawing."""
        drawn = sum(
            max(0.0, min(each.ready, end) - max(each.began, begin))
            for each in self.ended
        )
        return drawn / self.slots / (end - begin)

    def polls_per_picture(self) -> float:
        return sum(each.polls for each in self.ended) / len(self.ended)
