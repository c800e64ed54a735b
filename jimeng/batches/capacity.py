"""Room: how many more of a batch's pictures may wait, and what it waits for else."""

from datetime import timedelta

from jimeng import inputs, jobs, lanes
from jimeng.documents import ApiKey, Batch, Generation, User, utcnow
from jimeng.documents.principal import KeyUse, Principal
from jimeng.errors import (
    DatabaseUnavailable,
    IndexMissing,
    IntakePaused,
    Invalid,
    JimengError,
    NoProvider,
    QueueUnavailable,
    QuotaExceeded,
    TooManyPending,
    TooManySubmissions,
)
from jimeng.errors.access import ModelNotAllowed
from jimeng.inputs import Named
from jimeng.lanes import switches

# Pictures of a user that may wait in a lane before a batch adds no more: enough to keep
# every place busy until somebody looks again, and few to wait behind.
WINDOW = 10
SPARE = 5  # one in so many of ``USER_MAX_PENDING`` is left to single requests
MAX_WAIT_S = (
    60  # seconds until it is looked again: whatever it waits for may come sooner
)
SENDING_PAUSED, OTHERS_FIRST = "sending_paused", "others_first"
# What is refused now may be taken later.
LATER = (
    *(TooManySubmissions, QuotaExceeded, TooManyPending, IntakePaused),
    *(QueueUnavailable, DatabaseUnavailable, IndexMissing),
)
# What may be offered again: a provider is left out of the settings by mistake, too.
GONE = (Invalid, ModelNotAllowed, NoProvider)


class Stopped(Exception):
    """
    No more of it will be made.

    Attributes:
        code: Of the words ``batch.stopped_<code>``.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Waits(Exception):
    """Nothing more can be made for now, for the reason of this code."""

    def __init__(self, code: str, seconds: float = 2) -> None:
        super().__init__(code)
        self.code = code
        self.seconds = seconds


def principal_of(batch: Batch, key_id: str | None) -> Principal:
    """
    On whose behalf its tasks are made.

    Args:
        key_id: The key that asked, whose bounds hold; None for a browser's.

    Raises:
        Stopped: the user is kept out, or the key is gone, or worth nothing any more.
    """
    runtime = jobs.runtime()
    kept_out = {"_id": batch.user_id, "disabled_at": {"$exists": True}}
    if runtime.config.sign_in and User.find_one(kept_out) is not None:
        raise Stopped("account_disabled")
    if key_id is None:
        return Principal(batch.user_id)
    key = ApiKey.find_one({"_id": key_id})
    if key is None or (key.expires_at and key.expires_at <= utcnow()):
        raise Stopped("key_gone")
    prefix = key.user_prefix
    acts_for = prefix is not None and batch.user_id.startswith(prefix)
    if key.user_id != batch.user_id and not acts_for:  # then an operator has asked
        operator = {"_id": key.user_id, "role": "admin"}
        if User.find_one({**operator, "disabled_at": {"$exists": False}}) is None:
            raise Stopped("key_gone")
    use = KeyUse(key.id, frozenset(key.models), key.per_minute, key.per_day)
    return Principal(batch.user_id, key=use)


def pictures_of(batch: Batch) -> tuple[Named, ...]:
    """
    What goes into each of its tasks. That its owner has deleted one changes nothing:
    it is kept for whatever names it.

    Raises:
        Stopped: one of them could not be fetched, or is not there any more.
    """
    try:
        found = inputs.references_of(batch.inputs or [], has_mask=False)
    except Invalid as error:
        raise Stopped("pictures_gone") from error
    # To fetch it anew for each of them would be in vain as often.
    if any(each.kept is None for each in found):
        raise Stopped("pictures_gone")
    return tuple(found)


def places(batch: Batch) -> int:
    """Pictures of it that may be added to the line now; below 1 there is no room."""
    runtime = jobs.runtime()
    limits = runtime.registry.limits.get(batch.lane)
    if limits is None:
        return batch.n  # its model is not offered, as will be said
    window = max(WINDOW, 2 * lanes.total_limit(batch.lane, limits))
    most = runtime.config.USER_MAX_PENDING
    top = max(min(window, most - most // SPARE), batch.n)
    mine = {"lane": batch.lane, "user_id": batch.user_id, "waiting": True}
    waiting = Generation.collection().count_documents(
        mine, hint="user_waiting", limit=top
    )
    return top - waiting


def check_sending() -> None:
    """
    Raises:
        Waits: nothing is sent, so nothing is made that would only wait.
    """
    if switches.SENDING in switches.paused(fresh=True):
        raise Waits(SENDING_PAUSED, 10)


def is_being_restored() -> bool:
    """Whether the tasks of what is here may not be here yet."""
    paused = switches.paused(fresh=True).get(switches.SENDING)
    return paused is not None and paused.by == switches.BY_RESTORE


def waits_for(error: JimengError) -> Waits:
    """What an error that passes comes to."""
    return Waits(error.code, min(max(error.retry_after or 5, 2), MAX_WAIT_S))


def since(batch: Batch, code: str) -> timedelta:
    """How long it has waited for the same."""
    waits = batch.waits or {}
    if waits.get("code") != code or "since" not in waits:
        return timedelta()
    return utcnow() - waits["since"]
