"""``Prefer: wait=N`` (RFC 7240): an answer that waits until its task has ended."""

from dataclasses import dataclass, field
from functools import partial

from flask import current_app, request

from jimeng import waiting
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.errors import TooManyWaiting

MOST = 60  # seconds


@dataclass(frozen=True)
class Waited:
    """
    Attributes:
        ended: Whether the task has ended, as far as is known.
        headers: What is said of the waiting; nothing where there was none.
    """

    ended: bool
    headers: dict[str, str] = field(default_factory=dict)


def wanted() -> int:
    """
    Seconds that the client would wait, at most `MOST`; 0 for not at all. What cannot
    be read is no wish, and without a number the wish is for as long as there may be.
    """
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"') or str(MOST)
            is_number = seconds.isascii() and seconds.isdigit()
            return min(int(seconds[:9]), MOST) if is_number else 0
    return 0


def wait_for(task: Task) -> Waited:
    """
    Wait for the task's end if the client prefers that, and there is a place.

    What the client is told was applied is what it asked for, unless that was longer
    than an answer may take here and the task has not ended.
    """
    seconds = wanted()
    if not (seconds and task.is_open):
        return Waited(not task.is_open, applied(seconds))
    config: Config = current_app.config["JIMENG"]
    allowed = min(seconds, int(config.WAIT_SECONDS))
    is_gone = partial(waiting.is_gone, request.environ)
    try:
        with waiting.place(task.user_id):
            ended = waiting.wait_for_end(task, allowed, is_gone)
    except TooManyWaiting:
        return Waited(ended=False)
    return Waited(ended, applied(seconds if ended else allowed))


def applied(seconds: int) -> dict[str, str]:
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}
