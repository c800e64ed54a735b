"""Failure hints: what the user can do about a failure, by its error code."""

from collections.abc import Iterable

from jimeng.providers.registry import retryable

# For failures that a plain retry would meet again: the operator has to act, or the
# user changes the prompt, picture, settings or model.
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
        + ("input_invalid", "input_unreachable"),
        "picture",
    ),
    **dict.fromkeys(
        ("parameter_refused", "input_refused", "input_copyright_refused"), "settings"
    ),
    **dict.fromkeys(("model_not_found", "provider_not_configured"), "model"),
}
FORM_HINTS = frozenset(FAILURE_HINTS.values()) - {"operator"}
INPUT_HINTS = FORM_HINTS - {"model"}  # an operator may activate a model meanwhile


def hint_for(codes: Iterable[str]) -> str:
    """The hint for a task with these error codes: ``retry``, or of `FAILURE_HINTS`."""
    kinds = [FAILURE_HINTS.get(code, "retry") for code in codes]
    first = ("retry", "operator", *kinds[:1])  # by priority, if they differ
    return next((kind for kind in first if kind in kinds), "retry")


def needs_other_input(code: str) -> bool:
    """Whether a retry would fail again until the user changes the request."""
    return FAILURE_HINTS.get(code) in INPUT_HINTS and not retryable(code)


def hint_unless_retryable(code: str) -> str:
    """The hint for a failure that a plain retry would meet again; else ``none``."""
    return FAILURE_HINTS.get(code, "none")
