"""What bad answers of Ark's become; those its pages show: `tests.samples`."""

import json

from replies import (
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

from jimeng.providers.ark_rules import RULES, judge
from tests.each import for_each

NEVER_CLEAR = {"QuotaExceeded", "SetLimitExceeded"}
FACE = "InputImageSensitiveContentDetected.PrivacyInformation"
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


def test_refused_picture_is_drawn_anew_where_there_are_seeds(ark, answering):
    """Only another seed makes another picture likely."""
    server = answering(http(400, failed(FORBIDDEN)))
    request = SWAN.__class__(SEEDED.req_key, "x", 1024, 1024, 7)

    assert_error(
        lambda: ark(server, models=[SEEDED]).submit(request),
        "content_refused_picture",
        new_seed=True,
    )


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
    """Elsewhere no code proves that a request was not accepted."""
    assert not NEVER_CLEAR & set(LIMITS)
    for code in RULES:
        assert judge(400, code).submit != "again", code
        assert judge(500, code).submit == "unknown", code
        assert (judge(429, code).submit == "again") == (code in LIMITS), code
