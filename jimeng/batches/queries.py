"""Queries of batches, their tasks, and their latest pictures."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from jimeng.batches.progress import progress_of_all, status_of
from jimeng.documents import Batch, Image, Status, Task, cursors
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.image import SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE, having
from jimeng.errors.batches import BatchNotFound
from jimeng.gallery.browsing import WITHOUT_SEARCH_FIELDS
from jimeng.tasks.queries import check_statuses, created_between, owner_filter

FIRST_PROMPT = {"prompts": {"$slice": 1}}  # the title of a batch without a name
ALONE = {"batch": None}  # tasks that belong to no batch
# A superset of the batches in each status, which also depends on their tasks: an open
# batch may have ended a moment ago, and counts are discarded when a task is deleted.
WITHOUT_COUNTS = {"counts": {"$exists": False}}
ONGOING = {"stopped": {"$exists": False}, "open": True}
MAY_BE = {
    Status.PENDING: ONGOING,
    Status.PROCESSING: ONGOING,
    Status.COMPLETED: {
        "stopped": {"$exists": False},
        "$or": [{"counts.done": {"$gt": 0}}, WITHOUT_COUNTS],
    },
    Status.FAILED: {
        "stopped": {"$exists": False},
        "$or": [{"counts.done": 0}, WITHOUT_COUNTS],
    },
    Status.CANCELLED: {"stopped": {"$exists": True}},
}


class Feed(Page[Task | Batch]):
    """Single tasks and batches, newest first."""

    @property
    def tasks(self) -> list[Task]:
        return [each for each in self.rows if isinstance(each, Task)]

    @property
    def batches(self) -> list[Batch]:
        return [each for each in self.rows if isinstance(each, Batch)]


def find(principal: Principal, batch_id: str, *, whole: bool = False) -> Batch:
    """
    Find one batch, with its first prompt.

    Args:
        whole: Load all prompts.

    Raises:
        BatchNotFound: no such batch, or another user's.
    """
    where = {"_id": batch_id, **principal.filter(), **THERE}
    row = Batch.collection().find_one(where, None if whole else FIRST_PROMPT)
    if row is None:
        raise BatchNotFound(f"batch {batch_id[:64]!r}")
    return Batch.read(row)


def page(
    principal: Principal,
    user_id: str,
    *,
    customers: bool = False,
    limit: int = 20,
    cursor: str | None = None,
    status: Collection[str] = (),
    metadata: Mapping[str, str] | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
) -> Page[Batch]:
    """
    List a user's batches, newest first.

    Args:
        customers: Those of the principal, who is that user, and of all its customers. A
            page may have fewer rows than *limit*, and still a next cursor.
        limit: 1 to 100.
        cursor: The ``next_cursor`` of the previous page.
        status: Only batches with one of these statuses. A page may have fewer rows
            than *limit*, and still a next cursor.
        metadata: Only batches that have all of these pairs.
        created_after: Only batches created at this time or later.
        created_before: Only batches created before this time.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the cursor is malformed, or a status is unknown; or the principal has
            no customers.
    """
    condition = having(metadata)
    between = created_between(created_after, created_before)
    if status:
        condition["$or"] = [MAY_BE[Status(each)] for each in check_statuses(status)]
    if customers:
        rows = cursors.page_of(
            Batch.collection(),
            principal.with_customers() | between,
            *("created_at", cursor, limit),
            narrowing={**principal.filter(), **condition, **THERE},
            hint="owner_created",
            fields=FIRST_PROMPT,
        )
    else:
        some = rows_of(principal, user_id, limit + 1, cursor, condition | between)
        rows = cursors.cut_page(some, limit, "created_at")
    found = rows.read(Batch.read_all)
    if not status:
        return found
    stand = progress_of_all(found.rows)
    matching = [
        each for each in found.rows if status_of(each, stand[each.id]) in status
    ]
    return Page(matching, found.next_cursor)


def rows_of(
    principal: Principal,
    user_id: str,
    limit: int,
    cursor: str | None,
    condition: Mapping[str, object] = MappingProxyType({}),
) -> list[dict]:
    parts = [{**owner_filter(principal, user_id), **condition, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = Batch.collection().find({"$and": parts}, FIRST_PROMPT)
    return list(rows.sort(NEWEST_FIRST).limit(limit))


def feed(principal: Principal, *, limit: int, cursor: str | None = None) -> Feed:
    """
    List the principal's tasks and batches, newest first, each batch as one entry.

    Raises:
        Invalid: the cursor is malformed.
    """
    user_id = principal.user_id
    parts = [{**owner_filter(principal, user_id), **ALONE, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    found = Task.collection().find({"$and": parts}).sort(NEWEST_FIRST)
    rows: list[tuple[dict, type[Task] | type[Batch]]] = [
        *((row, Task) for row in found.limit(limit + 1)),
        *((row, Batch) for row in rows_of(principal, user_id, limit + 1, cursor)),
    ]
    rows.sort(key=lambda pair: (pair[0]["created_at"], pair[0]["_id"]), reverse=True)
    some = [row for row, _ in rows[: limit + 1]]
    page = cursors.cut_page(some, limit, "created_at")
    items = [kind.read(row) for row, kind in rows[:limit]]
    return Feed(items, page.next_cursor)


def tasks_of(
    principal: Principal,
    batch: Batch,
    *,
    limit: int,
    after: str | None = None,
    status: Collection[str] = (),
) -> list[Task]:
    """
    List a batch's tasks in the order of their prompts, followed by retries.

    Args:
        after: The id of the last task of the previous page.
        status: Only tasks with one of these statuses.

    Raises:
        Invalid: a status is unknown.
    """
    where: dict = {"batch": batch.id, **principal.filter(), **THERE}
    if after is not None:
        where["_id"] = {"$gt": after}
    if status:
        where["status"] = {"$in": check_statuses(status)}
    rows = Task.collection().find(where).sort("_id", 1).limit(limit)
    return Task.read_all(rows)


MAX_NEW = 60  # pictures in the response to a page's poll
MAX_IMAGES = 4  # per task


class BatchPictures(Page[Image]):
    """Some of the pictures, newest first."""

    @property
    def first(self) -> str | None:
        """The cursor of the newest, from which `pictures_since` continues."""
        if not self.rows:
            return None
        newest = self.rows[0]
        row = {"created_at": newest.created_at, "_id": newest.id}
        return cursors.cursor_of(row, "created_at")


def pictures_of(
    principal: Principal, batch: Batch, *, limit: int, cursor: str | None = None
) -> BatchPictures:
    """
    List a batch's pictures, newest first.

    Raises:
        Invalid: the cursor is malformed.
    """
    parts = [visible_pictures(principal, [batch.id])]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = find_rows(parts, limit + 1)
    page = cursors.cut_page(rows, limit, "created_at")
    return BatchPictures(Image.read_all(page.rows), page.next_cursor)


def pictures_since(
    principal: Principal, batch: Batch, cursor: str | None
) -> BatchPictures:
    """
    List the pictures newer than *cursor*; all if it is empty.

    Of more than `MAX_NEW`, the newest; the page then has a `next_cursor`.

    Raises:
        Invalid: the cursor is malformed.
    """
    parts = [visible_pictures(principal, [batch.id])]
    if cursor:
        parts.append(cursors.before(cursor, "created_at"))
    page = cursors.cut_page(find_rows(parts, MAX_NEW + 1), MAX_NEW, "created_at")
    return BatchPictures(Image.read_all(page.rows), page.next_cursor)


def prompt_numbers(principal: Principal, batch: Batch) -> dict[str, int]:
    """Task id -> the index of its prompt."""
    where = {"batch": batch.id, **principal.filter(), **THERE}
    rows = Task.collection().find(where, {"batch_index": 1})
    return {row["_id"]: row.get("batch_index") or 0 for row in rows}


def newest_of_all(
    principal: Principal, batches: Sequence[Batch], *, each: int
) -> dict[str, list[Image]]:
    """Batch id -> some pictures, of its latest completed tasks."""
    of: dict[str, str] = {}  # task -> batch
    for batch in batches:
        where = {
            "batch": batch.id,
            **principal.filter(),
            **THERE,
            "status": "completed",
        }
        rows = Task.collection().find(where, {"_id": 1}).sort("_id", -1)
        of |= {row["_id"]: batch.id for row in rows.limit(each)}
    shown: dict[str, list[Image]] = {batch.id: [] for batch in batches}
    if not of:
        return shown
    where = {"task_id": {"$in": [*of]}, **SHOWN}
    for row in find_rows([where], MAX_IMAGES * len(of)):
        its = shown[of[row["task_id"]]]
        if len(its) < each:
            its.append(Image.read(row))
    return shown


def visible_pictures(principal: Principal, batch_ids: list[str]) -> dict:
    where = {"batch": {"$in": batch_ids}, **principal.filter(), **THERE}
    rows = Task.collection().find(where, {"_id": 1})
    ids = [row["_id"] for row in rows.batch_size(5000)]
    return {"task_id": {"$in": ids}, **SHOWN}


def find_rows(parts: list[dict], limit: int) -> list[dict]:
    rows = (
        Image.collection()
        .find({"$and": parts}, WITHOUT_SEARCH_FIELDS)
        .sort(NEWEST_FIRST)
    )
    return list(rows.limit(limit))
