"""Forms that ask for pictures: sent twice they count once, and why they are refused."""

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
    QueueUnavailable,
    QuotaExceeded,
    TooManyPending,
    TooManySubmissions,
)
from jimeng.errors.inputs import ServerBusy, UploadsFull
from jimeng.tasks import NewTask

FORM = "form-"  # how the tokens of our forms begin
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
AGAIN = "invalid.choose_again"
# After these the form is shown again, with the reason.
REFUSALS = (
    *(Invalid, IntakePaused, QueueUnavailable, UploadsFull, ServerBusy),
    *(QuotaExceeded, TooManyPending, TooManySubmissions),
)


def token_of(form: Mapping[str, str]) -> str:
    """The token that came with a form; one that no page of ours holds is none."""
    given = form.get("token", "")
    return given if TOKEN.fullmatch(given) else new_token()


def new_token() -> str:
    """What makes a form that is sent twice count once."""
    return f"{FORM}{secrets.token_urlsafe(16)}"


def create(
    principal: Principal, new: NewTask, token: str, *, files: str
) -> tuple[Task, bool]:
    """
    Ask for pictures by a form.

    Args:
        files: The field in which it has files; empty if it has none.

    Returns:
        The task, and whether this form had been sent before.

    Raises:
        Invalid: a field is wrong.
        TooManyPending: as `tasks.create`, and so is all else.
    """
    try:
        return tasks.create(principal, new, idem_key=token)
    except IdempotencyKeyReused:
        if files:  # which may be those of a task that is there already
            raise Invalid.field(files, AGAIN) from None
        # A form from the browser's history with new words: a new request.
        return tasks.create(principal, new, idem_key=new_token())
