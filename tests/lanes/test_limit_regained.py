"""A limit that the provider lowered and raised again, by a clock that is moved."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from jimeng import lanes
from jimeng.documents import Generation, Lane, utcnow
from jimeng.lanes import limits
from tests.forgetting import forget_lanes
from tests.lanes.test_lanes import holding

MOST = 20
STEP = 0.5  # seconds between two looks at the lane
LONG = pytest.mark.system


class Provider:
    """
    A lane for which work always waits, and a provider that draws *allowed* pictures at
    a time, each in *takes* seconds; we notice *lag* seconds later.
    """

    def __init__(self, lane: str, monkeypatch) -> None:
        self.lane, self.allowed, self.takes, self.lag = lane, MOST, 12.0, 0.5
        self.now = self.began = utcnow()
        self.ends: dict[int, datetime] = {}  # by slot
        self.refused = Counter[int]()  # by the minute
        self.accepted = 0
        monkeypatch.setattr(limits, "utcnow", lambda: self.now)

    @property
    def limit(self) -> int:
        return lanes.limit_of(lanes.read_lane(self.lane, fresh=True), MOST)

    @property
    def running(self) -> int:
        return sum(end > self.now for end in self.ends.values())

    def work(self, seconds: float) -> None:
        """Let the time pass, and send whenever a slot is free."""
        for _ in range(round(seconds / STEP)):
            self.now += timedelta(seconds=STEP)
            self.notice()
            sent = lanes.free_slots(self.lane, MOST)[:8]  # as many as a consumer can
            holding(self.lane, *sent, state="submitting")
            for slot in sent:
                self.answer(slot)

    def notice(self) -> None:
        known = self.now - timedelta(seconds=self.lag)
        ended = [slot for slot, end in self.ends.items() if end <= known]
        self.free(*ended)
        for slot in ended:
            del self.ends[slot]

    def answer(self, slot: int) -> None:
        if self.running >= self.allowed:
            self.refused[int((self.now - self.began).total_seconds() // 60)] += 1
            lanes.back_off(self.lane, full=True)
            self.free(slot)
            return
        # So that not all end at the same time.
        self.accepted += 1
        takes = self.takes * (0.9 + 0.2 * (self.accepted * 7 % 10) / 10)
        self.ends[slot] = self.now + timedelta(seconds=takes)
        drawn = {"$set": {"state": "generating"}}
        Generation.collection().update_one({"_id": f"held{slot}_0"}, drawn)
        lanes.record_acceptance(self.lane, is_finished=False)

    def free(self, *slots: int) -> None:
        ids = [f"held{slot}_0" for slot in slots]
        Generation.collection().delete_many({"_id": {"$in": ids}})

    def lower(self, allowed: int) -> None:
        """As if the limit had been found a while ago, and were in use."""
        self.allowed = allowed
        until = self.now + limits.RAISE_AFTER
        Lane(id=self.lane, limit=allowed, limit_until=until).save()
        forget_lanes()


@pytest.fixture
def account(database, lane, monkeypatch) -> Provider:
    return Provider(lane, monkeypatch)


@pytest.mark.parametrize(
    ("low", "takes"),
    [pytest.param(1, 12.0, marks=LONG), (3, 12.0), pytest.param(3, 60.0, marks=LONG)],
)
def test_limit_is_back_within_three_minutes(account, low, takes):
    """Of the provider allowing it again, however long its pictures take."""
    account.takes = takes
    account.lower(low)
    account.work(20)
    assert account.limit == low

    account.allowed = MOST
    account.work(90)

    assert (account.limit, len(account.ends)) == (MOST, MOST)
    account.work(75)
    assert lanes.read_lane(account.lane, fresh=True).limit is None, "and is forgotten"
    assert account.refused.total() == 0


@pytest.mark.parametrize("takes", [pytest.param(3.0, marks=LONG), 12.0])
def test_trying_more_costs_little_while_no_more_are_allowed(account, takes):
    """A refusal or two a minute, and what may run does."""
    account.takes = takes
    account.lower(3)
    account.work(20)
    before = account.accepted

    account.work(240)

    assert max(account.refused.values()) <= 2
    assert account.limit in (3, 4)
    rounds = 240 / (takes + account.lag + STEP)
    assert account.accepted - before >= 0.9 * 3 * rounds


@pytest.mark.parametrize("allowed", [5, pytest.param(19, marks=LONG)])
def test_limit_in_between_is_found_and_kept(account, allowed):
    """All that the provider allows is used, and not only in the minute of a trial."""
    account.lower(3)
    account.allowed = allowed
    account.work(110)
    refused = account.refused.total()

    account.work(120)

    assert account.limit in (allowed, allowed + 1)
    assert account.running >= allowed - 1
    assert account.refused.total() - refused <= 2 * 3


def test_refusal_beyond_the_limit_does_not_make_the_lane_wait(account):
    """Whose picture ends then is followed at once."""
    account.lower(3)
    account.work(3)
    account.now += limits.RAISE_AFTER
    account.work(STEP)

    assert account.refused.total() == 1
    found = lanes.read_lane(account.lane, fresh=True)
    assert (found.refusals, found.not_before, found.limit) == (0, None, 3)


def test_three_refusals_lower_the_limit(database, lane):
    """
    One is a stray. Those that were on their way with the third raise nothing; what is
    taken for sure are the fewest that were running.
    """
    holding(lane, *range(6))

    def limit() -> int:
        return lanes.limit_of(lanes.read_lane(lane, fresh=True), MOST)

    limits_after = []
    for n in range(5):
        lanes.back_off(lane, full=True)
        limits_after.append(limit())
        holding(lane, 6 + n)

    assert limits_after == [MOST, MOST, 5, 5, 5]
    assert lanes.read_lane(lane, fresh=True).refusals == 0


def test_calls_that_answer_with_the_picture_count_those_beside_them(database, lane):
    """How many are running is then known by who waits for an answer."""
    Lane(id=lane, limit=3, raised=1).save()
    holding(lane, 0, 1, 2, state="submitting")

    lanes.record_acceptance(lane, is_finished=True)

    assert lanes.limit_of(lanes.read_lane(lane, fresh=True), MOST) == 5


def test_limit_is_not_raised_by_time_alone(account):
    """Where little is asked for, nobody knows how much there may be."""
    account.lower(3)
    account.now += timedelta(hours=3)
    lanes.free_slots(account.lane, MOST)
    account.now += timedelta(hours=3)
    lanes.free_slots(account.lane, MOST)

    assert account.limit == 4
