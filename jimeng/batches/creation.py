"""Create a batch: once for all requests with the same idempotency key."""

import hashlib
import json
import logging
from collections.abc import Sequence

from pymongo.errors import DuplicateKeyError

from jimeng import inputs, limits
from jimeng.batches import filling
from jimeng.batches.validation import BatchEstimate, NewBatch, judged
from jimeng.documents import Batch, Input, best_effort, utcnow
from jimeng.documents.batch import PREFIX, new_batch_id
from jimeng.documents.principal import Principal, noted
from jimeng.documents.task import stored_pairs
from jimeng.errors import (
    IdempotencyKeyReused,
    JimengError,
    KeyQuotaExceeded,
    QuotaExceeded,
)
from jimeng.errors.batches import TooManyBatches
from jimeng.inputs import Named
from jimeng.jobs import webhook_outbox
from jimeng.lanes import switches
from jimeng.tasks import NewTask
from jimeng.tasks.requests import output_size

log = logging.getLogger(__name__)

MAX_OPEN = 20  # batches of one user
MAX_NAME_CHARS = 100  # characters
# What each of the tasks is asked for with, besides its prompt.
SETTINGS = ("size", "quality", "style", "n", "seed", "strength")
# Of the request: bytes are never text, and the others have fields of their own.
NOT_WRITTEN = ("images", "mask", "metadata")
MAX_IN_TURN = 50  # equal batches of a user that are all there
# No idempotency key has a space in it.
MARK = "equal call {mark} {number}"


def create(
    principal: Principal, new: NewBatch, *, idem_key: str | None = None
) -> tuple[Batch, bool]:
    """
    Write a batch down, and make its first tasks. One for another user stands in the
    audit trail.

    Args:
        idem_key: The same key with the same request answers with the batch that it
            made before, for as long as that is there.

    Returns:
        The batch, and whether an earlier request had made it.

    Raises:
        UserIdNotYours: only an operator asks for others.
        ModelNotAllowed: the key that asks is limited to others.
        Invalid: a prompt or a field, which the model does not take, or a picture that
            is not there for the principal, or is none.
        UploadsFull: as `inputs.store_all`.
        IntakePaused: the operator takes nothing new for a while.
        TooManySubmissions: as of one task.
        QuotaExceeded: no day allows as many pictures as one prompt asks for, or
            KeyQuotaExceeded, none of the key's.
        TooManyBatches: the user has `MAX_OPEN` that go on.
        QueueUnavailable: Redis is away; nothing has been written.
        IdempotencyKeyReused: the key came before with another request.
    """
    found, named = judged(principal, new)
    user_id = new.like.user_id
    with noted(principal, user_id, "batches.create", n=found.pictures) as outcome:
        batch, replayed = write(principal, new, found, named, idem_key)
        outcome["batch"] = batch.id
    if not replayed:
        log.info("batch created id=%s user=%s n=%d", batch.id, user_id, batch.total)
        with best_effort("first tasks"):
            filling.begin(batch)
    return batch, replayed


def write(
    principal: Principal,
    new: NewBatch,
    found: BatchEstimate,
    named: Sequence[Named],
    idem_key: str | None,
) -> tuple[Batch, bool]:
    user_id = new.like.user_id
    given = {k: each for k, each in new.given.items() if k not in NOT_WRITTEN}
    asked = [list(new.prompts), new.template, new.name, new.like.fingerprint_fields]
    mark = fingerprint(asked, named)
    batch_id = new_batch_id() if idem_key is None else keyed_id(user_id, idem_key)
    if idem_key is not None:
        kept = earlier(batch_id, mark)  # before bytes are kept once more
        if kept is not None:
            return kept, True
    switches.check_intake()
    check_room(principal, new.like)
    limits.reserve_submission(user_id)
    if new.like.webhook_url is not None:
        webhook_outbox.ensure_default(user_id)
    made = inputs.store_all(user_id, named)
    try:
        if made:  # their sides may be known by now
            output_size(new.like, found.each.model, made)
        row = row_of(principal, new, found, made)
        row |= {
            "_id": batch_id,
            "given": {**given, **inputs.stored_references(named, made)},
        }
        if idem_key is not None:
            row["idem_hash"] = mark
        kept = insert(row, named, made)
    except JimengError:
        inputs.discard(made, named)
        raise
    if kept is not None:
        inputs.discard(made, named)
        return kept, True
    return Batch.read(row), False


def row_of(
    principal: Principal, new: NewBatch, found: BatchEstimate, made: Sequence[Input]
) -> dict:
    """The batch as it is stored."""
    model, now = found.each.model, utcnow()
    names = {"model": model.id, "provider": model.provider}
    return Batch.row(
        user_id=new.like.user_id,
        name=new.name,
        prompts=list(found.prompts),
        total=len(found.prompts),
        n=new.like.n,
        asked={**settings_of(new.like), **names},
        inputs=[each.id for each in made] or None,
        lane=model.lane,
        webhook=new.like.webhook,
        pairs=stored_pairs(new.like.metadata),
        key_id=principal.key.id if principal.key else None,
        open=True,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def insert(row: dict, named: Sequence[Named], made: Sequence[Input]) -> Batch | None:
    """
    Write the batch.

    Returns:
        The one that has its key already; None where it is written.

    Raises:
        Invalid: a picture has just been given up.
        IdempotencyKeyReused: as `earlier`.
    """
    if made:
        inputs.mark_used(row["user_id"], made, named)
    try:
        Batch.collection().insert_one(row)
    except DuplicateKeyError:
        kept = earlier(row["_id"], row.get("idem_hash", ""))
        if kept is None:
            raise
        return kept
    return None


def settings_of(like: NewTask) -> dict:
    """What is set, as JSON."""
    found = {name: getattr(like, name) for name in SETTINGS}
    return {name: value for name, value in found.items() if value is not None}


def check_room(principal: Principal, like: NewTask) -> None:
    """
    Raises:
        QuotaExceeded: it could never be begun.
        TooManyBatches: as in `create`.
    """
    quota = limits.quota_of(principal, like.user_id)
    if quota is not None and like.n > quota:
        raise QuotaExceeded(f"user {like.user_id}", limit=quota, left=quota)
    of_key = principal.key and principal.key.per_day
    if of_key and like.n > of_key:
        raise KeyQuotaExceeded("batch", limit=of_key, left=of_key)
    mine = {"user_id": like.user_id, "open": True}
    count = Batch.collection().count_documents(mine, limit=MAX_OPEN)
    if count >= MAX_OPEN:
        raise TooManyBatches(f"user {like.user_id}", retry_after=60, limit=MAX_OPEN)


def create_or_find(
    principal: Principal, new: NewBatch, call: str, *, idem_key: str | None = None
) -> tuple[Batch, bool]:
    """
    `create`, but of equal calls one makes a batch until that has ended.

    Args:
        call: What equal calls have in common, as text.
        idem_key: As `create`; then only that counts.

    Returns:
        The batch, and whether an earlier call had made it.

    Raises:
        JimengError: as `create`.
    """
    if idem_key is not None:
        return create(principal, new, idem_key=idem_key)
    mark = hashlib.sha256(call.encode()).hexdigest()
    for number in range(MAX_IN_TURN):
        key = MARK.format(mark=mark, number=number)
        found = Batch.find_one({"_id": keyed_id(new.like.user_id, key)})
        # Calls at one moment come to the same number, of which there is one batch.
        if found is None:
            return create(principal, new, idem_key=key)
        if found.is_open and not found.deleted_at:
            return found, True
    return create(principal, new)


def keyed_id(user_id: str, idem_key: str) -> str:
    """The id of the batch that a user's idempotency key makes."""
    text = f"{user_id} {idem_key}"
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(body: list, named: Sequence[Named]) -> str:
    """
    What two requests under one key must have in common.

    Args:
        body: What was asked for, as JSON, without what goes in.
    """
    # Pictures by their bytes: no two forms that hold the same are the same.
    marks = [[[each.field, each.mark] for each in named]] if named else []
    text = json.dumps([*body, *marks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def earlier(batch_id: str, mark: str) -> Batch | None:
    """
    Raises:
        IdempotencyKeyReused: it was asked for in other words, or is deleted.
    """
    kept = Batch.find_one({"_id": batch_id})
    if kept is not None and (kept.idem_hash != mark or kept.deleted_at):
        raise IdempotencyKeyReused(f"key of batch {batch_id}")
    return kept
