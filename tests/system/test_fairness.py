"""Nobody waits for the crowd of another; what the line is said to be, it is."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.system.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

LIMIT = 2


@pytest.fixture(scope="module")
def running(own_stack):
    with own_stack(
        "fairness",
        limit=LIMIT,
        VOLCENGINE_CONCURRENCY=str(LIMIT),
        USER_MAX_PENDING="1000",
    ) as made:
        yield made


@pytest.fixture
def stack(running):
    running.begin_anew()
    return running


def create_all(stack: Stack, requests: list[tuple[str, int]]) -> list[str]:
    """Ask, for each user and seed in this order, for a picture."""
    return [stack.create(user_id=user, seed=seed) for user, seed in requests]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def sent_seeds(stack: Stack) -> list[int]:
    return [row["seed"] for row in stack.ledger()["rows"]]


def record(stack: Stack, task_id: str) -> dict:
    status, answer = stack.ask("GET", f"/api/v1/tasks/{task_id}")
    assert status == 200, answer
    return answer["data"]


def test_one_task_passes_the_two_hundred_of_another(stack):
    """Of the crowd, no more go first than can be under way at a time."""
    stack.start_consumer()
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda seed: stack.create(user_id="crowd", seed=seed), range(200)
            )
        )

    single = stack.create(user_id="single", seed=1000)
    wait_for(lambda: 1000 in sent_seeds(stack), what="the single task is sent")

    created = seconds(record(stack, single)["created_at"])
    rows = stack.ledger()["rows"]
    before = rows[: [row["seed"] for row in rows].index(1000)]
    assert len([row for row in before if row["accepted_at"] > created]) <= LIMIT
    assert len(before) < 100


def test_position_comes_true(stack, lane):
    """Thirty tasks of three users: each starts at its place, which tells the time."""
    stack.simulate(duration=0.6)
    stack.remember_durations(lane, 0.6)
    users = [f"user{n % 3}" for n in range(30)]
    ids = create_all(stack, [(user, n) for n, user in enumerate(users)])

    def told() -> list[dict] | None:
        """All of the line, once the web has looked at it anew."""
        looks = [stack.result(task_id) for task_id in ids]
        places = {look["position"] for look in looks}
        is_known = all("eta_seconds" in look for look in looks)
        return looks if is_known and len(places) == len(ids) else None

    with stack.database() as found:  # without a worker nobody knows when it goes on
        seen = datetime.now(UTC) + timedelta(minutes=1)  # however slow the machine is
        found.workers.insert_one({"_id": "soon", "seen_at": seen})
    looks = wait_for(told, what="each task has a place of its own")
    stack.start_consumer()
    stack.await_ended(ids)

    order = {seed: place for place, seed in enumerate(sent_seeds(stack))}
    for seed, look in enumerate(looks):
        assert abs(look["position"] - order[seed]) <= LIMIT
        assert look["eta_seconds"] == round(look["position"] / LIMIT * 0.6)
