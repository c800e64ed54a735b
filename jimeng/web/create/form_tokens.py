"""Idempotency tokens of forms that create tasks, and the errors they show."""

import re
import secrets
from collections.abc import Mapping

from jimeng import tasks
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import (
    IdempotencyKeyReused,
    IntakePaused,
    Invalid,
    LimitReached,
    QueueUnavailable,
)
from jimeng.errors.inputs import ServerBusy, UploadsFull
from jimeng.tasks import Request

FORM = "form-"  # prefix of tokens
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
AGAIN = "invalid.choose_again"
# Errors that are shown in the form.
REFUSALS = (
    *(Invalid, LimitReached),
    *(IntakePaused, QueueUnavailable, UploadsFull, ServerBusy),
)


def token_of(form: Mapping[str, str]) -> str:
    """The token of a submitted form; a new one if it is missing or malformed."""
    token = form.get("token", "")
    return token if TOKEN.fullmatch(token) else new_token()


def new_token() -> str:
    """Create an idempotency key for a form."""
    return f"{FORM}{secrets.token_urlsafe(16)}"


def create_once(
    principal: Principal, new: Request, token: str, *, files: str
) -> tuple[Task, bool]:
    """
    Create a task from a form.

    Args:
        files: The name of the field with uploads; empty if there are none.

    Returns:
        The task, and whether this form had been submitted before.

    Raises:
        Invalid: a field is wrong.
        TooManyPending: as `tasks.create`; so are all other errors.
    """
    try:
        return tasks.create(principal, new, idem_key=token)
    except IdempotencyKeyReused:
        if files:  # the stored task may have been created with the same uploads
            raise Invalid.field(files, AGAIN) from None
        # A form from the browser's history with other values: a new request.
        return tasks.create(principal, new, idem_key=new_token())
