"""Metrics of requests: counted and timed by interface, kind and status."""

from jimeng.http.auth.cross_site import SAFE_METHODS
from jimeng.jobs.metric_counters import counts

# Endpoint -> kind of the request; all others are ``read`` or ``change``.
KINDS = {
    **dict.fromkeys(
        (
            *("api.create_task", "api.create_image_task", "api.retry_task"),
            *("web.create", "web.again", "web.retry", "web.edit_picture"),
        ),
        "submit",
    ),
    **dict.fromkeys(
        (
            *(
                "web.image",
                "web.thumbnail",
                "web.preview",
                "web.video",
                "web.last_frame",
                "web.trashed_thumbnail",
                "web.given",
            ),
            "api.get_upload_content",
        ),
        "picture",
    ),
    "mcp.handle_message": "call",
}

# Endpoints that clients and open pages poll until something has ended.
POLLS = frozenset(
    {
        *("api.get_result", "api.get_task", "api.get_batch"),
        *("web.card", "web.changes", "web.family", "web.task_changes"),
        *("web.batch_card", "web.batch_now", "web.tidying", "web.cancelling"),
        *("admin.live", "admin.hours", "admin.clear_progress"),
        "admin.failures_progress",
    }
)


def kind_of(endpoint: str | None, method: str) -> str:
    """
    Return the kind of a request: ``submit`` (a generation), ``picture`` (a download),
    ``call`` (MCP), ``read``, ``change``, or ``none`` if there is no such route.
    """
    if endpoint is None:
        return "none"
    if method in SAFE_METHODS:
        return KINDS.get(endpoint, "read")
    is_openai = endpoint.startswith(("openai.", "ark."))
    return "submit" if is_openai else KINDS.get(endpoint, "change")


def is_poll(endpoint: str | None, method: str, status: int) -> bool:
    """Whether it is a successful poll, too frequent and uniform for the log."""
    return endpoint in POLLS and method in SAFE_METHODS and status < 400


def count(door: str, kind: str, status: int, seconds: float) -> None:
    """Count a finished request; Redis is written only periodically."""
    counts.add("requests", door, kind, str(status))
    counts.observe("request", door, kind, seconds=seconds)
    if status < 500:  # a failed one has waited for a database already
        counts.flush_if_due()


def refused(door: str, code: str) -> None:
    counts.add("refusals", door, code)
