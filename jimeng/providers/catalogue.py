"""
What each code of Volcengine's two services means for a task.

Source: the error lists under https://www.volcengine.com/docs/85621 and, for the codes
of the gateway, the manual of its signature; for Ark,
https://www.volcengine.com/docs/82379/1299023. Where those advise to submit again after
an internal error, this table does not: there is no key by which the service would
recognise the second submission, so it could be charged twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Rule:
    """
    Attributes:
        code: Ours; it has words in ``i18n``.
        submit: What to do with a submission that was answered so: send it
            ``again``, send it again once with a ``new_seed``, ``never``, or
            ``unknown``: it may have been accepted, so never, and say so.
        poll: Whether the answer to a poll is ``final``, or the poll is to be made
            ``again``, as it says nothing about the picture.
        charged: Whether the picture was paid for: ``no``, ``unknown`` or ``yes``.
        retryable: Whether a user who tries the same again may succeed.
    """

    code: str
    submit: Literal["again", "new_seed", "never", "unknown"] = "never"
    poll: Literal["again", "final"] = "final"
    charged: Literal["no", "unknown", "yes"] = "no"
    retryable: bool = False


UNREACHABLE = Rule(
    code="provider_unreachable", submit="again", poll="again", retryable=True
)
SUBMIT_UNKNOWN = Rule(
    code="submit_unknown",
    submit="unknown",
    poll="again",
    charged="unknown",
    retryable=True,
)
RESULT_LOST = Rule(code="result_lost", charged="unknown", retryable=True)
RESULT_EMPTY = Rule(code="result_empty", charged="unknown", retryable=True)
REFUSED = Rule(code="provider_refused")
# No answer says these: a service that is not in these tables has only its own words,
# a model is no longer offered here, the time is over, or the bytes cannot be had.
FAILED = Rule(code="provider_failed", retryable=True)
NOT_CONFIGURED = Rule(code="provider_not_configured", retryable=True)
TIMED_OUT = Rule(code="timed_out", charged="unknown", retryable=True)
PICTURE_LOST = Rule(code="picture_lost", charged="yes", retryable=True)
NOT_UNDERSTOOD = Rule(code="not_understood", charged="unknown", retryable=True)
RATE_LIMITED = Rule(code="rate_limited", submit="again", poll="again", retryable=True)
# A 429 with a code that no page lists: polls go on, but a submission is sent again
# only after codes that are known to mean "not accepted".
BUSY = Rule(code="rate_limited", poll="again", retryable=True)
INTERNAL = Rule(
    code="provider_internal",
    submit="unknown",
    poll="again",
    charged="unknown",
    retryable=True,
)

# The codes of the service are numbers; the gateway's have names too. Both as text.
_ROWS = (
    ("50411 50518", Rule(code="content_refused_input_image")),
    ("50412 50413", Rule(code="content_refused_prompt")),
    (
        "50511 50519",
        Rule(code="content_refused_picture", submit="new_seed", retryable=True),
    ),
    ("50512", Rule(code="content_refused_picture_text", retryable=True)),
    ("50520 50521 50522", Rule(code="moderation_unavailable", retryable=True)),
    ("50429", RATE_LIMITED),
    (
        "50430",
        Rule(code="concurrency_limited", submit="again", poll="again", retryable=True),
    ),
    ("50500 50501", INTERNAL),
    ("50200 50204", Rule(code="parameter_refused")),
    ("50215", Rule(code="input_refused")),
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
# Ark's are names, two of which mean something else at the gateway above. What follows
# a dot in them only says more of the same, unless it stands here.
_ARK_ROWS = (
    (
        "InputTextSensitiveContentDetected InputTextRiskDetection "
        "SensitiveContentDetected",
        Rule(code="content_refused_prompt"),
    ),
    (
        "InputImageSensitiveContentDetected InputImageRiskDetection",
        Rule(code="content_refused_input_image"),
    ),
    (
        "OutputImageSensitiveContentDetected OutputImageRiskDetection",
        Rule(code="content_refused_picture", submit="new_seed", retryable=True),
    ),
    ("MissingParameter InvalidParameter", Rule(code="parameter_refused")),
    ("AuthenticationError", Rule(code="credentials_invalid")),
    ("AccessDenied", Rule(code="permission_missing")),
    (
        "InvalidAccountStatus AccountOverdueError OperationDenied.ServiceOverdue",
        Rule(code="account_overdue"),
    ),
    (
        "ModelNotOpen OperationDenied OperationDenied.ServiceNotOpen",
        Rule(code="access_denied"),
    ),
    (
        "InvalidEndpoint InvalidEndpointOrModel UnsupportedModel",
        Rule(code="model_not_found"),
    ),
    ("QuotaExceeded SetLimitExceeded", Rule(code="quota_exhausted")),
    (
        "InflightBatchsizeExceeded",
        Rule(code="concurrency_limited", submit="again", retryable=True),
    ),
    (
        "ModelAccountIpmRateLimitExceeded ModelAccountRpmRateLimitExceeded "
        "ModelAccountTpmRateLimitExceeded RateLimitExceeded "
        "APIAccountRpmRateLimitExceeded AccountRateLimitExceeded RequestBurstTooFast "
        "ServerOverloaded",
        RATE_LIMITED,
    ),
    ("InternalServiceError", INTERNAL),
)


def _by_code(rows: Iterable[tuple[str, Rule]]) -> Mapping[str, Rule]:
    return MappingProxyType(
        {code: rule for codes, rule in rows for code in codes.split()}
    )


RULES = _by_code(_ROWS)
ARK_RULES = _by_code(_ARK_ROWS)

WITHOUT_CODE = (
    UNREACHABLE,
    SUBMIT_UNKNOWN,
    RESULT_LOST,
    RESULT_EMPTY,
    REFUSED,
    FAILED,
    NOT_CONFIGURED,
    TIMED_OUT,
    PICTURE_LOST,
    NOT_UNDERSTOOD,
)
_RETRYABLE = {
    rule.code: rule.retryable
    for rule in (*RULES.values(), *ARK_RULES.values(), *WITHOUT_CODE)
}
CODES = frozenset(_RETRYABLE)  # every code of ours that a picture can fail with


def retryable(code: str) -> bool:
    """Say whether the same task, run again by its user, may succeed."""
    return _RETRYABLE.get(code, False)


def judge_submit(status: int, code: str | None) -> Rule:
    """
    Choose the rule for the answer to a submission.

    Args:
        status: The HTTP status. From 500 on nobody knows how far the request got,
            whatever the body says.
        code: The service's or the gateway's; None where the answer has none.
    """
    if status >= 500 or code is None:
        return SUBMIT_UNKNOWN
    rule = RULES.get(code)
    if rule is None:
        if status == 429:
            return BUSY
        return REFUSED if status >= 400 else SUBMIT_UNKNOWN
    return SUBMIT_UNKNOWN if rule.submit == "unknown" else rule


def judge_poll(status: int, code: str | None) -> Rule:
    """Choose the rule for the answer to a poll; arguments as in `judge_submit`."""
    if code == "50215":  # no such task, or one of another model
        return RESULT_LOST if status < 500 else INTERNAL
    if code is not None and code in RULES:
        return RULES[code]
    if code is None or status >= 500:
        return INTERNAL
    if status == 429:
        return BUSY
    # A code of the service that no page lists: most likely the reason why it failed.
    return Rule(code=REFUSED.code, charged="unknown")


def find_ark(code: str) -> Rule | None:
    return ARK_RULES.get(code) or ARK_RULES.get(code.partition(".")[0])


def judge_ark(status: int, code: str | None) -> Rule:
    """Choose the rule for an answer of Ark's; arguments as in `judge_submit`."""
    if status >= 500 or code is None:
        return SUBMIT_UNKNOWN
    rule = find_ark(code)
    if rule is not None and rule.submit == "unknown":
        return SUBMIT_UNKNOWN
    if status == 429:
        # Ark counts before it draws: whichever limit this names, none was drawn.
        return rule or RATE_LIMITED
    if rule is None:
        return REFUSED if status >= 400 else SUBMIT_UNKNOWN
    return BUSY if rule.submit == "again" else rule


def judge_ark_picture(code: str | None) -> Rule:
    """Choose the rule for a picture that failed within an answer of success."""
    rule = find_ark(code) if code else None
    if rule is None or rule.submit in {"again", "unknown"}:
        # The request itself was accepted, so that it is over is all that is known.
        return Rule(code=INTERNAL.code, charged="unknown", retryable=True)
    return rule
