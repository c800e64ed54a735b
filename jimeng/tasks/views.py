"""Views of tasks for the interfaces: phase, queue position, progress and pictures."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jimeng import jobs, lanes
from jimeng.documents import Generation, Image, State, Task, best_effort, utcnow
from jimeng.documents.generation import CANNOT_STOP
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.jobs.endings import CANCELLED
from jimeng.providers.registry import retryable
from jimeng.tasks.creation import eta

PHASES = ("preparing", "queued", "submitting", "generating", "saving")
MAX_DERIVED_TASKS = 500  # listed as made from a task's pictures
LINEAGE = {"made_from": 1}
NO_PROVIDER = {"provider_code": None, "provider_request_id": None}
QUEUED = PHASES.index("queued")
PHASE_OF: dict[str, str] = {
    State.PREPARING: "preparing",
    State.DELAYED: "queued",
    State.QUEUED: "queued",
    State.STARTING: "submitting",
    State.SUBMITTING: "submitting",
    State.SEEKING: "submitting",
    State.GENERATING: "generating",
    State.SAVING: "saving",
    State.FETCHING: "saving",
}


@dataclass(frozen=True)
class PictureView:
    """
    One of a task's pictures.

    Attributes:
        index: From 0.
        state: One of `PHASES`, or ``done``, ``failed``, ``cancelled``, ``deleted`` (by
            its owner).
        progress: 0 to 100.
        since: When it was sent to the provider, or None.
        expected: Expected duration from then on in seconds, or None.
        image: Once it is done.
        error: If it failed: ``code``, ``charged``, ``retryable`` and, if known,
            ``provider_code`` and ``provider_request_id``.
        trouble: Why saving it is being retried, or None.
    """

    index: int
    state: str
    progress: int = 0
    since: datetime | None = None
    expected: float | None = None
    image: Image | None = None
    error: dict | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class TaskView:
    """
    Attributes:
        task: The record.
        pictures: All *n*, in order.
        phase: One of `PHASES`, while it has not ended.
        position: Tasks ahead of it, while it is pending.
        eta_seconds: Seconds until it starts, while it is pending and not held.
        held: Why its progress is held, as `lanes.hold_reason`; while it is processing,
            that can only be ``no_worker``.
        progress: 0 to 100; never decreases.
        remote_ids: The provider's ids of its pictures.
        attempts: Submissions, including refused ones.
    """

    task: Task
    pictures: list[PictureView]
    phase: str | None = None
    position: int | None = None
    eta_seconds: int | None = None
    held: str | None = None
    progress: int = 100
    remote_ids: tuple[str, ...] = ()
    attempts: int = 0

    @property
    def images(self) -> list[Image]:
        return [picture.image for picture in self.pictures if picture.image]

    @property
    def troubles(self) -> list[str]:
        """Why saving pictures is being retried, each reason once."""
        return list(dict.fromkeys(p.trouble for p in self.pictures if p.trouble))

    @property
    def errors(self) -> list[dict]:
        return [picture.error for picture in self.pictures if picture.error]


def view(principal: Principal, task: Task) -> TaskView:
    """The view of one task, as `view_all`."""
    return view_all(principal, [task])[0]


def view_with(task: Task, generations: dict[int, Generation]) -> TaskView:
    """The view of an open task with its generations, by index, already read."""
    return _view(task, generations, _images([task.id] if task.done else []))


def view_changed(principal: Principal, task: Task) -> TaskView:
    """
    The full view of a task that was just changed. If MongoDB fails now, its pictures
    are left out, because the change itself has succeeded.
    """
    with best_effort("view"):
        return view_all(principal, [task], whole=True)[0]
    return _view(task, {}, {})


def view_all(
    principal: Principal, tasks: Iterable[Task], *, whole: bool = False
) -> list[TaskView]:
    """
    The views of tasks that *principal* may see.

    Args:
        whole: Read the generations of ended tasks too, for ids and attempts.
    """
    tasks = list(tasks)
    wanted = [task.id for task in tasks if whole or task.is_open]
    generations = _generations(wanted)
    images = _images([task.id for task in tasks if task.done])
    if whole:
        _add_derived_tasks(principal, images)
    return [_view(task, generations.get(task.id, {}), images) for task in tasks]


def _generations(task_ids: list[str]) -> dict[str, dict[int, Generation]]:
    found: dict[str, dict[int, Generation]] = {}
    if not task_ids:
        return found
    for each in Generation.find_all({"task_id": {"$in": task_ids}}):
        found.setdefault(each.task_id, {})[each.index] = each
    return found


def _images(task_ids: list[str]) -> dict[str, Image]:
    if not task_ids:
        return {}
    return {each.id: each for each in Image.find_all({"task_id": {"$in": task_ids}})}


def _add_derived_tasks(principal: Principal, images: dict[str, Image]) -> None:
    """Set on each picture which tasks were made from it."""
    found: dict[str, list[str]] = {image_id: [] for image_id in images}
    sources = {"$in": list(images)}
    where = {"made_from": {"$exists": True}, "made_from.picture": sources}
    rows = Task.collection().find({**where, **principal.filter(), **THERE}, LINEAGE)
    for row in rows.sort("created_at", 1).limit(MAX_DERIVED_TASKS) if images else ():
        for each in row["made_from"]:
            made = found.get(each.get("picture"), [])
            made += [] if row["_id"] in made else [row["_id"]]
    for image_id, made in found.items():
        images[image_id].made_into = tuple(made)


def _view(
    task: Task, generations: dict[int, Generation], images: dict[str, Image]
) -> TaskView:
    pictures = [
        _picture(task, index, generations.get(index), images) for index in range(task.n)
    ]
    ordered = [generations[index] for index in sorted(generations)]
    names = tuple(name for each in ordered for name in each.remote_ids)
    attempts = sum(each.attempts for each in ordered)
    if not task.is_open:
        return TaskView(task, pictures, remote_ids=names, attempts=attempts)
    phases = [PHASES.index(p.state) for p in pictures if p.state in PHASES]
    position, eta_seconds, held = None, None, lanes.hold_reason()
    if task.status == "pending":
        position, eta_seconds = queue_position(task, ordered)
    elif held == lanes.PAUSED:
        held = None  # submitted pictures go on while submission is paused
    return TaskView(
        task,
        pictures,
        phase=PHASES[phase_of(task, phases)],
        position=position,
        eta_seconds=eta_seconds,
        held=held,
        progress=sum(picture.progress for picture in pictures) // task.n,
        remote_ids=names,
        attempts=attempts,
    )


def phase_of(task: Task, phases: list[int]) -> int:
    """The phase of the farthest picture; at most ``queued`` before the task starts."""
    farthest = max(phases, default=QUEUED)
    return farthest if task.started_at else min(farthest, QUEUED)


def _picture(
    task: Task, index: int, generation: Generation | None, images: dict[str, Image]
) -> PictureView:
    image = images.get(task.generation_ids[index])
    end = task.ends.get(index, {})
    if end.get("state") == "done" and image is not None:
        if image.trashed_at is not None:
            return PictureView(index, "deleted", 100)
        image.cost_micros = task.cost_of(index)
        return PictureView(index, "done", 100, image=image)
    if end.get("removed"):
        return PictureView(index, "deleted", 100)
    if end:
        error = end.get("error") or {"code": "picture_lost", "charged": "yes"}
        again = retryable(error["code"])
        shown = {**NO_PROVIDER, **error, **_money(task, index)}
        is_own = error["code"] == CANCELLED["code"]
        state = "cancelled" if is_own else "failed"
        return PictureView(index, state, 100, error={**shown, "retryable": again})
    if not task.is_open:
        return PictureView(index, "cancelled", 100, error=_reason(task, index))
    if generation is None:
        return PictureView(index, "queued")
    # A state of a later release: fall back on whether it was submitted.
    otherwise = "generating" if generation.began_at else "queued"
    phase = PHASE_OF.get(generation.state, otherwise)
    if generation.is_generating_now:
        phase = "generating"
    began = None if PHASES.index(phase) <= QUEUED else generation.began_at
    expected = generation.expected if began else None
    is_shown = phase == "saving" or generation.trouble == CANNOT_STOP
    trouble = generation.trouble if is_shown else None
    progress = generation.progress
    return PictureView(index, phase, progress, began, expected, trouble=trouble)


def _money(task: Task, index: int) -> dict:
    return {"cost_micros": task.cost_of(index), "held_micros": task.held_for(index)}


def _reason(task: Task, index: int) -> dict | None:
    """Why the task was cancelled, if not by its owner."""
    if task.reason is None:
        return None
    error = {"code": task.reason, "charged": "no", "retryable": True}
    return {**error, **NO_PROVIDER, **_money(task, index)}


def queue_position(task: Task, generations: list[Generation]) -> tuple[int, int | None]:
    """The task's queue position, and the seconds until it starts, as `eta`."""
    delayed = 0.0
    if task.not_before is not None:
        delayed = max((task.not_before - utcnow()).total_seconds(), 0.0)
    first = next((g for g in generations if g.state == State.QUEUED.value), None)
    tasks, pictures = (0, 0)
    if any(g.state == State.PREPARING.value for g in generations):
        tasks, pictures = lanes.read_queue(task.lane).totals
    elif first is not None:
        tasks, pictures = lanes.read_queue(task.lane).count_ahead(first.turn, first.id)
    elif not generations and task.turn is not None:  # not inserted yet
        first_id = task.generation_ids[0]
        tasks, pictures = lanes.read_queue(task.lane).count_ahead(task.turn, first_id)
    model = jobs.runtime().registry.by_lane(task.lane)
    if model is None:
        return tasks, round(delayed)
    return tasks, eta(model, pictures, delayed)
