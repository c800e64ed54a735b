"""What fails before the first byte is sent was not submitted, and says so."""

import pytest
from pymongo.errors import AutoReconnect

from jimeng import jobs, tasks
from jimeng.documents import Generation, Task
from jimeng.documents.principal import Principal
from jimeng.jobs import picture
from jimeng.providers import MODELS, Registry, VideoParameters
from jimeng.providers.ark import ArkProvider
from jimeng.providers.visual import VisualProvider
from jimeng.tasks.creation import Request
from tests.conftest import come_due, run_queue
from tests.test_guards import generation

ME = Principal("ada", scopes=frozenset({"read", "write"}))
NOWHERE = "http://127.0.0.1:1"
ORDERS = {
    "jimeng-3.1": "visual.order",
    "jimeng-video-3.0": "visual_videos.order",
    "doubao-seedream-4.5": "ark.order",
    "doubao-seedance-1.0-pro": "ark_videos.order",
}


@pytest.fixture
def real(database, config) -> None:
    """Both services, at addresses at which nobody answers."""
    found = {
        "volcengine_jimeng": VisualProvider("AK", "SK", endpoint=NOWHERE),
        "volcengine_ark": ArkProvider("key", base_url=NOWHERE),
    }
    jobs.configure(config, Registry(found, dict.fromkeys(found, 2)))


def create(model: str) -> Task:
    is_video = next(each for each in MODELS if each.id == model).video
    video = VideoParameters() if is_video else None
    new = Request(user_id="ada", prompt="A lantern", model=model, video=video)
    return tasks.create(ME, new)[0]


@pytest.mark.parametrize("model", ORDERS)
def test_request_that_cannot_be_built_was_not_sent(real, model, monkeypatch):
    """It is tried a few times, and fails at no charge."""

    def broken(*_args: object, **_how: object) -> None:
        raise TypeError("cannot be built")

    monkeypatch.setattr(f"jimeng.providers.{ORDERS[model]}", broken)
    task = create(model)
    for _ in range(10):
        jobs.enqueue_dispatch(generation().lane)
        run_queue()
        come_due()
        jobs.pump.tick()
        run_queue()

    found = Task.find_one({"_id": task.id})
    assert found.failures[0] == {"code": "not_understood", "charged": "no"}
    assert (generation().state, generation().slot) == ("failed", None)
    assert generation().sent_at is None


def test_request_built_later_is_sent(database, provider, work_off, monkeypatch):
    left = [TypeError(), ValueError()]
    prepare = provider.prepare

    def prepared(request):
        if left:
            raise left.pop()
        return prepare(request)

    monkeypatch.setattr(provider, "prepare", prepared)
    task = create("jimeng-3.1")
    work_off()

    assert not left
    assert Task.find_one({"_id": task.id}).status == "completed"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("is_stored", [False, True])
def test_last_write_that_fails_leaves_nothing_unknown(
    database, provider, work_off, monkeypatch, is_stored
):
    """The one before the request: whether it is stored or not, nothing was sent."""
    mark, fails = picture.mark_submitting, [True]

    def marked(*about: object) -> Generation | None:
        if not fails:
            return mark(*about)
        if is_stored:
            mark(*about)
        raise AutoReconnect(fails.pop())

    monkeypatch.setattr(picture, "mark_submitting", marked)
    task = create("jimeng-3.1")
    work_off()

    assert not fails
    assert Task.find_one({"_id": task.id}).status == "completed"
    assert len(provider.requests) == 1
