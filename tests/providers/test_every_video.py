"""Each video model from the request to the link, against services that check it all."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from ark_replies import API_KEY
from PIL import Image
from video_requests import video_request
from visual_replies import ACCESS_KEY, SECRET_KEY

from jimeng.documents import utcnow
from jimeng.errors import ProviderError
from jimeng.local.simulator import Simulator
from jimeng.local.simulator.settings import Settings
from jimeng.providers import MODELS, ImageRequest, InputPicture, ark_videos
from jimeng.providers.ark import ArkProvider
from jimeng.providers.models.video import tokens_of
from jimeng.providers.visual import VisualProvider
from tests.each import for_each

VIDEOS = [model for model in MODELS if model.video]
SEEDANCE = next(model for model in VIDEOS if model.id == "doubao-seedance-2.0")
SIDES = (400, 700)


def encoded(colour: str, kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", SIDES, colour).save(out, kind)
    return out.getvalue()


PICTURES = (
    InputPicture(encoded("red", "JPEG"), "image/jpeg", *SIDES),
    InputPicture(encoded("blue", "PNG"), "image/png", *SIDES),
)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        ark_key=API_KEY,
        duration=0.0,
        strict=True,
        limit=1000,
        video_limit=1000,
    ) as running:
        yield running


@pytest.fixture
def simulator(running) -> Iterator[Simulator]:
    before: Settings = running.service.settings
    yield running
    running.service.settings = before
    running.service.faults.clear()


@pytest.fixture(scope="module")
def services(running) -> Iterator[dict]:
    made = {
        "volcengine_jimeng": VisualProvider(
            ACCESS_KEY, SECRET_KEY, endpoint=running.url
        ),
        "volcengine_ark": ArkProvider(API_KEY, base_url=f"{running.url}/api/v3"),
    }
    yield made
    for each in made.values():
        each.close()


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
            assert (row["width"], row["height"]) == (
                request.width,
                request.height,
            ), case
            sent = [hashlib.sha256(each.data).hexdigest() for each in request.inputs]
            assert [each["sha256"] for each in row["inputs"]] == sent, case
            if model.provider == "volcengine_ark":
                size = request.width, request.height
                assert found.tokens == tokens_of(*size, longest), case


def test_every_choice_of_every_row(simulator, services):
    """Each length, ratio and switch is accepted."""
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
    """Free of charge: nothing is created."""
    before = len(simulator.ledger()["rows"])
    for model in VIDEOS:
        assert services[model.provider].check(model.req_key) is True, model.id

    assert len(simulator.ledger()["rows"]) == before


def test_lost_create_is_found_in_the_list(simulator, services):
    """It was accepted once, its answer was lost, and its tag leads to it."""
    service = services["volcengine_ark"]
    request = replace(wanted(SEEDANCE, prompt="[[drop_after]]"), tag="lost")

    with pytest.raises(ProviderError) as caught:
        service.submit(request)
    found = service.find_lost(request, utcnow()).found

    assert caught.value.maybe_accepted
    assert found is not None
    assert found.remote_id == simulator.ledger()["rows"][-1]["task_id"]
    assert service.poll(found.remote_id, request).done


def test_lost_create_is_found_on_a_later_page(simulator, services, monkeypatch):
    """Others were created after it."""
    monkeypatch.setattr(ark_videos, "PAGE_SIZE", 2)
    service = services["volcengine_ark"]
    request, sent_at = replace(wanted(SEEDANCE), tag="earlier"), utcnow()
    remote_id = service.submit(request).remote_id
    for _ in range(4):
        service.submit(wanted(SEEDANCE))

    pages = [service.find_lost(request, sent_at, page) for page in (1, 2, 3)]

    assert [each.has_older for each in pages[:2]] == [True, True]
    assert pages[2].found.remote_id == remote_id


def test_create_that_did_not_arrive_is_not_found(simulator, services):
    """The connection broke before it was accepted."""
    service = services["volcengine_ark"]
    request = replace(wanted(SEEDANCE, prompt="[[drop_before]]"), tag="never")

    with pytest.raises(ProviderError):
        service.submit(request)

    assert service.find_lost(request, utcnow()).found is None


def test_two_with_a_tag_are_not_taken(simulator, services):
    """Nobody knows which is meant."""
    service = services["volcengine_ark"]
    request = replace(wanted(SEEDANCE), tag="twice")
    service.submit(request)
    service.submit(request)

    assert service.find_lost(request, utcnow()).found is None


def test_tag_that_is_not_echoed_finds_nothing(simulator, services):
    """Whether the service repeats it is its own affair."""
    service = services["volcengine_ark"]
    request = replace(wanted(SEEDANCE), tag="silent")
    service.submit(request)
    simulator.service.settings = replace(simulator.service.settings, echo_tag=False)

    assert service.find_lost(request, utcnow()).found is None


def test_wrong_echo_is_noticed(simulator, services):
    """What the service says that it made is not what was asked for."""
    service = services["volcengine_ark"]
    request = wanted(SEEDANCE, prompt="[[poll wrong_echo]]")

    found = service.poll(service.submit(request).remote_id, request)

    assert found.echoed == {"resolution": "480p", "ratio": "1:1"}


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
        with pytest.raises(ProviderError) as caught:
            service.poll(remote_id, request)
        assert (caught.value.code, caught.value.charged) == (
            "cancelled_at_provider",
            "no",
        )
    else:
        assert service.poll(remote_id, request).done is (state == "succeeded")


def test_cancelling_in_the_moment_it_begins(simulator, services):
    """The answer is 409, the video goes on."""
    service = services["volcengine_ark"]
    simulator.service.settings = replace(simulator.service.settings, duration=60.0)
    request = wanted(SEEDANCE)
    remote_id = service.submit(request).remote_id
    reads = service._videos._get

    def queued(of):
        found = reads(of)
        return replace(found, data={**found.data, "status": "queued"})

    service._videos._get = queued
    try:
        assert service.cancel(remote_id, request) is False
    finally:
        service._videos._get = reads

    assert not service.poll(remote_id, request).done
