"""Finding tasks and pictures, and looking after one until it has ended."""

import re
from collections.abc import Iterable, Mapping
from typing import BinaryIO

from jimeng import jobs
from jimeng.documents import (
    Generation,
    Image,
    Status,
    Task,
    best_effort,
    commands,
    cursors,
)
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.image import FILES, SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE, having
from jimeng.errors import ImageNotFound, Invalid, TaskNotFound
from jimeng.tasks.views import TaskView, view, view_with

MAX_WORDS, MAX_SEARCH_CHARS = 12, 200  # of a search; its characters
MAX_OFFSET = 1000  # beyond, a cursor is the way
MAX_SEARCHED = 1000  # tasks that one page looks at for words


def find(principal: Principal, task_id: str) -> Task:
    """
    Look up one task.

    Raises:
        TaskNotFound: no such task, or it is somebody else's.
    """
    row = commands.find_one(Task.collection(), {"_id": task_id})
    return Task.read(shown(principal, task_id, row))


def shown(principal: Principal, task_id: str, row: dict | None) -> dict:
    """
    What was found by a task's id alone, which is a third less work for MongoDB than
    with `THERE` and whose it is.

    Raises:
        TaskNotFound: as `find`.
    """
    owner = row.get("user_id", "") if row and "deleted_at" not in row else None
    if row is None or owner is None or not principal.may_act_for(owner):
        raise TaskNotFound(f"task {task_id[:64]!r}")
    return row


def find_all(principal: Principal, task_ids: Iterable[str]) -> list[Task]:
    """Those of *task_ids* that are there for this principal, in no order."""
    where = {"_id": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    return Task.find_all(where)


def page(
    principal: Principal,
    user_id: str,
    *,
    limit: int = 20,
    cursor: str | None = None,
    status: str | None = None,
    q: str | None = None,
    metadata: Mapping[str, str] | None = None,
    within: dict | None = None,
) -> Page[Task]:
    """
    A user's tasks, newest first; a page deep down costs what the first does.

    A search goes through `MAX_SEARCHED` of them: its page may have fewer than *limit*,
    even none, and a cursor that leads on.

    Args:
        limit: 1 to 100.
        cursor: The ``next_cursor`` of the page before.
        status: Only tasks in this one.
        q: Only tasks whose prompt has all of these words.
        metadata: Only tasks that have all of these pairs.
        within: Only tasks for which this query holds too.

    Raises:
        Invalid: the cursor is not one of ours, or the status is unknown.
    """
    where = owned(principal, user_id)
    if status is not None:
        where["status"] = known_status(status)
    parts = [where | having(metadata) | (within or {})]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    last = last_searched(parts) if q else None
    if last is not None:
        parts.append(cursors.down_to(last, "created_at"))
    rows = Task.collection().find({"$and": [*parts, THERE, with_words(q)]})
    some = list(rows.sort(NEWEST_FIRST).limit(limit + 1))
    found = cursors.cut_page(some, limit, "created_at").read(Task.read_all)
    if found.next_cursor is None and last is not None:
        return Page(found.rows, cursors.cursor_of(last, "created_at"))
    return found


def known_status(status: str) -> str:
    """
    Raises:
        Invalid: it is none.
    """
    if status not in set(Status):
        raise Invalid.field("status", "invalid.status", known=", ".join(Status))
    return status


def last_searched(parts: list[dict]) -> dict | None:
    """
    The last task that a page looks at; None where these are all there are. Deleted ones
    are looked at too, so that this is found from an index alone.
    """
    rows = Task.collection().find({"$and": parts}, {"created_at": 1})
    rows = rows.sort(NEWEST_FIRST).skip(MAX_SEARCHED - 1).limit(1)
    return next(rows, None)


def with_words(q: str | None) -> dict:
    """The part of a query that keeps to prompts which have all words of *q*."""
    # As they stand: two Chinese characters are enough.
    parts = [
        {"prompt": re.compile(re.escape(word), re.IGNORECASE)} for word in words_of(q)
    ]
    return {"$and": parts} if parts else {}


def words_of(q: str | None) -> list[str]:
    """The words of a search: the first few, since each is looked for everywhere."""
    # A pattern of MongoDB's cannot hold a NUL.
    return (q or "")[:MAX_SEARCH_CHARS].replace("\0", " ").split()[:MAX_WORDS]


def recent(
    principal: Principal,
    user_id: str,
    *,
    limit: int,
    offset: int,
    metadata: Mapping[str, str] | None = None,
) -> list[Task]:
    """A user's tasks, newest first, counted from the newest; *offset* to 1,000."""
    where = {**owned(principal, user_id), **having(metadata), **THERE}
    return Task.find_all(where, sort=NEWEST_FIRST, skip=offset, limit=limit)


def owned(principal: Principal, user_id: str) -> dict:
    """Those of *user_id* that the principal may see: all or none."""
    if not principal.may_act_for(user_id):
        raise TaskNotFound(f"tasks of {user_id!r}")
    return {"user_id": user_id}


def image(
    principal: Principal | None, key: str, part: str = FILES[0]
) -> tuple[Image, BinaryIO]:
    """
    Open a picture by the key in its link.

    Args:
        principal: Whoever holds the link may see the picture; None is nobody known.
        part: Which bytes, one of `documents.image.FILES`.

    Raises:
        ImageNotFound: no picture has this key (any more), or it is in the trash.
    """
    found = Image.find_one({"key": key, **SHOWN})
    store = jobs.runtime().store
    file_id = getattr(found, part, None)
    content = file_id and store.open(file_id)
    if not found or not content:
        raise ImageNotFound("no picture under that key")
    return found, content


MAX_OPEN = 10_000  # ids that are remembered

_open: set[str] = set()  # tasks that were open when this process looked last


def look(principal: Principal, task_id: str) -> tuple[Task, TaskView | None]:
    """
    A task, and how it stands while it is open.

    One that was open when this process looked last is read together with its pictures:
    that is a command less for whoever asks again and again.

    Raises:
        TaskNotFound: as `find`.
    """
    generations = None
    if task_id in _open:
        task, generations = _find_together(principal, task_id)
    else:
        task = find(principal, task_id)
    if not task.is_open:
        _open.discard(task_id)
        return task, None
    if len(_open) >= MAX_OPEN:
        _open.clear()
    _open.add(task_id)
    if generations is None:
        return task, view(principal, task)
    return task, view_with(task, generations)


def look_again(principal: Principal, task: Task) -> TaskView | None:
    """
    How a task stands that was waited for; None where MongoDB does not say.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    with best_effort("look after waiting"):
        return view(principal, find(principal, task.id))
    return None


def _find_together(
    principal: Principal, task_id: str
) -> tuple[Task, dict[int, Generation]]:
    """`find`, with the task's generations by their index."""
    pictures = [{"$match": {"task_id": task_id}}]
    beside = {"coll": Generation.collection().name, "pipeline": pictures}
    wanted = {"$match": {"_id": task_id}}
    rows = commands.aggregate(Task.collection(), [wanted, {"$unionWith": beside}])
    first = next((row for row in rows if row["_id"] == task_id), None)
    task = shown(principal, task_id, first)
    generations = [Generation.read(row) for row in rows if row is not task]
    return Task.read(task), {each.index: each for each in generations}
