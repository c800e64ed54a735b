"""Asking: the prompts are judged, every one, and then the batch is written."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from pymongo.errors import DuplicateKeyError

from jimeng import limits
from jimeng.batches import expansion, filling
from jimeng.batches.expansion import MOST, MOST_TOLD, Expanded
from jimeng.documents import Batch, left_over, utcnow
from jimeng.documents.batch import PREFIX, new_batch_id
from jimeng.errors import IdempotencyKeyReused, Invalid, QuotaExceeded
from jimeng.errors.batches import TooManyBatches
from jimeng.lanes import switches
from jimeng.providers import Model
from jimeng.tasks import Estimate, NewTask
from jimeng.tasks.building import check, judge
from jimeng.tasks.creation import model_for
from jimeng.viewers import Viewer, noted

log = logging.getLogger(__name__)

MOST_OPEN = 20  # batches of one user
LONGEST_NAME = 100  # characters
# What each of the tasks is asked for with, besides its prompt.
SETTINGS = ("size", "quality", "style", "n", "seed")


@dataclass(frozen=True, kw_only=True)
class NewBatch:
    """
    What is asked for; `schemas` has checked the types.

    Attributes:
        like: What each task is like, but for its prompt. No pictures go in.
        prompts: Meant as they stand.
        template: Others, as `expansion` reads them; they come after those.
        name: What it is called; may be empty.
        given: The settings as they came, for the record.
    """

    like: NewTask
    prompts: Sequence[str] = ()
    template: str = ""
    name: str = ""
    given: dict = field(default_factory=dict)


@dataclass(frozen=True)
class BatchEstimate:
    """
    Attributes:
        each: What one of the tasks would be, and cost.
        prompts: Of all, each once.
        repeated: How many more were written that were the same.
    """

    each: Estimate
    prompts: tuple[str, ...]
    repeated: int = 0

    @property
    def pictures(self) -> int:
        return len(self.prompts) * self.each.n

    @property
    def fen_of_all(self) -> int | None:
        """Hundredths of a yuan; None where nobody knows."""
        return None if self.each.fen is None else self.each.fen * self.pictures


def estimate(viewer: Viewer, new: NewBatch) -> BatchEstimate:
    """
    Judge a request as `create` does. Nothing is written or taken of any limit.

    Raises:
        UserIdNotYours: as `create`, and so is ModelNotAllowed.
        Invalid: as `create`.
    """
    viewer.require_owner(new.like.user_id, "batch")
    model = model_for(viewer, new.like)
    found = written(new)
    check_all(new, found, model)
    size = model.resolve_size(new.like.size, new.like.quality)
    each = Estimate(model, new.like.n, size)
    return BatchEstimate(each, found.prompts, found.repeated)


def written(new: NewBatch) -> Expanded:
    """
    All prompts, each once.

    Raises:
        Invalid: there are none, or too many, or a line is no template.
    """
    plain = expansion.without_repeated(new.prompts)
    made = expansion.expand(new.template)
    # Of plain ones the place is told as below zero: -1 is the first.
    found = {text: -line for text, line in zip(plain.prompts, plain.lines, strict=True)}
    for text, line in zip(made.prompts, made.lines, strict=True):
        found.setdefault(text, line)
    here = len(plain.prompts) + len(made.prompts) - len(found)
    if not found:
        name = "prompts" if new.prompts else expansion.FIELD
        raise Invalid.field(name, "invalid.template_none")
    if len(found) > MOST:
        raise expansion.too_many(len(found), MOST)
    repeated = plain.repeated + made.repeated + here
    return Expanded(tuple(found), tuple(found.values()), repeated)


def check_all(new: NewBatch, found: Expanded, model: Model) -> None:
    """
    Ask the model about every prompt.

    Raises:
        Invalid: naming the lines of those that it does not take, or a field.
    """
    wrong: dict[str, list[tuple[str, dict]]] = {}
    for prompt, line in zip(found.prompts, found.lines, strict=True):
        one = replace(new.like, prompt=prompt)
        try:
            check(one, model)
            judge(one, model)
        except Invalid as error:
            reasons = error.fields.pop("prompt", [])
            if not reasons:
                raise
            if line < 0:
                wrong[f"prompts.{-line - 1}"] = [*reasons]
            else:
                said = wrong.setdefault(expansion.FIELD, [])
                said += [in_line(line, *reason) for reason in reasons]
            if sum(map(len, wrong.values())) >= MOST_TOLD:
                break
    if wrong:
        raise Invalid(wrong)


def in_line(line: int, key: str, values: dict) -> tuple[str, dict]:
    """A reason of a prompt's, with its line."""
    if key == "invalid.prompt_length":
        return "invalid.template_length", {"line": line, **values}
    return key, values


def create(
    viewer: Viewer, new: NewBatch, *, idem_key: str | None = None
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
        Invalid: a prompt or a field, which the model does not take.
        IntakePaused: the operator takes nothing new for a while.
        TooManySubmissions: as of one task.
        QuotaExceeded: no day allows as many pictures as one prompt asks for.
        TooManyBatches: the user has `MOST_OPEN` that go on.
        QueueUnavailable: Redis is away; nothing has been written.
        IdempotencyKeyReused: the key came before with another request.
    """
    found = estimate(viewer, new)
    user_id = new.like.user_id
    with noted(viewer, user_id, "batches.create", n=found.pictures) as outcome:
        batch, replayed = write(viewer, new, found, idem_key)
        outcome["batch"] = batch.id
    if not replayed:
        log.info("batch created id=%s user=%s n=%d", batch.id, user_id, batch.total)
        with left_over("first tasks"):
            filling.begin(batch)
    return batch, replayed


def write(
    viewer: Viewer, new: NewBatch, found: BatchEstimate, idem_key: str | None
) -> tuple[Batch, bool]:
    user_id, model = new.like.user_id, found.each.model
    asked = {n: value for n, value in plain(new.like).items() if n in SETTINGS}
    batch_id, mark = new_batch_id(), fingerprint(new)
    if idem_key is not None:
        batch_id = keyed_id(user_id, idem_key)
        kept = earlier(batch_id, mark)
        if kept is not None:
            return kept, True
    switches.check_intake()
    check_room(viewer, new.like)
    limits.take_submission(user_id)
    now = utcnow()
    row = Batch.row(
        id=batch_id,
        user_id=user_id,
        name=new.name,
        prompts=list(found.prompts),
        total=len(found.prompts),
        n=new.like.n,
        asked={**asked, "model": model.id, "provider": model.provider},
        given=new.given,
        lane=model.lane,
        key_id=viewer.key.id if viewer.key else None,
        idem_hash=mark if idem_key is not None else None,
        open=True,
        due_at=now,
        created_at=now,
        updated_at=now,
    )
    try:
        Batch.collection().insert_one(row)
    except DuplicateKeyError:
        kept = earlier(batch_id, mark)
        if kept is None:
            raise
        return kept, True
    return Batch.read(row), False


def plain(like: NewTask) -> dict:
    """What is set, as JSON."""
    return {name: value for name, value in asdict(like).items() if value is not None}


def keyed_id(user_id: str, idem_key: str) -> str:
    """The id of the batch that a user's idempotency key makes."""
    text = f"{user_id} {idem_key}"
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(new: NewBatch) -> str:
    """What two requests under one key must have in common."""
    body = [list(new.prompts), new.template, new.name, new.given]
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
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


def check_room(viewer: Viewer, like: NewTask) -> None:
    """
    Raises:
        QuotaExceeded: it could never be begun.
        TooManyBatches: as in `create`.
    """
    quota = limits.quota_of(viewer, like.user_id)
    if quota is not None and like.n > quota:
        raise QuotaExceeded(f"user {like.user_id}", limit=quota, left=quota)
    mine = {"user_id": like.user_id, "open": True}
    count = Batch.collection().count_documents(mine, limit=MOST_OPEN)
    if count >= MOST_OPEN:
        raise TooManyBatches(f"user {like.user_id}", retry_after=60, limit=MOST_OPEN)
