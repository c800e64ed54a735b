"""
Query tasks and pictures, and view them for the interfaces: phase, queue position,
progress, pictures.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jimeng import jobs, lanes
from jimeng.documents import (
    Generation,
    Image,
    State,
    Status,
    Task,
    best_effort,
    commands,
    cursors,
    utcnow,
)
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.generation import CANNOT_STOP
from jimeng.documents.image import FILES, LENGTHS, SHOWN
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE, having
from jimeng.errors import ImageNotFound, Invalid, TaskNotFound
from jimeng.jobs import video_disk_space
from jimeng.jobs.endings import CANCELLED
from jimeng.pictures.contents import Content
from jimeng.pictures.stores import StoredFile
from jimeng.process.state import remembered
from jimeng.providers.registry import retryable
from jimeng.tasks.creation import eta

MAX_SEARCH_WORDS, MAX_SEARCH_CHARS = 12, 200
MAX_OFFSET = 1000  # beyond, use a cursor
MAX_SEARCHED = 1000  # tasks that one page of a search scans


PHASES = ("preparing", "queued", "submitting", "generating", "saving")
MAX_DERIVED_TASKS = 500  # listed as derived from a task's pictures
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
        eta_seconds: Seconds until it starts, while it is pending without a
            *hold_reason*.
        hold_reason: Why it makes no progress, as `lanes.hold_reason_of`, or ``no_room``
            on disk for a video; while it is processing, that can only be ``no_worker``.
        progress: 0 to 100; never decreases.
        remote_ids: The provider's ids of its pictures.
        attempts: Submissions, including refused ones.
    """

    task: Task
    pictures: list[PictureView]
    phase: str | None = None
    position: int | None = None
    eta_seconds: int | None = None
    hold_reason: str | None = None
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
    are skipped, because the change itself has succeeded.
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
    """Set on each picture the tasks that use it as an input."""
    found: dict[str, list[str]] = {image_id: [] for image_id in images}
    sources = {"$in": list(images)}
    where = {"made_from": {"$exists": True}, "made_from.picture": sources}
    rows = Task.collection().find({**where, **principal.filter(), **THERE}, LINEAGE)
    for row in rows.sort("created_at", 1).limit(MAX_DERIVED_TASKS) if images else ():
        for each in row["made_from"]:
            derived = found.get(each.get("picture"), [])
            derived += [] if row["_id"] in derived else [row["_id"]]
    for image_id, derived in found.items():
        images[image_id].made_into = tuple(derived)


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
    position, eta_seconds, hold_reason = None, None, lanes.hold_reason()
    if task.status == "pending":
        position, eta_seconds = queue_position(task, ordered)
        limits = jobs.runtime().registry.limits_in(task.lane)
        hold_reason = lanes.hold_reason_of(task.lane, limits)
    elif hold_reason == lanes.PAUSED:
        hold_reason = None  # submitted pictures go on while submission is paused
    if (
        hold_reason is None
        and position is not None
        and waits_for_disk_space(task, ordered)
    ):
        eta_seconds, hold_reason = None, video_disk_space.NO_DISK_SPACE
    return TaskView(
        task,
        pictures,
        phase=PHASES[phase_of(task, phases)],
        position=position,
        eta_seconds=eta_seconds,
        hold_reason=hold_reason,
        progress=sum(picture.progress for picture in pictures) // task.n,
        remote_ids=names,
        attempts=attempts,
    )


def waits_for_disk_space(task: Task, generations: Iterable[Generation]) -> bool:
    """Whether a task of videos waits for disk space."""
    is_queued = any(each.state == State.QUEUED.value for each in generations)
    return (
        task.type == VIDEO and is_queued and video_disk_space.is_waited_for(task.lane)
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
    return {"cost_micros": task.cost_of(index), "held_micros": task.reserved_for(index)}


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
        tasks, pictures = lanes.read_queue(task.lane).count_ahead(
            first.turn, first.id, first.owner_id, first.user_turn
        )
    elif not generations and task.turn is not None:  # not inserted yet
        first_id = task.generation_ids[0]
        tasks, pictures = lanes.read_queue(task.lane).count_ahead(
            task.turn, first_id, task.owner_id, task.user_turn
        )
    model = jobs.runtime().registry.by_lane(task.lane)
    if model is None:
        return tasks, round(delayed)
    return tasks, eta(model, pictures, delayed)


def find(principal: Principal, task_id: str) -> Task:
    """
    Look up one task.

    Raises:
        TaskNotFound: no such task, or it is another user's.
    """
    row = commands.find_one(Task.collection(), {"_id": task_id})
    return Task.read(require_visible(principal, task_id, row))


def require_visible(principal: Principal, task_id: str, row: dict | None) -> dict:
    """
    The row, if the principal may see it. It was queried by its id alone, which costs
    MongoDB a third less than with `THERE` and the owner.

    Raises:
        TaskNotFound: as `find`.
    """
    owner = row.get("user_id", "") if row and "deleted_at" not in row else None
    if row is None or owner is None:
        raise TaskNotFound(f"task {task_id[:64]!r}")
    principal.require_reader(owner, TaskNotFound)
    return row


def find_all(principal: Principal, task_ids: Iterable[str]) -> list[Task]:
    """Those of *task_ids* that the principal may see, in no order."""
    where = {"_id": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    return Task.find_all(where)


def page(
    principal: Principal,
    user_id: str,
    *,
    customers: bool = False,
    limit: int = 20,
    cursor: str | None = None,
    status: Collection[str] = (),
    q: str | None = None,
    metadata: Mapping[str, str] | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    type: str | None = None,
    condition: dict | None = None,
    oldest_first: bool = False,
) -> Page[Task]:
    """
    A page of a user's tasks, newest first; every page costs the same.

    A search, and every page of customers' tasks, scans `MAX_SEARCHED` tasks: a page may
    have fewer rows than *limit*, even none, and still a next cursor.

    Args:
        customers: Also those of the principal's customers; the user is the principal.
        limit: 1 to 100.
        cursor: The ``next_cursor`` of the page before.
        status: Only tasks with one of these statuses.
        q: Only tasks whose prompt contains all of these words.
        metadata: Only tasks that have all of these pairs.
        created_after: Only tasks created at this time or later.
        created_before: Only tasks created before this time.
        type: Only tasks that make an ``image`` or a ``video``.
        condition: An additional MongoDB filter.
        oldest_first: In the reverse order; not together with *q*.

    Raises:
        Invalid: the cursor is not one of ours, or the status is unknown; or the
            principal has no customers.
    """
    narrowing = of_type(type) | having(metadata) | (condition or {})
    if status:
        narrowing["status"] = {"$in": check_statuses(status)}
    whose = owner_filter(principal, user_id)
    hint = None
    if customers:
        whose, visible = principal.with_customers(), principal.filter()
        narrowing |= visible
        # Pairs are rare: those of an order are found at once.
        hint = "metadata" if metadata else "owner_created"
    parts = [whose | created_between(created_after, created_before)]
    if cursor is not None:
        beyond = cursors.before if oldest_first else cursors.after
        parts.append(beyond(cursor, "created_at"))
    if not customers:
        parts[0] |= narrowing
    is_scanned = q or (customers and not metadata)
    last = last_searched([*parts], hint) if is_scanned else None
    if last is not None:
        parts.append(cursors.down_to(last, "created_at"))
    rows = Task.collection().find(
        {"$and": [*parts, narrowing, THERE, prompt_filter(q)]}, hint=hint
    )
    order = cursors.OLDEST_FIRST if oldest_first else NEWEST_FIRST
    some = list(rows.sort(order).limit(limit + 1))
    found = cursors.cut_page(some, limit, "created_at").read(Task.read_all)
    if found.next_cursor is None and last is not None:
        return Page(found.rows, cursors.cursor_of(last, "created_at"))
    return found


def check_statuses(statuses: Collection[str]) -> list[str]:
    """
    Raises:
        Invalid: there is no such status.
    """
    if not set(Status).issuperset(statuses):
        raise Invalid.field("status", "invalid.status", known=", ".join(Status))
    return [*statuses]


def created_between(after: datetime | None, before: datetime | None) -> dict:
    """A filter for the time of creation: from *after* on, and earlier than *before*."""
    limits = {"$gte": after, "$lt": before}
    bounds = {sign: moment for sign, moment in limits.items() if moment is not None}
    return {"created_at": bounds} if bounds else {}


def last_searched(parts: list[dict], hint: str | None = None) -> dict | None:
    """
    The last task that a page of a search scans; None if there are no more. Deleted
    tasks count too, so that an index alone answers this.
    """
    rows = Task.collection()
    return cursors.last_scanned(rows, parts, "created_at", hint=hint, most=MAX_SEARCHED)


def prompt_filter(q: str | None) -> dict:
    """A filter for prompts that contain all words of *q*, ignoring case."""
    # Substrings: two Chinese characters make a useful search.
    parts = [
        {"prompt": re.compile(re.escape(word), re.IGNORECASE)}
        for word in search_words(q)
    ]
    return {"$and": parts} if parts else {}


def search_words(q: str | None) -> list[str]:
    """The words of a search, up to `MAX_SEARCH_WORDS`: each costs a scan."""
    # MongoDB's patterns cannot contain a NUL.
    return (q or "")[:MAX_SEARCH_CHARS].replace("\0", " ").split()[:MAX_SEARCH_WORDS]


def page_by_offset(
    principal: Principal,
    user_id: str,
    *,
    limit: int,
    offset: int,
    metadata: Mapping[str, str] | None = None,
    type: str | None = None,
) -> list[Task]:
    """A user's tasks, newest first, from *offset* (at most `MAX_OFFSET`)."""
    where = {**owner_filter(principal, user_id), **having(metadata), **THERE}
    where |= of_type(type)
    return Task.find_all(where, sort=NEWEST_FIRST, skip=offset, limit=limit)


def page_and_total(
    principal: Principal,
    user_id: str,
    *,
    limit: int,
    offset: int,
    type: str,
    condition: dict,
) -> tuple[list[Task], int]:
    """
    A page as `page_by_offset`, and how many such tasks there are: as many as its last
    page can show at most.

    Args:
        condition: An additional MongoDB filter.
    """
    where = {
        "$and": [owner_filter(principal, user_id), THERE, of_type(type), condition]
    }
    found = Task.find_all(where, sort=NEWEST_FIRST, skip=offset, limit=limit)
    most = MAX_OFFSET + limit
    return found, Task.collection().count_documents(where, limit=most)


def of_type(type: str | None) -> dict:
    """A filter for tasks of a type; none for None and for ``all``."""
    return {} if type in (None, "all") else {"type": type}


def owner_filter(principal: Principal, user_id: str) -> dict:
    """
    A filter for the tasks of *user_id*.

    Raises:
        UserNotFound: the principal may not see that user.
    """
    principal.require_reader(user_id)
    return {"user_id": user_id}


def usage_tokens(task_ids: Collection[str]) -> Counter[str]:
    """The tokens that the provider reported for the videos of each of these tasks."""
    found: Counter[str] = Counter()
    for each in Generation.find_all({"task_id": {"$in": list(task_ids)}}):
        found[each.task_id] += each.usage_tokens or 0
    return found


def open_image(key: str, part: str = FILES[0]) -> tuple[Image, Content]:
    """
    Find a picture by the key in its link, and its file: anybody who has the link may
    see the picture.

    Args:
        part: Which file of it, one of `documents.image.FILES`.

    Raises:
        ImageNotFound: no picture has this key (any more), or it is in the trash.
    """
    found = Image.find_one({"key": key, **SHOWN})
    if not found:
        raise ImageNotFound("no picture under that key")
    return found, file_of(found, part)


def file_of(
    image: Image, part: str = FILES[0], *, missing: type[Exception] = ImageNotFound
) -> Content:
    """
    A file of a picture.

    Args:
        missing: The error if the picture has no such file, or it is gone when read.
    """
    file_id = getattr(image, part, None)
    if not file_id:
        raise missing(f"{part} of picture {image.id}")
    length: int = getattr(image, LENGTHS[part])
    return StoredFile(jobs.runtime().store, file_id, length, missing=missing)


MAX_CACHED_OPEN = 10_000

# ids of tasks that were open when last queried
_known_open: set[str] = remembered(set())


def find_with_view(principal: Principal, task_id: str) -> tuple[Task, TaskView | None]:
    """
    A task, and its view if it is open.

    A task that was open when this process last queried it is read together with its
    generations: one command less for clients that poll.

    Raises:
        TaskNotFound: as `find`.
    """
    generations = None
    if task_id in _known_open:
        task, generations = _find_with_generations(principal, task_id)
    else:
        task = find(principal, task_id)
    if not task.is_open:
        _known_open.discard(task_id)
        return task, None
    if len(_known_open) >= MAX_CACHED_OPEN:
        _known_open.clear()
    _known_open.add(task_id)
    if generations is None:
        return task, view(principal, task)
    return task, view_with(task, generations)


def view_after_wait(principal: Principal, task: Task) -> TaskView | None:
    """
    The view of a task after a wait; None if MongoDB is unavailable.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    with best_effort("view after a wait"):
        return view(principal, find(principal, task.id))
    return None


def _find_with_generations(
    principal: Principal, task_id: str
) -> tuple[Task, dict[int, Generation]]:
    """`find`, with the task's generations by their index, in one command."""
    of_task = [{"$match": {"task_id": task_id}}]
    generations_of = {"coll": Generation.collection().name, "pipeline": of_task}
    wanted = {"$match": {"_id": task_id}}
    rows = commands.aggregate(
        Task.collection(), [wanted, {"$unionWith": generations_of}]
    )
    first = next((row for row in rows if row["_id"] == task_id), None)
    task = require_visible(principal, task_id, first)
    generations = [Generation.read(row) for row in rows if row is not task]
    return Task.read(task), {each.index: each for each in generations}
