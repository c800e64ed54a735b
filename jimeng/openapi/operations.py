"""What the views do not say by themselves: tags, errors, and headers."""

from dataclasses import dataclass

LIMITS = ("RateLimit-Policy", "RateLimit")
REPLAYING = ("Location", "Retry-After", "Idempotent-Replayed", *LIMITS)
NEW_TASK = (
    *("validation_failed", "not_supported_yet", "too_many_pending"),
    *("too_many_submissions", "quota_exceeded"),
    *("queue_unavailable", "no_provider", "intake_paused"),
)
KEY = ("idempotency_key_invalid", "idempotency_key_reused")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    Attributes:
        tag: Where it is listed.
        errors: The codes that are its own, beside those of every request.
        headers: Those of a success, beside those of every answer.
        always: Those of *headers* that each success has.
        takes: Headers that it reads, beside those of every request.
        conditional: Whether it may answer 304.
        bare: Its answers have no envelope.
        plain: A success is plain text.
        makes: What a success makes: its name in ``data`` and in later paths, and
            the operations that go on from there.
    """

    tag: str = "system"
    errors: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    conditional: bool = False
    bare: bool = False
    plain: bool = False
    makes: tuple[str, str, tuple[str, ...]] | None = None


LATER = ("get_result", "get_task", "cancel_task", "retry_task", "delete_task")
A_TASK = ("task_id", "task_id", LATER)
A_USER = ("id", "user_id", ("get_user", "update_user", "delete_user"))
CREATION = Operation(
    tag="images",
    errors=(*NEW_TASK, *KEY),
    headers=REPLAYING,
    always=("Location", "Retry-After"),
    takes=("Idempotency-Key",),
    makes=A_TASK,
)
OPERATIONS: dict[str, Operation] = {
    "api.create_image_task": CREATION,
    "api.create_task": CREATION,
    "api.get_result": Operation(
        tag="images",
        errors=("task_not_found",),
        headers=("Retry-After", "ETag"),
        always=("ETag",),
        takes=("If-None-Match",),
        conditional=True,
    ),
    "api.list_images": Operation(tag="images"),
    "api.delete_task": Operation(tag="images", errors=("task_not_found",)),
    "api.get_task": Operation(
        tag="tasks", errors=("task_not_found",), headers=("Retry-After",)
    ),
    "api.list_tasks": Operation(tag="tasks", headers=("Link",)),
    "api.cancel_task": Operation(
        tag="tasks", errors=("task_not_found", "task_finished")
    ),
    "api.retry_task": Operation(
        tag="tasks",
        errors=(
            *("task_not_found", "task_not_retryable", "may_be_charged_twice"),
            *(*NEW_TASK, *KEY),
        ),
        headers=REPLAYING,
        always=("Location", "Retry-After"),
        takes=("Idempotency-Key",),
        makes=A_TASK,
    ),
    "api.cancel_tasks": Operation(tag="tasks"),
    "api.retry_tasks": Operation(
        tag="tasks",
        errors=("idempotency_key_invalid", "queue_unavailable", "no_provider"),
        headers=LIMITS,
        takes=("Idempotency-Key",),
    ),
    "api.create_user": Operation(
        tag="users",
        errors=("email_taken",),
        headers=("Location",),
        always=("Location",),
        makes=A_USER,
    ),
    "api.find_user": Operation(tag="users", errors=("user_not_found",)),
    "api.get_user": Operation(tag="users", errors=("user_not_found",)),
    "api.update_user": Operation(tag="users", errors=("user_not_found", "email_taken")),
    "api.delete_user": Operation(tag="users", errors=("user_not_found", "last_admin")),
    "api.show_usage": Operation(tag="users", errors=("user_not_found",)),
    "api.create_key": Operation(
        tag="users",
        errors=("user_not_found",),
        headers=("Location",),
        always=("Location",),
    ),
    "api.list_keys": Operation(tag="users", errors=("user_not_found",)),
    "api.revoke_key": Operation(
        tag="users", errors=("user_not_found", "api_key_not_found")
    ),
    "api.list_models": Operation(),
    "api.list_styles": Operation(),
    "api.show_queue": Operation(errors=("admins_only",)),
    "metrics.metrics": Operation(plain=True, errors=("admins_only",)),
    "health.health": Operation(bare=True),
    "health.ready": Operation(bare=True, errors=("not_ready",)),
}
EVERYWHERE = ("bad_request", "internal")
OF_THE_API = ("not_found", "validation_failed", "wrong_host", "database_unavailable")
UNSAFE = ("cross_site",)
WITH_KEYS = ("unauthorized", "api_key_invalid", "scope_too_small", "admins_only")
WITH_BODY = ("invalid_json", "request_too_large", "unsupported_media_type")
