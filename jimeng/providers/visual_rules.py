"""
Map the error codes of Volcengine Visual and of its gateway to rules for tasks.

Source: the error lists under https://www.volcengine.com/docs/85621 and, for the codes
of the gateway, the manual of its signature.
"""

from collections.abc import Iterator

from jimeng.providers.rules import (
    BUSY,
    INPUT_REFUSED,
    INTERNAL,
    OTHER_LIMITS,
    OTHERS,
    PLAIN,
    RATE_LIMITED,
    REFUSED,
    RESULT_LOST,
    SUBMIT_UNKNOWN,
    UNLISTED,
    Judgement,
    Rule,
    by_code,
)

# The service's codes are numbers; the gateway's have names as well. All are text.
RULES = by_code(
    (
        ("50411", Rule(code="content_refused_input_image")),
        ("50518", Rule(code="input_copyright_refused")),
        ("50412 50413", Rule(code="content_refused_prompt")),
        (
            "50511 50519",
            Rule(code="content_refused_picture", submit="new_seed", retryable=True),
        ),
        (
            "50516",
            Rule(code="content_refused_video", submit="new_seed", retryable=True),
        ),
        (
            "50517",
            Rule(code="content_refused_audio", submit="new_seed", retryable=True),
        ),
        ("50512", Rule(code="content_refused_picture_text", retryable=True)),
        ("50520 50521 50522", Rule(code="moderation_unavailable", retryable=True)),
        ("50429", RATE_LIMITED),
        (
            "50430",
            Rule(
                code="concurrency_limited", submit="again", poll="again", retryable=True
            ),
        ),
        ("50500 50501", INTERNAL),
        ("50200 50204", Rule(code="parameter_refused")),
        ("50215", INPUT_REFUSED),
        ("50400", Rule(code="access_denied", poll="again")),
        (
            "100003 MissingAuthenticationToken 100005 MissingSignature "
            "100009 InvalidAccessKey 100010 SignatureDoesNotMatch "
            "100024 InvalidAuthorization 100025 100026 InvalidSecretToken "
            "100029 CheckAuthenticationError",
            Rule(code="credentials_invalid", poll="again"),
        ),
        ("100006 InvalidTimestamp", Rule(code="clock_wrong", poll="again")),
        (
            "100012 LackPolicy 100013 AccessDenied",
            Rule(code="permission_missing", poll="again"),
        ),
        (
            "100002 MissingParameter 100004 MissingRequestInfo 100007 ServiceNotFound "
            "100008 InvalidActionOrVersion",
            Rule(code="request_refused", poll="again"),
        ),
        ("100014 InternalError 100016 InternalServiceTimeout", INTERNAL),
    )
)


def judge_submit(status: int, code: str | None) -> Rule:
    """
    Choose the rule for the response to a submission.

    Args:
        status: The HTTP status. From 500 on it is unknown how far the request got,
            whatever the body says.
        code: The service's or the gateway's; None if the response has none.
    """
    if status == 413:
        return INPUT_REFUSED  # by a gateway, before the service read it
    if status >= 500 or code is None:
        return SUBMIT_UNKNOWN
    rule = RULES.get(code)
    if rule is None:
        if status == 429:
            return BUSY
        return REFUSED if status >= 400 else SUBMIT_UNKNOWN
    return SUBMIT_UNKNOWN if rule.submit == "unknown" else rule


def judge_poll(status: int, code: str | None) -> Rule:
    """Choose the rule for the response to a poll; arguments as in `judge_submit`."""
    if code == "50215":  # no such task, or one of another model
        return RESULT_LOST if status < 500 else INTERNAL
    if code is not None and code in RULES:
        return RULES[code]
    if code is None or status >= 500:
        return INTERNAL
    if status == 429:
        return BUSY
    # An undocumented code of the service: most likely the reason of the failure.
    return Rule(code=REFUSED.code, charged="unknown")


def judgements() -> Iterator[Judgement]:
    """Yield all known responses with their rules."""
    for code in (*RULES, UNLISTED):
        said = f"`{code}`" if code in RULES else OTHERS
        yield Judgement("submit", said, judge_submit(PLAIN, code))
        yield Judgement("poll", said, judge_poll(PLAIN, code))
    yield Judgement("submit", OTHER_LIMITS, judge_submit(429, UNLISTED))
    yield Judgement("poll", OTHER_LIMITS, judge_poll(429, UNLISTED))
    yield Judgement("submit", "HTTP 413", judge_submit(413, None))
    yield Judgement("submit", "HTTP 5xx", judge_submit(500, None))
    said = "读不懂的答复 / unreadable answers"
    yield Judgement("submit", said, judge_submit(200, None))
