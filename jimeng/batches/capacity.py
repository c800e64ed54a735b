"""Capacity: how many more pictures of a batch may wait, and reasons to wait or stop."""

from dataclasses import replace
from datetime import datetime

from jimeng import accounts, inputs, jobs, lanes
from jimeng.documents import ApiKey, Batch, Generation, User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import (
    DatabaseUnavailable,
    IndexMissing,
    IntakePaused,
    Invalid,
    JimengError,
    LimitReached,
    NoProvider,
    QueueUnavailable,
)
from jimeng.errors.access import ModelNotAllowed
from jimeng.inputs import Named
from jimeng.providers import VideoParameters
from jimeng.tasks import Decision, Estimate, Request
from jimeng.tasks.creation import Plan, model_for
from jimeng.tasks.estimates import estimate_of

# A window as of flow control: a batch adds pictures while its user has fewer waiting in
# the model queue. Enough to keep all slots busy until the next round, and few enough
# not to delay others.
WINDOW = 10
SPARE = 5  # one in so many of ``USER_MAX_PENDING`` is reserved for single requests
MAX_WAIT_S = 60  # until the next attempt: the reason may be gone sooner
SENDING_PAUSED, OTHERS_FIRST = "sending_paused", "others_first"
# Transient errors: the batch waits.
TRANSIENT = (
    *(LimitReached, IntakePaused),
    *(QueueUnavailable, DatabaseUnavailable, IndexMissing),
)
# Errors that may be transient: a provider may be missing from the settings by mistake.
NOT_OFFERED = (Invalid, ModelNotAllowed, NoProvider)


class Stopped(Exception):
    """
    The batch stops: no more tasks are created.

    Attributes:
        code: The reason; its message key is ``stopped.<code>``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Waits(Exception):
    """
    No tasks can be created for now; *code* is the reason.

    Attributes:
        seconds: Until the next attempt.
        reopens_at: When the limit that is reached counts anew, if that is known.
    """

    def __init__(
        self, code: str, seconds: float = 2, reopens_at: datetime | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds
        self.reopens_at = reopens_at


def principal_of(batch: Batch, key_id: str | None) -> Principal:
    """
    The principal that the batch's tasks are created for.

    Args:
        key_id: The key of the request, whose limits apply; None for a browser's.

    Raises:
        Stopped: the user is disabled, or the key is revoked or expired.
    """
    runtime = jobs.runtime()
    disabled = {"_id": batch.user_id, "disabled_at": {"$exists": True}}
    if runtime.config.sign_in and User.find_one(disabled) is not None:
        raise Stopped("account_disabled")
    if key_id is None:
        return Principal(batch.user_id)
    key = ApiKey.find_one({"_id": key_id})
    if key is None or (key.expires_at and key.expires_at <= utcnow()):
        raise Stopped("key_gone")
    use = accounts.use_of(key)
    if key.user_id != batch.user_id and not use.acts_for(batch.user_id):
        # Created by an operator, or for a customer whom another shop acts for.
        operator = {"_id": key.user_id, "role": "admin"}
        enabled = {**operator, "disabled_at": {"$exists": False}}
        if use.user_prefix or User.find_one(enabled) is None:
            raise Stopped("key_gone")
    return Principal(batch.user_id, key=use)


def inputs_of(batch: Batch) -> tuple[Named, ...]:
    """
    The inputs of each task. They stay stored as long as a batch or task refers to them,
    even if their owner deletes the uploads.

    Raises:
        Stopped: one of them could not be fetched, or no longer exists.
    """
    try:
        found = inputs.references_of(batch.inputs or [], has_mask=False)
    except Invalid as error:
        raise Stopped("pictures_gone") from error
    # Fail once, instead of fetching it again for each task.
    if any(each.stored_input is None for each in found):
        raise Stopped("pictures_gone")
    return tuple(found)


def free_pictures(batch: Batch) -> int:
    """How many pictures may be added to the model queue now; none if below 1."""
    runtime = jobs.runtime()
    limits = runtime.registry.limits.get(batch.lane)
    if limits is None:
        return batch.n  # its model is not offered, which `tasks.create` reports
    window = max(WINDOW, 2 * lanes.total_limit(batch.lane, limits))
    most = runtime.config.max_pending("video" if batch.asked.get("video") else "image")
    top = max(min(window, most - most // SPARE), batch.n)
    mine = {"lane": batch.lane, "user_id": batch.user_id, "waiting": True}
    waiting = Generation.collection().count_documents(
        mine, hint="user_waiting", limit=top
    )
    return top - waiting


def request_of(batch: Batch) -> dict:
    """The settings of each task, with its model, as fields of `tasks.Request`."""
    video = batch.asked.get("video")
    return {**batch.asked, "video": video and VideoParameters.read(video)}


def estimate_more(principal: Principal, batch: Batch, n: int) -> Estimate:
    """
    The estimate of *n* more pictures with the settings of a batch.

    Raises:
        Invalid: its model or its size is no longer offered; so is ModelNotAllowed.
    """
    named = {"user_id": batch.user_id, "prompt": batch.prompts[0]}
    like = Request(**{**request_of(batch), **named, "n": n})
    count = len(batch.inputs or [])
    planned = Plan.of(like, model_for(principal, like), pictures=count)
    return replace(estimate_of(principal, planned), in_batch=True)


def will_wait(batch: Batch, n: int) -> bool:
    """Whether a limit would stop the batch before it has created *n* more pictures."""
    if not n:
        return False
    try:
        principal = principal_of(batch, batch.key_id)
        return estimate_more(principal, batch, n).refusal() is not None
    except (Stopped, *NOT_OFFERED):
        return True


def check_sending() -> None:
    """
    Raises:
        Waits: sending is paused, so new tasks would only wait.
    """
    if lanes.SENDING in lanes.paused(fresh=True):
        raise Waits(SENDING_PAUSED, 10)


def is_being_restored() -> bool:
    """Whether a restore is in progress, so that tasks may not be restored yet."""
    paused = lanes.paused(fresh=True).get(lanes.SENDING)
    return paused is not None and paused.by == lanes.BY_RESTORE


def waits_for(error: JimengError) -> Waits:
    """The wait that a transient error causes."""
    seconds = min(max(error.retry_after or 5, 2), MAX_WAIT_S)
    return Waits(error.code, seconds, Decision(False, error).reopens_at)


def waiting_since(batch: Batch, code: str) -> datetime:
    """Since when the batch has waited for the same reason; now, if for another."""
    waits = batch.waits or {}
    if waits.get("code") != code or "since" not in waits:
        return utcnow()
    return waits["since"]
