"""What helps against a failure, by its code: the same again, other words, others."""

from collections.abc import Iterable

from jimeng.providers.registry import retryable

# What helps against failures that the same again would meet once more: others' work
# first, or another prompt, picture, size or model.
FAILURE_HINTS = {
    **dict.fromkeys(
        ("access_denied", "credentials_invalid", "clock_wrong", "permission_missing")
        + ("request_refused", "account_overdue", "quota_exhausted")
        + ("provider_refused",),
        "operator",
    ),
    **dict.fromkeys(
        ("content_refused_prompt", "content_refused_picture_text"), "prompt"
    ),
    **dict.fromkeys(
        ("content_refused_input_image", "input_face_refused")
        + ("input_copyright_refused", "input_invalid", "input_unreachable"),
        "picture",
    ),
    **dict.fromkeys(("parameter_refused", "input_refused"), "settings"),
    **dict.fromkeys(("model_not_found", "provider_not_configured"), "model"),
}
IN_FORM = frozenset(FAILURE_HINTS.values()) - {"operator"}
INPUT = IN_FORM - {"model"}  # which an operator may have opened meanwhile


def of(codes: Iterable[str]) -> str:
    """``retry``, or one of `FAILURE_HINTS`: what helps after these error codes."""
    kinds = [FAILURE_HINTS.get(code, "retry") for code in codes]
    first = ("retry", "operator", *kinds[:1])  # they may differ
    return next((kind for kind in first if kind in kinds), "retry")


def needs_other_input(code: str) -> bool:
    """Whether the same fails again, and nobody but its user can change that."""
    return FAILURE_HINTS.get(code) in INPUT and not retryable(code)


def other(code: str) -> str:
    """What helps against one failure that the same again would meet once more."""
    return FAILURE_HINTS.get(code, "none")
