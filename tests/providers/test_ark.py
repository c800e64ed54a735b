"""Ark's client, over HTTP: what it asks for, and what comes of each answer."""

import base64
import json
from dataclasses import replace

import pytest
from replies import (
    API_KEY,
    LINK,
    SEEDED,
    SWAN,
    UNREADABLE,
    assert_error,
    assert_unknown,
    drawn,
    error_of,
    failed,
    http,
)

from jimeng.config import Config
from jimeng.providers import MODELS
from jimeng.providers.ark import ArkProvider
from jimeng.providers.ark_rules import RULES, judge
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


@for_each("model", ARK)
def test_each_model_is_sent_only_what_it_takes(asked, model):
    """No model of the table takes a seed; groups are off where there are any."""
    body, head = asked(asked_of(model))

    assert head.startswith("POST /api/v3/images/generations ")
    assert f"\r\nAuthorization: Bearer {API_KEY}\r\n" in head
    assert "\r\nX-Client-Request-Id: " in head
    has_groups = "pro" not in model.id and "flash" not in model.id
    width, height = model.sizes["16:9"]
    assert body == {
        "model": model.req_key,
        "prompt": "湖上的天鹅",
        "size": f"{width}x{height}",
        "response_format": "url",
        "watermark": False,
        **({"sequential_image_generation": "disabled"} if has_groups else {}),
    }


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


NEVER_CLEAR = {"QuotaExceeded", "SetLimitExceeded"}
TEXT, IMAGE, VIDEO, AUDIO = (
    f"Input{kind}SensitiveContentDetected"
    for kind in ("Text", "Image", "Video", "Audio")
)
FACE = f"{IMAGE}.PrivacyInformation"
BROKEN_CHECK = "ContentSecurityDetectionError"
AGAIN = {"transient": True}
FORBIDDEN = "OutputImageSensitiveContentDetected"
LIMITS = [code for code, rule in RULES.items() if rule.submit == "again"]


@for_each(
    ("status", "name", "code", "expected"),
    [
        (400, "InvalidEndpoint.ClosedEndpoint", "model_not_found", {}),
        (400, "SensitiveContentDetected", "content_refused_prompt", {}),
        (400, FACE, "input_face_refused", {}),
        (400, "InputImageRiskDetection", "content_refused_input_image", {}),
        (400, AUDIO, "content_refused_input_image", {}),
        (400, f"{AUDIO}.PrivacyInformation", "content_refused_input_image", {}),
        (400, f"{AUDIO}.PolicyViolation", "input_copyright_refused", {}),
        (400, f"{TEXT}.PolicyViolation", "input_copyright_refused", {}),
        (400, f"{IMAGE}.PolicyViolation", "input_copyright_refused", {}),
        (400, f"{VIDEO}.PolicyViolation", "input_copyright_refused", {}),
        (400, "InvalidSubscription", "account_overdue", {}),
        (400, f"{FORBIDDEN}.DeepFake", "content_refused_picture", {}),
        (400, "OutputImageRiskDetection", "content_refused_picture", {}),
        (401, "InvalidAccountStatus", "account_overdue", {}),
        (403, "AccessDenied", "permission_missing", {}),
        (403, "OperationDenied.ServiceNotOpen", "access_denied", {}),
        (403, "OperationDenied.ServiceOverdue", "account_overdue", {}),
        (404, "UnsupportedModel", "model_not_found", {}),
        (429, "RateLimitExceeded.EndpointX", "rate_limited", AGAIN),
        (429, "NeverHeardOf", "rate_limited", AGAIN),
        (429, "InflightBatchsizeExceeded", "concurrency_limited", AGAIN),
        (400, BROKEN_CHECK, "moderation_unavailable", AGAIN),
        (403, BROKEN_CHECK, "moderation_unavailable", AGAIN),
        (429, BROKEN_CHECK, "moderation_unavailable", AGAIN),
        (400, "ServerOverloaded", "rate_limited", {}),
        (400, "NeverHeardOf", "provider_refused", {}),
    ],
)
def test_refused_request(draw, status, name, code, expected):
    """Each code becomes one of ours; nothing was drawn, and nothing charged."""
    assert_error(
        lambda: draw(failed(name), status), code, provider_code=name, **expected
    )


@for_each(
    ("status", "body"),
    [
        (500, failed("InternalServiceError")),
        (503, failed("ServerOverloaded")),
        (500, failed("InputTextSensitiveContentDetected")),
        (500, failed(BROKEN_CHECK)),
        (302, failed(BROKEN_CHECK)),
        (200, failed(BROKEN_CHECK)),
        (400, failed("InternalServiceError")),
        (429, failed("InternalServiceError")),
        (429, b"slow down"),
        (502, b"<html>Bad Gateway</html>"),
        (200, b'event: error\ndata: {"error": {"code": "X"}}\n\n'),
        (403, b"blocked"),
        *((200, each) for each in UNREADABLE),
        (200, json.dumps({"data": None}).encode()),
        (200, failed("NeverHeardOf")),
        (400, json.dumps({"error": "text"}).encode()),
        (302, b"{}"),
    ],
)
def test_request_that_may_have_been_drawn(draw, status, body):
    """From 500 on, and after what cannot be read, nobody knows: never again."""
    assert_unknown(lambda: draw(body, status))


def test_unsent_request_can_be_sent_again(ark):
    """Nobody listened, so nobody drew; nor can a model be checked."""
    assert error_of(lambda: ark().check(SWAN.req_key)).code == "provider_unreachable"
    assert_error(lambda: ark().submit(SWAN), "provider_unreachable", transient=True)


@for_each(
    ("picture", "billed", "code", "charged"),
    [
        ({"error": {"code": FORBIDDEN}}, 0, "content_refused_picture", "no"),
        ({"error": {"code": "InternalServiceError"}}, 0, "provider_internal", "no"),
        ({"error": {"code": "Strange"}}, None, "provider_internal", "unknown"),
        ({"error": {"code": "ServerOverloaded"}}, 1, "provider_internal", "unknown"),
        ({"error": "text"}, None, "provider_internal", "unknown"),
        (None, 1, "result_empty", "unknown"),
        ({}, 1, "result_empty", "unknown"),
        ({"url": "", "b64_json": "*"}, 1, "result_empty", "unknown"),
    ],
)
def test_picture_that_failed_by_itself(draw, picture, billed, code, charged):
    """
    The answer is a success, and the picture is not, or there is none: final, never sent
    again.
    """
    pictures = [] if picture is None else [picture]
    assert_error(lambda: draw(drawn(*pictures, billed=billed)), code, charged=charged)


@for_each(
    ("headers", "expected"),
    [([], "0217example"), (["X-Request-Id: R9"], "R9")],
)
def test_name_of_the_call_is_kept(draw, headers, expected):
    """Support asks for it; it comes in the header or at the end of the words."""
    assert (
        error_of(lambda: draw(failed("InvalidParameter"), 400, *headers)).request_id
        == expected
    )


def test_limits_count_only_as_429():
    """
    Elsewhere no code proves that a request was not accepted, but that the check before
    the drawing broke.
    """
    assert not NEVER_CLEAR & set(LIMITS)
    for code in RULES:
        assert (judge(400, code).submit == "again") == (code == BROKEN_CHECK), code
        assert judge(500, code).submit == "unknown", code
        assert (judge(429, code).submit == "again") == (code in LIMITS), code
