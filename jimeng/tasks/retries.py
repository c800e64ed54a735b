"""Retry tasks that failed or were cancelled, or run a task again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from jimeng import inputs
from jimeng.documents import Status, Task
from jimeng.documents.auditing import audited
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import MayBeChargedTwice, TaskNotRetryable
from jimeng.jobs.endings import CANCELLED
from jimeng.providers import Expansion, VideoParameters
from jimeng.providers.models.model import SEED_RANGE
from jimeng.providers.registry import retryable
from jimeng.tasks import failure_hints
from jimeng.tasks.creation import Origin, Request, create, with_style
from jimeng.tasks.estimates import Estimate, estimate
from jimeng.tasks.queries import find, owner_filter, prompt_filter

RETRYABLE = frozenset(("completed", "failed", "cancelled"))
MAX_AT_ONCE = 100  # tasks in one request
MAX_SCANNED = 200  # newest failed tasks
READY, PAID, HOPELESS, WITHDRAWN = "ready", "paid", "hopeless", "withdrawn"


@dataclass(frozen=True)
class RetryableFailures:
    """
    Which of a user's failed tasks can be retried together without further consent.

    Attributes:
        task_ids: These tasks, newest first, up to `MAX_AT_ONCE`.
        pictures: How many they request.
        paid: How many others were, or may have been, charged: each needs consent.
        hopeless: How many others would fail the same way.
    """

    task_ids: list[str]
    pictures: int
    paid: int
    hopeless: int


@dataclass(frozen=True)
class Wording:
    """
    Attributes:
        prompt: As the user wrote it.
        style: As the user named it, or None.
    """

    prompt: str
    style: str | None = None


def original_wording(task: Task) -> Wording:
    """The prompt and style as the user wrote them; else the prompt as it was sent."""
    prompt, style = task.input.get("prompt"), task.input.get("style")
    # A style's phrase may have changed since; then only the prompt as sent is certain.
    if prompt and with_style(prompt, style) == task.prompt:
        return Wording(prompt, style or None)
    return Wording(task.prompt)


@audited(Task, "tasks.retry")
def retry(
    principal: Principal,
    task_id: str,
    *,
    accept_double_charge: bool = False,
    idem_key: str | None = None,
    new_id: str | None = None,
) -> tuple[Task, bool]:
    """
    Create a task for the pictures that a task lacks. It belongs to the same batch, and
    has the same metadata and ``webhook_url``.

    Args:
        accept_double_charge: Required if the first was, or may have been, charged.
        idem_key: As in `create`.
        new_id: As `Origin.id`.

    Returns:
        The new task, and whether an earlier request had created it.

    Raises:
        TaskNotFound: as in `find`.
        TaskNotRetryable: it has not ended, or has all its pictures.
        MayBeChargedTwice: the provider has, or may have, charged for the first.
        Invalid: as in `create`: the model may be gone.
    """
    task = find(principal, task_id)
    new = request_for_missing(
        task, accept_double_charge=accept_double_charge, new_id=new_id
    )
    return create(principal, new, idem_key=idem_key)


def estimate_retry(
    principal: Principal, task_id: str, *, accept_double_charge: bool = False
) -> Estimate:
    """
    Estimate what `retry` would create; nothing is created, no limit is used up.

    Raises:
        TaskNotFound: as `retry`, and so is all else.
    """
    task = find(principal, task_id)
    return estimate(
        principal, request_for_missing(task, accept_double_charge=accept_double_charge)
    )


def request_for_missing(
    task: Task, *, accept_double_charge: bool, new_id: str | None = None
) -> Request:
    """
    The request for the pictures that a task lacks.

    Raises:
        TaskNotRetryable: as `retry`, and so are MayBeChargedTwice and Invalid.
    """
    missing = [index for index in range(task.n) if index not in task.done]
    if task.status not in RETRYABLE or not missing:
        raise TaskNotRetryable(f"task {task.id} is {task.status}")
    if task.may_be_charged_twice and not accept_double_charge:
        raise MayBeChargedTwice(f"task {task.id}")
    seed = (task.seed + missing[0]) % SEED_RANGE if task.seed_given else -1
    webhook = task.webhook or {}
    return same_request(
        task,
        webhook_url=webhook.get("url"),
        webhook_events=webhook.get("events") or (),
        metadata=task.metadata,
        user_id=task.user_id,
        n=len(missing),
        seed=seed,
        received=task.input,
        origin=Origin(
            id=new_id,
            retried_from=task.id,
            batch=task.batch,
            batch_index=task.batch_index,
            signer=webhook.get("signer"),
        ),
    )


def run_again(
    principal: Principal, task_id: str, *, idem_key: str | None = None
) -> tuple[Task, bool]:
    """
    Run a task again with a new seed, whatever its status.

    The new task belongs to the principal and has no metadata or ``webhook_url``. It
    starts at once, even if the first had a delay.

    Args:
        idem_key: As in `create`.

    Returns:
        The new task, and whether an earlier request had created it.

    Raises:
        TaskNotFound: as in `find`.
        Invalid: as in `create`: the model may be gone.
        TooManyPending: as `create`, and so is all else.
    """
    task = find(principal, task_id)
    changed = {"user_id", "seed", "delay", "webhook_url", "webhook_events"}
    fields = {name: each for name, each in task.input.items() if name not in changed}
    new = same_request(task, user_id=principal.user_id, n=task.n, received=fields)
    return create(principal, new, idem_key=idem_key)


def same_request(task: Task, *, origin: Origin | None = None, **values: Any) -> Request:
    """The request of *task* as it was sent, with *values* set in addition."""
    same: dict = {"prompt": task.prompt, "model": task.model, "provider": task.provider}
    again = inputs.references_of(task.inputs or [], has_mask=bool(task.has_mask))
    same["origin"] = replace(origin or Origin(), inputs=tuple(again))
    if task.video is not None:
        same["video"] = VideoParameters.read(task.video)
    elif not task.inputs:
        same["size"] = f"{task.width}x{task.height}"
    else:
        fields = values["received"]
        same |= {
            "size": fields.get("size"),  # resolved against the inputs again
            "quality": fields.get("quality") or "standard",
            "strength": task.strength,
            "expand": Expansion(**task.expand) if task.expand else None,
        }
    return Request(**same, **values)


def find_retries(principal: Principal, task_ids: Iterable[str]) -> dict[str, str]:
    """Task id -> the id of its newest retry, for tasks that have one."""
    where = {"retried_from": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    rows = Task.collection().find(where, {"retried_from": 1}).sort("created_at", 1)
    return {row["retried_from"]: row["_id"] for row in rows}


def retryable_failures(
    principal: Principal,
    user_id: str,
    *,
    q: str = "",
    condition: dict | None = None,
) -> RetryableFailures:
    """
    Sort a user's newest failed tasks by whether they can be retried.

    Tasks that were retried already are not counted.

    Args:
        q: Only those whose prompt contains all of these words.
        condition: An additional MongoDB filter.

    Raises:
        UserNotFound: the principal may not see that user.
    """
    where = {**owner_filter(principal, user_id), **THERE, "status": Status.FAILED.value}
    steps: list[dict] = [
        {"$match": {**where, **(condition or {})}},
        {"$sort": dict(NEWEST_FIRST)},
        {"$limit": MAX_SCANNED},
        {"$match": prompt_filter(q)},
        {"$project": {"n": 1, "outcomes": 1}},
    ]
    # One MongoDB reply.
    found = list(Task.collection().aggregate(steps, batchSize=MAX_SCANNED))
    retried = find_retries(principal, (row["_id"] for row in found))
    remaining = [row for row in found if row["_id"] not in retried]
    kinds = [kind_of(Task.read(row)) for row in remaining]
    # A task all of whose pictures were cancelled one by one has failed, too.
    may = {READY, WITHDRAWN}
    ready = [row for row, kind in zip(remaining, kinds, strict=True) if kind in may]
    ready = ready[:MAX_AT_ONCE]
    return RetryableFailures(
        [row["_id"] for row in ready],
        sum(row["n"] for row in ready),
        kinds.count(PAID),
        kinds.count(HOPELESS),
    )


def kind_of(task: Task) -> str:
    """
    What a retry of an ended task would be: ``ready``, possibly ``paid`` twice,
    ``hopeless``, or ``withdrawn`` (its owner has cancelled the pictures).
    """
    if task.may_be_charged_twice:
        return PAID
    codes = {error["code"] for error in task.failures.values()} - {CANCELLED["code"]}
    if not codes:
        return WITHDRAWN
    useful = any(
        retryable(code) and code not in failure_hints.FAILURE_HINTS for code in codes
    )
    return READY if useful else HOPELESS
