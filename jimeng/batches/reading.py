"""Finding batches, their tasks, and what the feed shows of both."""

from collections.abc import Mapping
from types import MappingProxyType

from jimeng.documents import Batch, Task, cursors
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.task import THERE, having
from jimeng.errors.batches import BatchNotFound
from jimeng.tasks.reading import known_status, owned
from jimeng.viewers import Viewer

FIRST_PROMPT = {"prompts": {"$slice": 1}}  # by which one without a name is known
ALONE = {"batch": None}  # tasks that belong to none


class Feed(Page[Task | Batch]):
    """Tasks that belong to no batch, and batches, newest first."""

    @property
    def tasks(self) -> list[Task]:
        return [each for each in self.rows if isinstance(each, Task)]

    @property
    def batches(self) -> list[Batch]:
        return [each for each in self.rows if isinstance(each, Batch)]


def find(viewer: Viewer, batch_id: str, *, whole: bool = False) -> Batch:
    """
    Look up one batch, with its first prompt.

    Args:
        whole: With all of them.

    Raises:
        BatchNotFound: no such batch, or it is somebody else's.
    """
    where = {"_id": batch_id, **viewer.filter(), **THERE}
    row = Batch.collection().find_one(where, None if whole else FIRST_PROMPT)
    if row is None:
        raise BatchNotFound(f"batch {batch_id[:64]!r}")
    return Batch.read(row)


def page(
    viewer: Viewer,
    user_id: str,
    *,
    limit: int = 20,
    cursor: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Page[Batch]:
    """
    A user's batches, newest first.

    Args:
        limit: 1 to 100.
        cursor: The ``next_cursor`` of the page before.
        metadata: Only batches that have all of these pairs.

    Raises:
        TaskNotFound: another's are not there to see.
        Invalid: the cursor is not one of ours.
    """
    rows = rows_of(viewer, user_id, limit + 1, cursor, having(metadata))
    return cursors.cut_page(rows, limit, "created_at").read(Batch.read_all)


def rows_of(
    viewer: Viewer,
    user_id: str,
    limit: int,
    cursor: str | None,
    within: Mapping[str, object] = MappingProxyType({}),
) -> list[dict]:
    parts = [{**owned(viewer, user_id), **within, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = Batch.collection().find({"$and": parts}, FIRST_PROMPT)
    return list(rows.sort(NEWEST_FIRST).limit(limit))


def feed(viewer: Viewer, *, limit: int, cursor: str | None = None) -> Feed:
    """
    What the viewer has asked for, newest first, each batch as one.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    mine = viewer.user_id
    parts = [{**owned(viewer, mine), **ALONE, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    found = Task.collection().find({"$and": parts}).sort(NEWEST_FIRST)
    rows: list[tuple[dict, type[Task] | type[Batch]]] = [
        *((row, Task) for row in found.limit(limit + 1)),
        *((row, Batch) for row in rows_of(viewer, mine, limit + 1, cursor)),
    ]
    rows.sort(key=lambda pair: (pair[0]["created_at"], pair[0]["_id"]), reverse=True)
    some = [row for row, _ in rows[: limit + 1]]
    page = cursors.cut_page(some, limit, "created_at")
    items = [kind.read(row) for row, kind in rows[:limit]]
    return Feed(items, page.next_cursor)


def tasks_of(
    viewer: Viewer,
    batch: Batch,
    *,
    limit: int,
    after: str | None = None,
    status: str | None = None,
) -> list[Task]:
    """
    A batch's tasks in the order of their prompts, those that were run again behind.

    Args:
        after: The id of the last one of the page before.
        status: Only tasks in this one.

    Raises:
        Invalid: the status is unknown.
    """
    where: dict = {"batch": batch.id, **viewer.filter(), **THERE}
    if after is not None:
        where["_id"] = {"$gt": after}
    if status:
        where["status"] = known_status(status)
    rows = Task.collection().find(where).sort("_id", 1).limit(limit)
    return Task.read_all(rows)
