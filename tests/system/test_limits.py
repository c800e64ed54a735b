"""The provider's limit is found by asking little, and found again when it rises."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.system.stack import Stack

CONFIGURED = 3


@pytest.fixture(scope="module")
def running(own_stack):
    with own_stack("limits", VOLCENGINE_CONCURRENCY=str(CONFIGURED)) as made:
        yield made


@pytest.fixture
def stack(running, lane):
    running.begin_anew(duration=0.2, limit=1)
    running.remember_durations(lane, 0.2)
    return running


def run(stack: Stack, seeds: range) -> dict[str, dict]:
    ids = [stack.create(user_id=f"user{seed % 3}", seed=seed) for seed in seeds]
    return stack.await_ended(ids, 60)


def refusals(stack: Stack) -> int:
    """Submissions that were answered with 50430."""
    ledger = stack.ledger()
    return ledger["calls"].get("submit", 0) - len(ledger["rows"])


def check(stack: Stack, results: dict[str, dict], *, limit: int) -> None:
    """A refusal is no failure, and nothing was sent twice."""
    assert {result["status"] for result in results.values()} == {"completed"}
    ledger = stack.ledger()
    seeds = [row["seed"] for row in ledger["rows"]]
    assert len(seeds) == len(set(seeds))
    assert max(ledger["high_water"].values()) == limit


def lane_limit(stack: Stack, lane: str) -> int:
    with stack.database() as found:
        record = found.lanes.find_one({"_id": lane}) or {}
    return record.get("limit", CONFIGURED)


def lower(stack: Stack, lane: str, *, rested: bool) -> None:
    """As if the limit had been lowered to 1, just now or a minute ago."""
    until = datetime.now(UTC) + timedelta(seconds=-1 if rested else 3600)
    with stack.database() as found:
        low = {"limit": 1, "limit_until": until}
        found.lanes.update_one({"_id": lane}, {"$set": low})


def let_rest_pass(stack: Stack, lane: str) -> None:
    """As if the limit had been low for a minute."""
    with stack.database() as found:
        passed = {"limit_until": datetime.now(UTC) - timedelta(seconds=1)}
        found.lanes.update_one({"_id": lane}, {"$set": passed})


@pytest.mark.system
def test_lower_limit_is_found_with_few_refusals(stack, lane):
    """The provider takes one at a time where three are configured."""
    stack.start_consumer()

    results = run(stack, range(15))

    check(stack, results, limit=1)
    assert 1 <= refusals(stack) <= 8
    assert lane_limit(stack, lane) == 1


@pytest.mark.system
def test_higher_limit_is_found_after_a_rest(stack, lane):
    """When the provider takes three again, a rest later three are sent at a time."""
    lower(stack, lane, rested=False)
    stack.start_consumer()
    check(stack, run(stack, range(3)), limit=1)
    stack.simulate(limit=CONFIGURED, duration=2.0)

    let_rest_pass(stack, lane)
    results = run(stack, range(10, 19))

    check(stack, results, limit=CONFIGURED)
    assert refusals(stack) == 0


@pytest.mark.system
def test_higher_limit_is_given_up_when_it_is_refused(stack, lane):
    """One more is tried after a rest; still refused, it costs a few calls."""
    lower(stack, lane, rested=True)
    stack.start_consumer()

    results = run(stack, range(6))

    check(stack, results, limit=1)
    assert 1 <= refusals(stack) <= 5
    assert lane_limit(stack, lane) == 1
