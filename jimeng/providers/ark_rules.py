"""
Map Ark's error codes to rules for tasks.

Source: https://www.volcengine.com/docs/82379/1299023
"""

from collections.abc import Iterator

from jimeng.providers.rules import (
    BUSY,
    FAILED,
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

PARAMETER_REFUSED = Rule(code="parameter_refused")
# The check before the drawing broke, so nothing was made.
CHECK_BROKE = Rule(code="moderation_unavailable", submit="again", retryable=True)
# In the names of inputs: ``image``, or ``content[1].image_url`` of a video.
INPUTS = ("image", "video_url", "audio_url")
# Code names; two of them mean something else at Visual's gateway. The suffix after a
# dot is a detail that does not change the rule, unless the full code is listed.
RULES = by_code(
    (
        (
            "InputTextSensitiveContentDetected InputTextRiskDetection "
            "SensitiveContentDetected",
            Rule(code="content_refused_prompt"),
        ),
        (
            "InputImageSensitiveContentDetected InputImageRiskDetection "
            "InputVideoSensitiveContentDetected InputAudioSensitiveContentDetected",
            Rule(code="content_refused_input_image"),
        ),
        (
            "InputImageSensitiveContentDetected.PrivacyInformation "
            "InputVideoSensitiveContentDetected.PrivacyInformation",
            Rule(code="input_face_refused"),
        ),
        (
            "InputTextSensitiveContentDetected.PolicyViolation "
            "InputImageSensitiveContentDetected.PolicyViolation "
            "InputVideoSensitiveContentDetected.PolicyViolation "
            "InputAudioSensitiveContentDetected.PolicyViolation",
            Rule(code="input_copyright_refused"),
        ),
        (
            "OutputImageSensitiveContentDetected OutputImageRiskDetection",
            Rule(code="content_refused_picture", submit="new_seed", retryable=True),
        ),
        (
            "OutputVideoSensitiveContentDetected",
            Rule(code="content_refused_video", submit="new_seed", retryable=True),
        ),
        (
            "OutputAudioSensitiveContentDetected",
            Rule(code="content_refused_audio", retryable=True),
        ),
        ("ContentSecurityDetectionError", CHECK_BROKE),
        ("MissingParameter InvalidParameter", PARAMETER_REFUSED),
        ("AuthenticationError", Rule(code="credentials_invalid")),
        ("AccessDenied", Rule(code="permission_missing")),
        (
            "InvalidAccountStatus AccountOverdueError OperationDenied.ServiceOverdue "
            "InvalidSubscription",
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
            "APIAccountRpmRateLimitExceeded AccountRateLimitExceeded "
            "RequestBurstTooFast ServerOverloaded",
            RATE_LIMITED,
        ),
        ("InternalServiceError", INTERNAL),
    )
)


def find(code: str) -> Rule | None:
    return RULES.get(code) or RULES.get(code.partition(".")[0])


def judge(status: int, code: str | None, param: str = "") -> Rule:
    """
    Choose the rule for a response of Ark; arguments as in `judge_submit`.

    Args:
        param: The parameters that the response names.
    """
    if status == 413:
        return INPUT_REFUSED  # by a gateway, before the service read it
    if status >= 500 or code is None:
        return SUBMIT_UNKNOWN
    is_input = any(each in param for each in INPUTS)
    if is_input and find(code) is PARAMETER_REFUSED:
        return INPUT_REFUSED
    rule = find(code)
    if rule is not None and rule.submit == "unknown":
        return SUBMIT_UNKNOWN
    if status == 429:
        # Ark checks every limit before it generates, so nothing was generated.
        return rule or RATE_LIMITED
    if rule is None or rule is CHECK_BROKE:
        return rule or REFUSED if status >= 400 else SUBMIT_UNKNOWN
    return BUSY if rule.submit == "again" else rule


def judge_picture(code: str | None) -> Rule:
    """Choose the rule for one failed picture within a successful response."""
    rule = find(code) if code else None
    if rule is None or rule.submit in {"again", "unknown"}:
        # The request itself was accepted; all that is known is that it has ended.
        return Rule(code=INTERNAL.code, charged="unknown", retryable=True)
    return rule


def judge_failed(code: str | None) -> Rule:
    """Choose the rule for a failed video: only finished ones are charged."""
    rule = find(code) if code else None
    if rule is None:
        return FAILED
    if rule.submit in {"again", "unknown"}:
        return Rule(code=rule.code, retryable=True)
    return rule


def judge_task(status: int, code: str | None) -> Rule:
    """
    Choose the rule for a response that does not show the task asked for. Only that it
    is gone is final: everything else says nothing about the video.
    """
    rule = find(code) if code else None
    # The code for an unknown task is not documented. Those in the table are about the
    # model or the account: a plan may end while videos are generated.
    if status == 404 and code is not None and rule is None:
        return RESULT_LOST
    if rule is None or status >= 500:
        return BUSY if status == 429 else INTERNAL
    return Rule(code=rule.code, poll="again", retryable=rule.retryable)


def judgements() -> Iterator[Judgement]:
    """Yield all known responses with their rules."""
    for code in (*RULES, UNLISTED):
        said = f"`{code}`" if code in RULES else OTHERS
        is_limit = code in RULES and RULES[code].submit == "again"
        yield Judgement("submit", said, judge(429 if is_limit else PLAIN, code))
    said = f"`InvalidParameter` ({' '.join(f'`{each}`' for each in INPUTS)})"
    yield Judgement("submit", said, judge(PLAIN, "InvalidParameter", INPUTS[0]))
    yield Judgement("submit", "HTTP 413", judge(413, None))
    yield Judgement("submit", OTHER_LIMITS, judge(429, UNLISTED))
    said = "其他 404 / other 404s"
    yield Judgement("poll", said, judge_task(404, UNLISTED))
