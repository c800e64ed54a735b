"""Query tasks and pictures."""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from jimeng import jobs
from jimeng.documents import Generation, Image, Status, Task, base, best_effort, cursors
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.image import FILES, LENGTHS, SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE, having
from jimeng.errors import ImageNotFound, Invalid, TaskNotFound
from jimeng.pictures.contents import Content
from jimeng.pictures.stores import StoredFile
from jimeng.tasks.views import TaskView, view, view_with

MAX_SEARCH_WORDS, MAX_SEARCH_CHARS = 12, 200
MAX_OFFSET = 1000  # beyond, use a cursor
MAX_SEARCHED = 1000  # tasks that one page of a search scans


def find(principal: Principal, task_id: str) -> Task:
    """
    Look up one task.

    Raises:
        TaskNotFound: no such task, or it is another user's.
    """
    row = base.find_one(Task.collection(), {"_id": task_id})
    return Task.read(require_visible(principal, task_id, row))


def require_visible(principal: Principal, task_id: str, row: dict | None) -> dict:
    """
    The row, if the principal may see it. It was queried by its id alone, which costs
    MongoDB a third less than with `THERE` and the owner.

    Raises:
        TaskNotFound: as `find`.
    """
    owner = row.get("user_id", "") if row and "deleted_at" not in row else None
    if row is None or owner is None or not principal.may_act_for(owner):
        raise TaskNotFound(f"task {task_id[:64]!r}")
    return row


def find_all(principal: Principal, task_ids: Iterable[str]) -> list[Task]:
    """Those of *task_ids* that the principal may see, in no order."""
    where = {"_id": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    return Task.find_all(where)


def page(
    principal: Principal,
    user_id: str,
    *,
    limit: int = 20,
    cursor: str | None = None,
    status: Collection[str] = (),
    q: str | None = None,
    metadata: Mapping[str, str] | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    type: str | None = None,
    within: dict | None = None,
) -> Page[Task]:
    """
    A page of a user's tasks, newest first; every page costs the same.

    A search scans `MAX_SEARCHED` tasks per page: a page may have fewer rows than
    *limit*, even none, and still a next cursor.

    Args:
        limit: 1 to 100.
        cursor: The ``next_cursor`` of the page before.
        status: Only tasks with one of these statuses.
        q: Only tasks whose prompt contains all of these words.
        metadata: Only tasks that have all of these pairs.
        created_after: Only tasks created at this time or later.
        created_before: Only tasks created before this time.
        type: Only tasks that make an ``image`` or a ``video``.
        within: An additional MongoDB filter.

    Raises:
        Invalid: the cursor is not one of ours, or the status is unknown.
    """
    where = owner_filter(principal, user_id)
    if status:
        where["status"] = {"$in": check_statuses(status)}
    where |= created_between(created_after, created_before) | of_type(type)
    parts = [where | having(metadata) | (within or {})]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    last = last_searched(parts) if q else None
    if last is not None:
        parts.append(cursors.down_to(last, "created_at"))
    rows = Task.collection().find({"$and": [*parts, THERE, prompt_filter(q)]})
    some = list(rows.sort(NEWEST_FIRST).limit(limit + 1))
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
    given = {sign: moment for sign, moment in limits.items() if moment is not None}
    return {"created_at": given} if given else {}


def last_searched(parts: list[dict]) -> dict | None:
    """
    The last task that a page of a search scans; None if there are no more. Deleted
    tasks count too, so that an index alone answers this.
    """
    rows = Task.collection().find({"$and": parts}, {"created_at": 1})
    rows = rows.sort(NEWEST_FIRST).skip(MAX_SEARCHED - 1).limit(1)
    return next(rows, None)


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


def of_type(type: str | None) -> dict:
    """A filter for tasks of a type; none for None and for ``all``."""
    return {} if type in (None, "all") else {"type": type}


def owner_filter(principal: Principal, user_id: str) -> dict:
    """
    A filter for the tasks of *user_id*.

    Raises:
        TaskNotFound: the principal may not act for that user.
    """
    if not principal.may_act_for(user_id):
        raise TaskNotFound(f"tasks of {user_id!r}")
    return {"user_id": user_id}


def usage_tokens(task: Task) -> int:
    """The tokens that the provider reported for the task's videos; 0 if for none."""
    found = Generation.find_all({"task_id": task.id})
    return sum(each.usage_tokens or 0 for each in found)


def open_image(
    principal: Principal | None, key: str, part: str = FILES[0]
) -> tuple[Image, Content]:
    """
    Find a picture by the key in its link, and its file.

    Args:
        principal: Not checked: anybody who has the link may see the picture.
        part: Which file of it, one of `documents.image.FILES`.

    Raises:
        ImageNotFound: no picture has this key (any more), or it is in the trash.
    """
    found = Image.find_one({"key": key, **SHOWN})
    missing = ImageNotFound("no picture under that key")
    if not found:
        raise missing
    return found, file_of(found, part, missing=missing)


def file_of(
    image: Image, part: str = FILES[0], *, missing: Exception | None = None
) -> Content:
    """
    A file of a picture.

    Args:
        missing: Raised if the picture has no such file, or when it is read and is gone.
    """
    missing = missing or ImageNotFound(f"{part} of picture {image.id}")
    file_id = getattr(image, part, None)
    if not file_id:
        raise missing
    length: int = getattr(image, LENGTHS[part])
    return StoredFile(jobs.runtime().store, file_id, length, missing=missing)


MAX_CACHED_OPEN = 10_000

_known_open: set[str] = set()  # ids of tasks that were open when last queried


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
    rows = base.aggregate(Task.collection(), [wanted, {"$unionWith": generations_of}])
    first = next((row for row in rows if row["_id"] == task_id), None)
    task = require_visible(principal, task_id, first)
    generations = [Generation.read(row) for row in rows if row is not task]
    return Task.read(task), {each.index: each for each in generations}
