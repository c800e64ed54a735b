"""Find batches, their tasks and their latest pictures."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jimeng.documents import Batch, Image, Task, cursors
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.image import SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE, having
from jimeng.errors.batches import BatchNotFound
from jimeng.gallery.browsing import UNSEEN
from jimeng.tasks.queries import check_status, owner_filter

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


def find(principal: Principal, batch_id: str, *, whole: bool = False) -> Batch:
    """
    Look up one batch, with its first prompt.

    Args:
        whole: With all of them.

    Raises:
        BatchNotFound: no such batch, or it is somebody else's.
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
    rows = rows_of(principal, user_id, limit + 1, cursor, having(metadata))
    return cursors.cut_page(rows, limit, "created_at").read(Batch.read_all)


def rows_of(
    principal: Principal,
    user_id: str,
    limit: int,
    cursor: str | None,
    within: Mapping[str, object] = MappingProxyType({}),
) -> list[dict]:
    parts = [{**owner_filter(principal, user_id), **within, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = Batch.collection().find({"$and": parts}, FIRST_PROMPT)
    return list(rows.sort(NEWEST_FIRST).limit(limit))


def feed(principal: Principal, *, limit: int, cursor: str | None = None) -> Feed:
    """
    What the principal has asked for, newest first, each batch as one.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    mine = principal.user_id
    parts = [{**owner_filter(principal, mine), **ALONE, **THERE}]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    found = Task.collection().find({"$and": parts}).sort(NEWEST_FIRST)
    rows: list[tuple[dict, type[Task] | type[Batch]]] = [
        *((row, Task) for row in found.limit(limit + 1)),
        *((row, Batch) for row in rows_of(principal, mine, limit + 1, cursor)),
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
    where: dict = {"batch": batch.id, **principal.filter(), **THERE}
    if after is not None:
        where["_id"] = {"$gt": after}
    if status:
        where["status"] = check_status(status)
    rows = Task.collection().find(where).sort("_id", 1).limit(limit)
    return Task.read_all(rows)


MAX_NEW = 60  # pictures that a page is given between two looks
MAX_IMAGES = 4  # of a task


class Shown(Page[Image]):
    """Some of the pictures, newest first."""

    @property
    def first(self) -> str | None:
        """The place of the newest, by which later ones are asked for."""
        if not self.rows:
            return None
        newest = self.rows[0]
        row = {"created_at": newest.created_at, "_id": newest.id}
        return cursors.cursor_of(row, "created_at")


def pictures_of(
    principal: Principal, batch: Batch, *, limit: int, cursor: str | None = None
) -> Shown:
    """
    Raises:
        Invalid: the cursor is not one of ours.
    """
    parts = [mine(principal, [batch.id])]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = found(parts, limit + 1)
    page = cursors.cut_page(rows, limit, "created_at")
    return Shown(Image.read_all(page.rows), page.next_cursor)


def pictures_since(principal: Principal, batch: Batch, place: str | None) -> Shown:
    """
    Those that have come since the newest that a page has; all where it has none.

    Raises:
        Invalid: the place is not one of ours.
    """
    parts = [mine(principal, [batch.id])]
    if place:
        parts.append(cursors.before(place, "created_at"))
    return Shown(Image.read_all(found(parts, MAX_NEW)))


def newest_of_all(
    principal: Principal, batches: Sequence[Batch], *, each: int
) -> dict[str, list[Image]]:
    """Some pictures of each batch, by its id: those of the latest of its prompts."""
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
    for row in found([where], MAX_IMAGES * len(of)):
        its = shown[of[row["task_id"]]]
        if len(its) < each:
            its.append(Image.read(row))
    return shown


def mine(principal: Principal, batch_ids: list[str]) -> dict:
    where = {"batch": {"$in": batch_ids}, **principal.filter(), **THERE}
    rows = Task.collection().find(where, {"_id": 1})
    ids = [row["_id"] for row in rows.batch_size(5000)]
    return {"task_id": {"$in": ids}, **SHOWN}


def found(parts: list[dict], limit: int) -> list[dict]:
    rows = Image.collection().find({"$and": parts}, UNSEEN).sort(NEWEST_FIRST)
    return list(rows.limit(limit))
