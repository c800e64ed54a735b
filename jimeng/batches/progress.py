"""Progress: a batch's pictures by state, and what a retry could add."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from jimeng import jobs, lanes
from jimeng.batches import capacity
from jimeng.documents import Batch, Generation, Status, Task
from jimeng.documents.generation import WAITING
from jimeng.documents.task import ENDED, THERE, known_sum
from jimeng.jobs.endings import CANCELLED
from jimeng.providers.registry import retryable
from jimeng.tasks import failure_hints
from jimeng.tasks.creation import eta
from jimeng.tasks.retries import kind_of

NEEDED = dict.fromkeys(
    ("batch", "batch_index", "status", "n", "outcomes", "retried_from", "created_at"), 1
) | dict.fromkeys(("reason", "costs", "hold_micros"), 1)
CANCELLED_CODE = CANCELLED["code"]
MAX_EXAMPLES = 3  # tasks of one reason


@dataclass
class Reason:
    """
    Pictures that failed for one reason.

    Attributes:
        remedy: The failure hint, as in `failure_hints`.
        task_ids: Some of their tasks.
    """

    code: str
    pictures: int = 0
    task_ids: list[str] = field(default_factory=list)

    @property
    def remedy(self) -> str:
        return (
            failure_hints.hint_for([self.code])
            if self.may_retry
            else failure_hints.hint_unless_retryable(self.code)
        )

    @property
    def may_retry(self) -> bool:
        return retryable(self.code)


@dataclass
class Progress:
    """
    The number of a batch's pictures in each state; those of deleted tasks are not
    counted.

    Attributes:
        unmade: Their tasks are not created yet, or never, if the batch was stopped.
        waiting: Queued.
        drawing: At the provider, or being saved.
        ready: Missing, and can be retried without risk.
        paid: Missing, and possibly charged.
        hopeless: Missing, and would fail the same way.
        withdrawn: Missing because they were cancelled.
        reasons: Of the failed ones, most frequent first. Not stored with the batch.
        eta_seconds: Until the last is finished; None while it waits.
        cost_micros: What its tasks have cost, as far as that is known; None if of none.
        held_micros: What is reserved for them; None if unknown.
        price_micros: The highest price of a picture when its task was created; None if
            unknown.
        hold_reason: Why nothing is sent for now, as `lanes.hold_reason_of`.
    """

    unmade: int = 0
    waiting: int = 0
    drawing: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    ready: int = 0
    paid: int = 0
    hopeless: int = 0
    withdrawn: int = 0
    cost_micros: int | None = None
    held_micros: int | None = None
    price_micros: int | None = None
    reasons: list[Reason] = field(default_factory=list)
    eta_seconds: int | None = None
    hold_reason: str | None = None

    @property
    def total(self) -> int:
        return self.ended + self.waiting + self.drawing + self.unmade

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.cancelled

    @property
    def is_open(self) -> bool:
        """Whether any of its tasks is unfinished."""
        return bool(self.waiting or self.drawing)

    @property
    def percent(self) -> int:
        return 100 * self.ended // self.total if self.total else 100

    def lack(self, kind: str, pictures: int) -> None:
        setattr(self, kind, getattr(self, kind) + pictures)

    @property
    def stored_counts(self) -> dict[str, int]:
        """The counts that are stored when the batch ends."""
        return {name: each for name, each in asdict(self).items() if name in NUMBERS}

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> "Progress":
        """Read stored counts, also those of another release."""
        known = {n: each for n, each in counts.items() if n in NUMBERS}
        found = cls()
        for name, each in known.items():
            if isinstance(each, int):
                setattr(found, name, each)
        return found


NUMBERS = frozenset(
    each.name
    for each in fields(Progress)
    if each.name not in ("reasons", "eta_seconds", "hold_reason")
)


def goes_on(batch: Batch, found: Progress) -> bool:
    """Whether more pictures may follow; the end is recorded after the last one."""
    if batch.stopped is not None or not batch.is_open:
        return found.is_open
    return batch.is_filling or bool(batch.again) or found.is_open


def status_of(batch: Batch, found: Progress) -> str:
    """``pending``, ``processing``, ``completed``, ``failed`` or ``cancelled``."""
    if batch.stopped is not None:
        return Status.CANCELLED.value
    if goes_on(batch, found):
        return Status.PROCESSING.value if batch.made else Status.PENDING.value
    return Status.COMPLETED.value if found.done else Status.FAILED.value


def progress(batch: Batch) -> Progress:
    """The current progress of a batch, with reasons."""
    rows = rows_of(batch)
    return counted(batch, rows, under_way(rows))


def progress_of_all(batches: Iterable[Batch]) -> dict[str, Progress]:
    """Progress by id; of ended batches as stored, if that is still valid."""
    return {
        each.id: (
            progress(each)
            if each.is_open or each.counts is None
            else Progress.of(each.counts)
        )
        for each in batches
    }


def rows_of(batch: Batch, **where: Any) -> list[dict]:
    where = {"batch": batch.id, **THERE, **where}
    rows = Task.collection().find(where, NEEDED).sort("_id", 1)
    return list(rows.batch_size(5000))  # in one response


def under_way(rows: Iterable[dict]) -> dict[str, int]:
    """Unfinished task -> how many of its pictures are no longer queued."""
    ids = [row["_id"] for row in rows if row["status"] not in ENDED]
    if not ids:
        return {}
    began = {"task_id": {"$in": ids}, "state": {"$nin": WAITING}}
    groups: list[dict] = [
        {"$match": began},
        {"$group": {"_id": "$task_id", "n": {"$sum": 1}}},
    ]
    found = Generation.collection().aggregate(groups, hint="task")
    return {row["_id"]: row["n"] for row in found}


def counted(batch: Batch, rows: list[dict], begun: Mapping[str, int]) -> Progress:
    found = Progress(unmade=batch.remaining * batch.n)
    reasons: dict[str, Reason] = {}
    owed = owed_by(batch, rows)
    for row in rows:
        task = Task.read(row)
        found.cost_micros = known_sum((found.cost_micros, task.cost_micros))
        found.held_micros = known_sum((found.held_micros, task.held_micros))
        prices = [each for each in (found.price_micros, task.hold_micros) if each]
        found.price_micros = max(prices, default=None)
        errors = list(task.failures.values())
        found.done += len(task.done)
        unfinished, owes = row["n"] - len(task.ends), owed.get(row["_id"], 0)
        if row["status"] not in ENDED:
            past = min(max(begun.get(row["_id"], 0) - len(task.ends), 0), unfinished)
            found.drawing += past
            found.waiting += unfinished - past
        elif not owes:
            continue  # its missing pictures are counted for another task
        else:
            found.lack(kind_of(task), owes)
            found.cancelled += min(unfinished, owes)
            errors = errors[: max(owes - unfinished, 0)]
        for error in errors:
            if error["code"] == CANCELLED_CODE:
                found.cancelled += 1
                continue
            found.failed += 1
            add_to_reason(
                reasons.setdefault(error["code"], Reason(error["code"])), row["_id"]
            )
    found.reasons = sorted(reasons.values(), key=lambda each: -each.pictures)
    if batch.is_open and batch.stopped is None and (found.unmade or found.is_open):
        limits = jobs.runtime().registry.limits_in(batch.lane)
        found.hold_reason = lanes.hold_reason_of(batch.lane, limits)
        stops = batch.waits or capacity.will_wait(batch, found.unmade)
        found.eta_seconds = None if stops else estimate_seconds(batch, found)
    return found


def owed_by(batch: Batch, rows: list[dict]) -> dict[str, int]:
    """
    Ended task -> missing pictures that no other task accounts for. If a prompt was
    retried more than once, its latest tasks account for the missing pictures.
    """
    again = {row.get("retried_from") for row in rows}
    missing: dict[object, int] = {}  # prompt -> pictures
    lacks: dict[str, int] = {}
    for row in rows:
        task = Task.read(row)
        lacks[task.id] = task.n - len(task.done)
        expected = len(task.done) if task.status in ENDED else task.n
        prompt = row.get("batch_index", task.id)
        missing[prompt] = missing.get(prompt, batch.n) - expected
    owed = {}
    for row in reversed(rows):
        task_id, prompt = row["_id"], row.get("batch_index", row["_id"])
        if row["status"] in ENDED and task_id not in again:
            owes = max(min(lacks[task_id], missing[prompt]), 0)
            missing[prompt] -= owes
            owed[task_id] = owes
    return owed


def add_to_reason(reason: Reason, task_id: str) -> None:
    reason.pictures += 1
    if task_id not in reason.task_ids and len(reason.task_ids) < MAX_EXAMPLES:
        reason.task_ids.append(task_id)


def estimate_seconds(batch: Batch, found: Progress) -> int | None:
    """Estimated seconds until its last picture is finished."""
    model = jobs.runtime().registry.by_lane(batch.lane)
    if model is None:
        return None
    _, queued = lanes.read_queue(batch.lane).totals
    ahead = max(queued, found.waiting) + found.unmade
    starts = eta(model, ahead)
    if starts is None:
        return None  # sending is paused
    return starts + round(lanes.expected_duration(model.lane, model.typical))
