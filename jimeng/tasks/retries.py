"""Running again: what failed or was cancelled, or the same once more."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jimeng import inputs
from jimeng.documents import Status, Task
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import MayBeChargedTwice, TaskNotRetryable
from jimeng.jobs.endings import CANCELLED
from jimeng.providers import Expansion
from jimeng.providers.registry import retryable
from jimeng.tasks import failure_hints
from jimeng.tasks.audit import audited
from jimeng.tasks.creation import create
from jimeng.tasks.estimates import Estimate, estimate
from jimeng.tasks.queries import find, owned
from jimeng.tasks.requests import NewTask, styled

RETRYABLE = frozenset(("completed", "failed", "cancelled"))
MAX_AT_ONCE = 100  # tasks in one request
MAX_LOOKED_AT = 200  # failed tasks, the newest
READY, PAID, HOPELESS, WITHDRAWN = "ready", "paid", "hopeless", "withdrawn"


@dataclass(frozen=True)
class Again:
    """
    Which of a user's failed tasks can all be run again without a second thought.

    Attributes:
        task_ids: Those, newest first, as many as go at once.
        pictures: How many they ask for.
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
        prompt: As it was written.
        style: As it was named, or None.
    """

    prompt: str
    style: str | None = None


def wording(task: Task) -> Wording:
    """The user's own words; those that were sent, where the record has no others."""
    prompt, style = task.input.get("prompt"), task.input.get("style")
    # A style may stand for other words by now; then only what was sent is sure.
    if prompt and styled(prompt, style) == task.prompt:
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
    Ask once more for the pictures that a task lacks, as a new one. That belongs to the
    same batch, and has the same metadata and ``webhook_url``.

    Args:
        accept_double_charge: Needed where the first was, or may have been, charged.
        idem_key: As in `create`.
        new_id: As `NewTask.id`.

    Returns:
        The new task, and whether an earlier request had made it.

    Raises:
        TaskNotFound: as in `find`.
        TaskNotRetryable: it is still under way, or has all its pictures.
        MayBeChargedTwice: the provider was, or may have been, paid for the first.
        Invalid: as in `create`: the model may be gone.
    """
    task = find(principal, task_id)
    new = lacking(task, accept_double_charge=accept_double_charge, new_id=new_id)
    return create(principal, new, idem_key=idem_key)


def estimate_retry(
    principal: Principal, task_id: str, *, accept_double_charge: bool = False
) -> Estimate:
    """
    What `retry` would create; nothing is created, and no limit is asked.

    Raises:
        TaskNotFound: as `retry`, and so is all else.
    """
    task = find(principal, task_id)
    return estimate(principal, lacking(task, accept_double_charge=accept_double_charge))


def lacking(
    task: Task, *, accept_double_charge: bool, new_id: str | None = None
) -> NewTask:
    """
    What brings the pictures that a task lacks.

    Raises:
        TaskNotRetryable: as `retry`, and so are MayBeChargedTwice and Invalid.
    """
    missing = [index for index in range(task.n) if index not in task.done]
    if task.status not in RETRYABLE or not missing:
        raise TaskNotRetryable(f"task {task.id} is {task.status}")
    if task.may_be_charged_twice and not accept_double_charge:
        raise MayBeChargedTwice(f"task {task.id}")
    seed = (task.seed + missing[0]) % 2**31 if task.seed_given else -1
    webhook = task.webhook or {}
    return anew(
        task,
        webhook_url=webhook.get("url"),
        webhook_events=webhook.get("events") or (),
        metadata=task.metadata,
        user_id=task.user_id,
        n=len(missing),
        seed=seed,
        given=task.input,
        retried_from=task.id,
        id=new_id,
        batch=task.batch,
        batch_index=task.batch_index,
    )


def again(
    principal: Principal, task_id: str, *, idem_key: str | None = None
) -> tuple[Task, bool]:
    """
    Ask for the same as a task did, whatever became of it, with a new seed.

    The new task is the principal's, without metadata and ``webhook_url``. It starts at
    once, even if the first was to wait.

    Args:
        idem_key: As in `create`.

    Returns:
        The new task, and whether an earlier request had made it.

    Raises:
        TaskNotFound: as in `find`.
        Invalid: as in `create`: the model may be gone.
        TooManyPending: as `create`, and so is all else.
    """
    task = find(principal, task_id)
    changed = {"user_id", "seed", "delay", "webhook_url", "webhook_events"}
    given = {name: each for name, each in task.input.items() if name not in changed}
    new = anew(task, user_id=principal.user_id, n=task.n, given=given)
    return create(principal, new, idem_key=idem_key)


def anew(task: Task, **values: Any) -> NewTask:
    """The same as *task*, as it was sent, but for *values*."""
    same: dict = {"prompt": task.prompt, "model": task.model, "provider": task.provider}
    if not task.inputs:
        return NewTask(**same, size=f"{task.width}x{task.height}", **values)
    given = values["given"]
    return NewTask(
        **same,
        size=given.get("size"),  # which the pictures that go in decide over anew
        quality=given.get("quality") or "standard",
        again=tuple(inputs.again(task.inputs, has_mask=bool(task.has_mask))),
        strength=task.strength,
        expand=Expansion(**task.expand) if task.expand else None,
        **values,
    )


def runs_again(principal: Principal, task_ids: Iterable[str]) -> dict[str, str]:
    """Task -> the newest of those that run it again, where there is one."""
    where = {"retried_from": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    rows = Task.collection().find(where, {"retried_from": 1}).sort("created_at", 1)
    return {row["retried_from"]: row["_id"] for row in rows}


def failures(principal: Principal, user_id: str) -> Again:
    """
    Look through a user's failed tasks, for those to run again.

    Those that were run again already are left out of all numbers.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    where = {**owned(principal, user_id), **THERE, "status": Status.FAILED.value}
    rows = Task.collection().find(where, {"n": 1, "outcomes": 1})
    rows = rows.sort(NEWEST_FIRST).limit(MAX_LOOKED_AT)
    found = list(rows.batch_size(MAX_LOOKED_AT))  # one answer
    again = runs_again(principal, (row["_id"] for row in found))
    left = [row for row in found if row["_id"] not in again]
    kinds = [kind_of(Task.read(row)) for row in left]
    # A task of which each picture was cancelled by itself has failed, too.
    may = {READY, WITHDRAWN}
    ready = [row for row, kind in zip(left, kinds, strict=True) if kind in may]
    ready = ready[:MAX_AT_ONCE]
    return Again(
        [row["_id"] for row in ready],
        sum(row["n"] for row in ready),
        kinds.count(PAID),
        kinds.count(HOPELESS),
    )


def kind_of(task: Task) -> str:
    """
    What asking again for what a task that has ended lacks would be: ``ready`` to be
    done, perhaps ``paid`` for twice, ``hopeless``, or what its owner has ``withdrawn``.
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
