"""
What Ark's refusals do to tasks: the real client, and the simulator that answers it.

Words in the prompt say what goes wrong; see simulator/README.md.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs, lanes
from jimeng.documents import Image, Lane, Task
from jimeng.jobs import video_fetching
from jimeng.providers import Registry
from jimeng.providers.ark import ArkProvider
from simulator import Simulator
from simulator.settings import Account
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


def client_of(simulator: Simulator, key: str) -> ArkProvider:
    return ArkProvider(key, base_url=f"{simulator.url}/api/v3")


@pytest.fixture
def registry(simulator) -> Registry:
    return Registry({ARK: client_of(simulator, ARK_KEY)}, {ARK: 2})


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
    order, registry, simulator
):
    registry._providers["studio"] = {ARK: client_of(simulator, STUDIO_KEY)}
    task = order("A lantern [[InvalidSubscription 1]]")
    tick()
    (refused,) = Lane.find_all({"refused": "account_overdue"})
    account_lane = lanes.AccountLane(generation().lane, generation().of_account)
    assert refused.id != account_lane.record

    look()

    assert_arrived(task, simulator)


BROKEN_CHECK = "ContentSecurityDetectionError"


def creates(simulator: Simulator) -> int:
    return simulator.ledger()["calls"]["create"]


def test_broken_check_is_waited_out_twice(order, simulator, monkeypatch):
    """Each time after a while; how often is stored, so that it outlives a worker."""
    monkeypatch.setattr(lanes.limits, "BACK_OFF_S", 60.0)
    task = order(f"A lantern [[{BROKEN_CHECK} 2]]")
    for sent in (1, 2):
        assert (generation().state, generation().broken_checks) == ("queued", sent)
        work()
        assert creates(simulator) == sent
        tick()

    look()

    assert_arrived(task, simulator)
    assert creates(simulator) == 3


def test_check_that_stays_broken_fails_the_task_for_nothing(order, simulator):
    task = order(f"A lantern [[{BROKEN_CHECK}]]")
    for _ in range(3):
        tick()

    assert (status(task), creates(simulator)) == ("failed", 3)
    assert generation().error["code"] == "moderation_unavailable"
    assert generation().charged == "no"
    assert simulator.ledger()["rows"] == []
