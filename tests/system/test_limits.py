"""The provider's limit is found by asking little."""

import pytest


@pytest.fixture
def stack(own_stack, lane):
    with own_stack("limits", VOLCENGINE_CONCURRENCY="3") as made:
        made.begin_anew(duration=0.2, limit=1)
        made.remember_durations(lane, 0.2)
        yield made


@pytest.mark.system
def test_lower_limit_is_found_with_few_refusals(stack, lane):
    """The provider takes one at a time where three are configured; nothing fails."""
    stack.start_consumer()

    ids = [stack.create(user_id=f"user{seed % 3}", seed=seed) for seed in range(15)]
    results = stack.await_ended(ids)

    assert {result["status"] for result in results.values()} == {"completed"}
    ledger = stack.ledger()
    assert sorted(row["seed"] for row in ledger["rows"]) == list(range(15))
    assert max(ledger["high_water"].values()) == 1
    refused = ledger["calls"]["submit"] - 15  # with 50430
    assert 1 <= refused <= 8
    with stack.database() as found:
        assert found.lanes.find_one({"_id": lane})["limit"] == 1
