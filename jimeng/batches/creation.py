"""Create a batch: once for all requests with the same idempotency key."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

from pymongo.errors import DuplicateKeyError

from jimeng import inputs, limits
from jimeng.batches import filling
from jimeng.batches.expansion import labels_of
from jimeng.batches.validation import (
    BatchEstimate,
    NewBatch,
    check_limits,
    validate,
)
from jimeng.documents import Batch, Input, best_effort, utcnow
from jimeng.documents.batch import PREFIX, new_batch_id
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.task import stored_pairs
from jimeng.errors import IdempotencyKeyReused, JimengError
from jimeng.inputs import Named
from jimeng.tasks import Request
from jimeng.tasks.creation import Plan
from jimeng.webhooks import outbox

log = logging.getLogger(__name__)

MAX_NAME_CHARS = 100
# Settings of each task, besides its prompt.
SETTINGS = ("size", "quality", "style", "n", "seed", "strength")
# Fields of the request that are not stored with it: bytes, and those stored elsewhere.
NOT_STORED = ("images", "mask", "metadata")
MAX_TEMPLATE_CHARS = 2000  # of a stored template
MAX_EQUAL = 50  # equal batches of a user that are numbered
# Idempotency keys of requests contain no space.
MARK = "equal call {mark} {number}"


def create(
    principal: Principal, new: NewBatch, *, idem_key: str | None = None
) -> tuple[Batch, bool]:
    """
    Store a batch, and create its first tasks. One for another user is recorded in the
    audit trail.

    Args:
        idem_key: A repeated request with the same key returns the existing batch.

    Returns:
        The batch, and whether an earlier request had created it.

    Raises:
        UserIdNotYours: only operators create for other users.
        ModelNotAllowed: the request's key is limited to other models.
        Invalid: the model does not accept a prompt or a field, or an input does
            not exist for the principal, or is no picture.
        UploadsFull: as `inputs.store_all`.
        IntakePaused: an operator has paused the intake.
        TooManySubmissions: as for one task.
        QuotaExceeded: one prompt needs more pictures than the daily quota.
        KeyQuotaExceeded: or more than the key's.
        TooManyBatches: as `check_limits`.
        QueueUnavailable: Redis is unavailable; nothing was stored.
        IdempotencyKeyReused: the key was used for another request.
    """
    found, named = validate(principal, new)
    user_id = new.like.user_id
    with recorded_on_behalf(
        principal, user_id, "batches.create", n=found.pictures
    ) as outcome:
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
    settings = {k: each for k, each in new.request.items() if k not in NOT_STORED}
    if new.like.video is not None:
        settings["video"] = new.like.video.stored()
    asked = [list(new.prompts), new.template, new.name, new.like.fingerprint_fields]
    mark = fingerprint(asked, named)
    batch_id = new_batch_id() if idem_key is None else keyed_id(user_id, idem_key)
    if idem_key is not None:
        existing = existing_batch(batch_id, mark)  # before the inputs are stored again
        if existing is not None:
            return existing, True
    check_limits(principal, new.like)
    limits.reserve_submission(principal, user_id)
    new = replace(new, like=new.like.signed_for(principal))
    if new.like.webhook_url is not None:
        outbox.ensure_default(new.like.origin.signer or user_id)
    stored_inputs = inputs.store_all(user_id, named)
    try:
        if stored_inputs:  # by now the sizes of the inputs are known
            planned = Plan.of(found.like, found.each.model)
            replace(planned, stored=stored_inputs).output_size()
        row = row_of(principal, new, found, stored_inputs)
        row |= {
            "_id": batch_id,
            "given": {**settings, **inputs.stored_references(named, stored_inputs)},
        }
        if idem_key is not None:
            row["idem_hash"] = mark
        existing = insert(row, named, stored_inputs)
    except JimengError:
        inputs.discard(stored_inputs, named)
        raise
    if existing is not None:
        inputs.discard(stored_inputs, named)
        return existing, True
    return Batch.read(row), False


def row_of(
    principal: Principal,
    new: NewBatch,
    found: BatchEstimate,
    stored_inputs: Sequence[Input],
) -> dict:
    """The document to store."""
    model, now = found.each.model, utcnow()
    names = {"model": model.id, "provider": model.provider}
    is_grid = labels_of(new.template, len(found.prompts)) and not new.prompts
    is_short = len(new.template) <= MAX_TEMPLATE_CHARS
    return Batch.row(
        user_id=new.like.user_id,
        owner_id=limits.owner_of(principal, new.like.user_id),
        name=new.name,
        prompts=list(found.prompts),
        template=new.template.strip() if is_grid and is_short else "",
        total=len(found.prompts),
        n=new.like.n,
        asked={**settings_of(new.like), **names},
        inputs=[each.id for each in stored_inputs] or None,
        lane=model.lane,
        quoted_micros=found.each.micros,
        webhook=new.like.webhook,
        pairs=stored_pairs(new.like.metadata),
        key_id=principal.key.id if principal.key else None,
        open=True,
        due_at=now,
        created_at=now,
        updated_at=now,
    )


def insert(
    row: dict, named: Sequence[Named], stored_inputs: Sequence[Input]
) -> Batch | None:
    """
    Insert the batch.

    Returns:
        The existing batch of its key; None if it was inserted.

    Raises:
        Invalid: an input was just deleted.
        IdempotencyKeyReused: as `existing_batch`.
    """
    if stored_inputs:
        inputs.mark_used(row["user_id"], stored_inputs, named)
    try:
        Batch.collection().insert_one(row)
    except DuplicateKeyError:
        existing = existing_batch(row["_id"], row.get("idem_hash", ""))
        if existing is None:
            raise
        return existing
    return None


def settings_of(like: Request) -> dict:
    """The settings that are not None, as JSON."""
    found = {name: getattr(like, name) for name in SETTINGS}
    found["video"] = like.video and like.video.stored()
    return {name: value for name, value in found.items() if value is not None}


def create_or_find(
    principal: Principal, new: NewBatch, call: str, *, idem_key: str | None = None
) -> tuple[Batch, bool]:
    """
    `create`, but equal calls share one batch until it has ended.

    Args:
        call: The identity of equal calls, as text.
        idem_key: As `create`; replaces *call*.

    Returns:
        The batch, and whether an earlier call had created it.

    Raises:
        JimengError: as `create`.
    """
    if idem_key is not None:
        return create(principal, new, idem_key=idem_key)
    mark = hashlib.sha256(call.encode()).hexdigest()
    for number in range(MAX_EQUAL):
        key = MARK.format(mark=mark, number=number)
        found = Batch.find_one({"_id": keyed_id(new.like.user_id, key)})
        # Concurrent calls arrive at the same number, and so at the same batch.
        if found is None:
            return create(principal, new, idem_key=key)
        if found.is_open and not found.deleted_at:
            return found, True
    return create(principal, new)


def keyed_id(user_id: str, idem_key: str) -> str:
    """The batch id that is derived from a user's idempotency key."""
    text = f"{user_id} {idem_key}"
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(body: list, named: Sequence[Named]) -> str:
    """
    The fingerprint by which repeated requests with one key are compared.

    Args:
        body: The request as JSON, without its inputs.
    """
    # Inputs by a hash of their bytes: two equal multipart forms differ as bytes.
    marks = [[[each.field, each.mark] for each in named]] if named else []
    text = json.dumps([*body, *marks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def existing_batch(batch_id: str, mark: str) -> Batch | None:
    """
    Find the batch of a repeated request.

    Raises:
        IdempotencyKeyReused: it was another request, or is deleted.
    """
    existing = Batch.find_one({"_id": batch_id})
    if existing is not None and (existing.idem_hash != mark or existing.deleted_at):
        raise IdempotencyKeyReused(f"key of batch {batch_id}")
    return existing
