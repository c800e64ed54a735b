"""Each video model from the request to the link, against services that check it all."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from PIL import Image
from replies import assert_error, error_of, video_request

from jimeng.documents import utcnow
from jimeng.local.simulator import Simulator
from jimeng.local.simulator.settings import Settings
from jimeng.providers import MODELS, ImageRequest, InputPicture, ark_videos
from jimeng.providers.models.video import tokens_of
from tests.conftest import png
from tests.each import for_each
from tests.given_pictures import encoded

VIDEOS = [model for model in MODELS if model.video]
SEEDANCE = next(model for model in VIDEOS if model.id == "doubao-seedance-2.0")
SIDES = (400, 700)


PICTURES = (
    InputPicture(encoded(Image.new("RGB", SIDES, "red"), "JPEG"), "image/jpeg", *SIDES),
    InputPicture(png(*SIDES, "blue"), "image/png", *SIDES),
)


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    before: Settings = running.service.settings
    yield running
    running.service.settings = before
    running.service.faults.clear()


def wanted(model, mode="text-to-video", **asked) -> ImageRequest:
    seed, tag = 7 if model.takes_seed else None, f"tag-{model.id}-{mode}"
    return video_request(model, mode, seed=seed, tag=tag, pictures=PICTURES, **asked)


def test_every_row_mode_and_resolution(simulator, services):
    """
    The services refuse what they do not know. The size is the expected one, the inputs
    arrive in order, and what is billed is what was estimated.
    """
    for model in VIDEOS:
        for mode, resolution in product(model.video.modes, model.video.resolutions):
            case = model.id, mode, resolution
            longest = model.video.durations[-1]
            request = wanted(model, mode, resolution=resolution, duration=longest)
            service = services[model.provider]

            progress = service.submit(request)
            found = service.poll(progress.remote_id, replace(request, inputs=()))

            assert found.done and found.urls, case
            assert found.echoed == {}, case
            row = simulator.ledger()["rows"][-1]
            size = request.width, request.height
            assert (row["width"], row["height"]) == size, case
            sent = [hashlib.sha256(each.data).hexdigest() for each in request.inputs]
            assert [each["sha256"] for each in row["inputs"]] == sent, case
            if model.provider == "volcengine_ark":
                assert found.tokens == tokens_of(*size, longest), case


def test_every_choice_of_every_row(simulator, services):
    for model in VIDEOS:
        video, service = model.video, services[model.provider]
        asked = [
            *({"duration": each} for each in video.durations),
            *({"ratio": each} for each in next(iter(video.resolutions.values()))),
            {"ratio": "adaptive"} if video.adaptive_text else {},
            {"audio": True} if video.audio else {},
            {"camera_fixed": True} if video.camera_fixed else {},
            {"last_frame": True} if video.last_frame_output else {},
        ]
        for choice in asked:
            request = wanted(model, **choice)

            found = service.poll(service.submit(request).remote_id, request)

            assert found.done, (model.id, choice)
            assert found.echoed == {}, (model.id, choice)
            has_last_frame = found.last_frame_url is not None
            assert has_last_frame is bool(choice.get("last_frame")), (model.id, choice)


def test_every_video_model_can_be_checked(simulator, services):
    before = len(simulator.ledger()["rows"])
    for model in VIDEOS:
        assert services[model.provider].check(model.req_key) is True, model.id

    assert len(simulator.ledger()["rows"]) == before


def test_lost_create_is_found_in_the_list(simulator, services):
    """It was accepted, its answer was lost, and its tag leads to it: sent once."""
    service = services["volcengine_ark"]
    request = replace(wanted(SEEDANCE, prompt="[[drop_after]]"), tag="lost")

    error = error_of(lambda: service.submit(request))
    found = service.find_lost(request, utcnow()).found

    assert (error.code, error.maybe_accepted) == ("submit_unknown", True)
    assert found is not None
    assert found.remote_id == simulator.ledger()["rows"][-1]["task_id"]
    assert service.poll(found.remote_id, request).done


def test_lost_create_is_found_on_a_later_page(simulator, services, monkeypatch):
    monkeypatch.setattr(ark_videos, "PAGE_SIZE", 2)
    service = services["volcengine_ark"]
    request, sent_at = replace(wanted(SEEDANCE), tag="earlier"), utcnow()
    remote_id = service.submit(request).remote_id
    for _ in range(4):
        service.submit(wanted(SEEDANCE))

    pages = [service.find_lost(request, sent_at, page) for page in (1, 2, 3)]

    assert [each.has_older for each in pages[:2]] == [True, True]
    assert pages[2].found.remote_id == remote_id


@for_each(
    ("before", "duration", "is_cancelled", "state"),
    [
        (0, 0.0, False, "succeeded"),
        (0, 60.0, False, "running"),
        (1, 60.0, True, "cancelled"),
    ],
)
def test_cancelling_by_state(
    simulator, services, before, duration, is_cancelled, state
):
    """Only what waits; what runs goes on, and what is finished keeps its record."""
    service = services["volcengine_ark"]
    simulator.service.settings = replace(
        simulator.service.settings, video_limit=1 + (not before), duration=duration
    )
    request = wanted(SEEDANCE)
    for _ in range(before):
        service.submit(request)
    remote_id = service.submit(request).remote_id

    assert service.cancel(remote_id, request) is is_cancelled
    if state == "cancelled":
        assert_error(lambda: service.poll(remote_id, request), "cancelled_at_provider")
    else:
        assert service.poll(remote_id, request).done is (state == "succeeded")
