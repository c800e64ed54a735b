"""
What Ark's refusals do to tasks: the real client, and the simulator that answers it.

Words in the prompt say what goes wrong; see docs/simulator.md.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs, lanes
from jimeng.documents import Image, Task
from jimeng.jobs import video_fetching
from jimeng.local.simulator import Simulator
from jimeng.local.simulator.settings import Account
from jimeng.providers import Registry
from jimeng.providers.ark import ArkProvider
from tests.jobs.test_videos import accepted, create, look, status, tick
from tests.simulator.caller import ARK_KEY, KEYS
from tests.test_guards import generation, work

ARK, STUDIO_KEY = "volcengine_ark", "ark-key-of-the-studio"
MODEL_CODES = ("UnsupportedModel", "InvalidEndpointOrModel.ModelIDAccessDisabled")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    studio = Account("studio", "AKstudio", "secret-of-studio", ark_key=STUDIO_KEY)
    how = {"duration": 0.0, "plain": True, "accounts": [studio]}
    with Simulator(**KEYS, **how) as simulator:
        yield simulator


@pytest.fixture
def registry(simulator) -> Registry:
    """Two accounts."""
    main, studio = (
        {ARK: ArkProvider(key, base_url=f"{simulator.url}/api/v3")}
        for key in (ARK_KEY, STUDIO_KEY)
    )
    return Registry(main, {ARK: 2}, others={"studio": studio})


@pytest.fixture
def order(database, config, registry):
    """Have a video made at Ark; the simulator's files may be fetched."""
    jobs.configure(replace(config, ALLOWED_PRIVATE_HOSTS=("127.0.0.1",)), registry)

    def order(prompt: str) -> Task:
        task = create(prompt=prompt, duration=2, resolution="480p")
        work()
        return task

    return order


def assert_arrived(task: Task, simulator: Simulator) -> None:
    """The video is stored, and was ordered and paid for once."""
    assert generation().state == "fetching"
    assert video_fetching.fetch_one()
    assert status(task) == "completed"
    assert Image.find_one({"task_id": task.id}).bytes
    (row,) = simulator.ledger()["rows"]
    assert generation().remote_ids == [row["task_id"]]


@pytest.mark.parametrize("code", MODEL_CODES)
def test_video_outlives_a_plan_that_ends(order, simulator, code):
    """The model is refused for a while, also at polls; what was paid for is kept."""
    task = order(f"A lantern [[poll {code} 2]]")
    for _ in range(2):
        look()
        assert (status(task), generation().charged) == ("processing", "unknown")

    look()

    assert_arrived(task, simulator)


def test_late_poll_finds_the_video_of_a_model_that_was_closed(order, simulator):
    """It stays closed beyond the deadline."""
    task = order("A lantern [[poll ModelNotOpen 2]]")
    look()
    accepted(timedelta(hours=1, minutes=6))
    look()
    assert (status(task), generation().error["code"]) == ("failed", "timed_out")

    look()

    assert_arrived(task, simulator)


def test_video_that_ark_no_longer_knows_is_lost(order, simulator):
    """That is final: nothing polls for it again."""
    task = order("A lantern [[poll not_found 1]]")

    look()

    assert (status(task), generation().due_at) == ("failed", None)
    assert generation().error["code"] == "result_lost"
    assert generation().charged == "unknown"


def test_plan_of_one_account_that_has_expired_leaves_the_task_to_the_other(
    order, simulator
):
    task = order("A lantern [[InvalidSubscription 1]]")
    tick()
    rows = {
        account: lanes.AccountLane(generation().lane, account).record
        for account in ("main", "studio")
    }
    refused = {
        each: lanes.read_lane(row, fresh=True).refused for each, row in rows.items()
    }
    assert refused.pop(generation().of_account) is None
    assert [*refused.values()] == ["account_overdue"]

    look()

    assert_arrived(task, simulator)
