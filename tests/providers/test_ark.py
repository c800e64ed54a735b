"""Ark's client, over HTTP: what it asks for, and the picture in the answer."""

import base64
import json
from dataclasses import replace

import pytest
from replies import (
    API_KEY,
    LINK,
    SEEDED,
    SWAN,
    assert_error,
    drawn,
    error_of,
    failed,
    http,
)

from jimeng.config import Config
from jimeng.providers import MODELS
from jimeng.providers.ark import ArkProvider
from tests.each import for_each

PNG = b"\x89PNG picture"
CODED = base64.b64encode(PNG).decode()
ARK = [
    model for model in MODELS if model.provider == "volcengine_ark" and not model.video
]


def asked_of(model, **changes):
    width, height = model.sizes["16:9"]
    wanted = {"req_key": model.req_key, "width": width, "height": height, **changes}
    return replace(SWAN, **wanted)


@pytest.fixture
def asked(ark, answering):
    """Ask for a picture; return the body and the head of the request."""

    def asked(request, **options):
        server = answering(http(200, drawn({"url": LINK})))
        ark(server, **options).submit(request)
        head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
        return server.bodies[0], head

    return asked


def test_request_says_what_is_wanted(asked):
    body, head = asked(SWAN)

    assert head.startswith("POST /api/v3/images/generations ")
    assert f"\r\nAuthorization: Bearer {API_KEY}\r\n" in head
    assert "\r\nX-Client-Request-Id: " in head
    assert body == {
        "model": "doubao-seedream-4-0-250828",
        "prompt": "湖上的天鹅",
        "size": "2048x1152",
        "response_format": "url",
        "watermark": False,
        "sequential_image_generation": "disabled",
    }


@for_each("model", ARK)
def test_each_model_is_sent_only_what_it_takes(asked, model):
    """No model of the table takes a seed; groups are off where there are any."""
    body, _ = asked(asked_of(model))

    common = {"model", "prompt", "size", "response_format", "watermark"}
    groups = {"sequential_image_generation"}
    has_groups = "pro" not in model.id and "flash" not in model.id
    assert set(body) == common | (groups if has_groups else set())


def test_older_model_is_sent_its_seed(asked):
    """The 3.0 family takes a seed, and what a file has each submission carry."""
    body, _ = asked(asked_of(SEEDED, seed=7), models=[SEEDED])

    assert (body["seed"], body["guidance_scale"]) == (7, 2.5)
    assert "sequential_image_generation" not in body


@for_each(
    ("pictures", "urls", "images"),
    [
        ([{"url": LINK, "size": "2048x1152"}], (LINK,), ()),
        ([{"url": LINK}], (LINK,), ()),
        ([{"b64_json": CODED}], (), (PNG,)),
        ([{"url": LINK}, {"error": {"code": "X"}}, {"url": "x"}], (LINK,), ()),
        ([{"error": {"code": "X"}}, {"url": LINK}], (LINK,), ()),
        ([{"url": None, "b64_json": CODED}], (), (PNG,)),
    ],
)
def test_answer_is_the_picture(draw, pictures, urls, images):
    """There is no name to ask by; of several pictures it is the first."""
    progress = draw(drawn(*pictures), 200, "X-Request-Id: R7")

    assert (progress.done, progress.remote_id) == (True, "")
    assert (progress.urls, progress.images) == (urls, images)
    assert progress.request_id == "R7"


def test_nobody_can_be_asked_again(ark):
    """What is lost is lost, and was charged for all that is known."""
    assert_error(lambda: ark().poll("x", SWAN), "result_lost", charged="unknown")


def test_call_has_a_name_of_ours(ark, answering):
    """
    Without Ark's name for the call there is ours, which its support knows: the only
    trace of a request whose answer never came.
    """
    server = answering(http(200, drawn({"url": LINK})), b"", closes=True)
    service = ark(server)

    progress = service.submit(SWAN)
    error = error_of(lambda: service.submit(SWAN))

    assert error.maybe_accepted
    for head, name in zip(server.requests, (progress, error), strict=True):
        assert f"X-Client-Request-Id: {name.request_id}\r\n".encode() in head


def test_slow_answer_is_waited_for(ark, serve):
    """A picture may take longer than the pause that polls are given."""
    quick = replace(ARK[0], answer_within=0.2)
    server = serve(lambda connection: server.over.wait(20))  # and hangs up

    error = error_of(lambda: ark(server, models=[quick]).submit(SWAN))

    assert (error.code, "Timeout" in str(error)) == ("submit_unknown", True)
    assert all(model.answer_within == 180 for model in ARK)


def test_client_of_the_settings(answering):
    server = answering(http(200, drawn({"url": LINK})))
    config = Config(ARK_API_KEY=API_KEY, ARK_BASE_URL=server.url, WATERMARK=True)

    ArkProvider.from_config(config).submit(SWAN)

    assert server.requests[0].startswith(b"POST /images/generations ")
    assert server.bodies[0]["watermark"] is True


def test_check_asks_for_nothing(ark, answering):
    """A request without a prompt cannot be drawn; its refusal is good news."""
    server = answering(http(400, failed("MissingParameter", param="prompt")))

    assert ark(server).check(SWAN.req_key) is True

    assert server.bodies == [{"model": SWAN.req_key}]


@for_each(
    ("status", "body", "code"),
    [
        (401, failed("AuthenticationError"), "credentials_invalid"),
        (403, failed("AccountOverdueError"), "account_overdue"),
        (400, failed("NeverHeardOf"), "provider_refused"),
        (404, failed("MissingParameter"), "parameter_refused"),
        (404, failed("ModelNotOpen"), "access_denied"),
        (404, failed("InvalidEndpointOrModel.NotFound"), "model_not_found"),
        (502, b"<html>", "submit_unknown"),
    ],
)
def test_check_says_what_is_wrong(ark, answering, status, body, code):
    server = answering(http(status, body))

    assert error_of(lambda: ark(server).check(SWAN.req_key)).code == code


def test_key_stays_out_of_what_is_printed(draw, ark):
    """Neither errors nor the client show it, even where Ark repeats it."""
    told = failed("AuthenticationError", f"bad key {API_KEY}\n" + "x" * 999)
    message = str(error_of(lambda: draw(told, 401)))

    assert "bad key *** xxx" in message
    assert len(message) < 500
    assert API_KEY not in repr(ark()) + json.dumps(message)
