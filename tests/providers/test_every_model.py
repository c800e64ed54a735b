"""Each model, from the request to the bytes, against services that check it all."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from PIL import Image
from replies import FOX, error_of, video_request

from jimeng.documents import utcnow
from jimeng.providers import MODELS, Expansion, InputPicture, Model, Progress
from jimeng.providers.download import fetch_picture
from jimeng.providers.models.model import Usage
from jimeng.providers.models.output_size import resolve_size, size_of_output
from jimeng.providers.models.video import tokens_of
from tests.conftest import png
from tests.each import for_each
from tests.given_pictures import encoded
from tests.inputs.host import Host, gives

RATIO = "16:9"
STILL = [model for model in MODELS if not model.video]
VIDEOS = [model for model in MODELS if model.video]
SIDES = (800, 600)
RED = encoded(Image.new("RGB", SIDES, "red"), "JPEG")
BLUE = png(*SIDES, "blue")
MASK = encoded(Image.new("L", SIDES, 255), "PNG")


@pytest.fixture(scope="module")
def shelf() -> Iterator[str]:
    """Where a service fetches what travels as a link."""
    host = Host()
    host.url("/1", gives(RED))
    yield host.url("/2", gives(BLUE)).removesuffix("/2")
    host.server.shutdown()
    host.server.server_close()


def given(shelf: str, model: Model) -> tuple[InputPicture, ...]:
    """As many as the model takes, at most two, as they travel."""
    found = [
        InputPicture(RED, "image/jpeg", *SIDES, f"{shelf}/1"),
        InputPicture(BLUE, "image/png", *SIDES, f"{shelf}/2"),
    ]
    return tuple(found[: model.takes.most])


def drawn(service, request) -> Progress:
    """Submit, and poll once where that is needed: drawing takes no time."""
    progress = service.submit(request)
    return progress if progress.done else service.poll(progress.remote_id, request)


@for_each("model", [m for m in STILL if not m.needs_images])
@for_each("quality", ["standard", "hd"])
def test_one_picture_of_the_right_size(running, services, model, quality):
    """One link, to a picture of the size that was asked for; 2.1 doubles it."""
    width, height = resolve_size(model, RATIO, quality)
    seed = 7 if model.takes_seed else None
    request = replace(FOX, req_key=model.req_key, width=width, height=height, seed=seed)

    progress = drawn(services[model.provider], request)

    (url,) = progress.urls
    content = fetch_picture(url, allowed_private=[f"127.0.0.1:{running.port}"])
    with Image.open(io.BytesIO(content)) as picture:
        factor = 2 if model.id == "jimeng-2.1" else 1
        assert picture.size == (width * factor, height * factor)


@for_each("model", MODELS)
def test_check_finds_the_model(running, services, model):
    """The account may use all of them; for 2.1 only drawing would tell. It is free."""
    before = len(running.ledger()["rows"])

    is_known = services[model.provider].check(model.req_key)

    assert is_known is (model.id != "jimeng-2.1")
    assert len(running.ledger()["rows"]) == before


@for_each("model", [m for m in STILL if m.takes])
def test_pictures_arrive_in_order(running, services, model, shelf):
    """Byte for byte, a mask last; what comes out has the size that was reckoned."""
    takes, inputs = model.takes, given(shelf, model)
    expand = Expansion(left=0.25, top=0.4) if takes.expand else None
    mask = InputPicture(MASK, "image/png", *SIDES) if takes.mask else None
    size = size_of_output(model, None, pictures=[SIDES] * len(inputs), expand=expand)
    request = replace(
        FOX,
        prompt="" if takes.prompt == "none" else FOX.prompt,
        req_key=model.req_key,
        width=size[0],
        height=size[1],
        seed=7 if model.takes_seed else None,
        inputs=inputs,
        mask=mask,
        strength=0.7 if takes.strength else None,
        expand=expand,
    )

    progress = drawn(services[model.provider], request)

    (url,) = progress.urls
    content = fetch_picture(url, allowed_private=[f"127.0.0.1:{running.port}"])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == size
    came = [each["sha256"] for each in running.ledger()["rows"][-1]["inputs"]]
    sent = [*inputs, *([mask] if mask else [])]
    assert came == [hashlib.sha256(each.data).hexdigest() for each in sent]


TALL = (400, 700)
FRAMES = (
    InputPicture(encoded(Image.new("RGB", TALL, "red"), "JPEG"), "image/jpeg", *TALL),
    InputPicture(png(*TALL, "blue"), "image/png", *TALL),
)


@for_each("model", VIDEOS)
def test_every_mode_and_choice_of_a_video(running, services, model):
    """
    The services refuse what they do not know. The size is the expected one, the inputs
    arrive in order, and what is billed is what was estimated.
    """
    service, video = services[model.provider], model.video
    longest = {"duration": video.durations[-1]}
    modes = product(video.modes, video.resolutions)
    wanted = [(mode, {"resolution": each, **longest}) for mode, each in modes]
    choices = [
        *({"duration": each} for each in video.durations),
        *({"ratio": each} for each in next(iter(video.resolutions.values()))),
        {"ratio": "adaptive"} if video.adaptive_text else {},
        {"audio": True} if video.audio else {},
        {"camera_fixed": True} if video.camera_fixed else {},
        {"last_frame": True} if video.last_frame_output else {},
    ]
    made = []
    for mode, asked in [*wanted, *(("text-to-video", each) for each in choices)]:
        case = model.id, mode, asked
        seed, tag = 7 if model.takes_seed else None, f"tag-{model.id}-{mode}"
        more = {"seed": seed, "tag": tag, "pictures": FRAMES}
        request = video_request(model, mode, **more, **asked)

        progress = service.submit(request)
        found = service.poll(progress.remote_id, replace(request, inputs=()))

        assert found.done and found.urls, case
        assert found.echoed == {}, case
        assert (found.last_frame_url is not None) is ("last_frame" in asked), case
        made.append((case, request, found))
    rows = running.ledger()["rows"][-len(made) :]
    for (case, request, found), row in zip(made, rows, strict=True):
        size, length = (request.width, request.height), request.video.duration
        tokens = tokens_of(*size, length)
        how = {"resolution": request.video.resolution, "sound": request.video.audio}
        cost = model.price.cost(Usage(seconds=length, tokens=tokens, **how))
        assert (row["width"], row["height"], row["micros"]) == (*size, cost), case
        sent = [hashlib.sha256(each.data).hexdigest() for each in request.inputs]
        assert [each["sha256"] for each in row["inputs"]] == sent, case
        is_told = model.provider == "volcengine_ark"
        assert found.tokens == (tokens if is_told else None), case


def test_lost_create_is_found_in_the_list(running, services):
    """It was accepted, its answer was lost, and its tag leads to it: sent once."""
    service = services["volcengine_ark"]
    model = next(each for each in VIDEOS if each.id == "doubao-seedance-2.0")
    request = video_request(model, prompt="[[drop_after]]", tag="lost")

    error = error_of(lambda: service.submit(request))
    found = service.find_lost(request, utcnow()).found

    assert (error.code, error.maybe_accepted) == ("submit_unknown", True)
    assert found is not None
    assert found.remote_id == running.ledger()["rows"][-1]["task_id"]
    assert service.poll(found.remote_id, request).done
