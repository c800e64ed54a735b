"""The pictures of batches, as pages show them: the newest first."""

from collections.abc import Sequence

from jimeng.documents import Batch, Image, Task, cursors
from jimeng.documents.cursors import NEWEST_FIRST, Page
from jimeng.documents.image import SHOWN
from jimeng.documents.task import THERE
from jimeng.tasks.gallery import UNSEEN
from jimeng.viewers import Viewer

MOST_NEW = 60  # pictures that a page is given between two looks
MOST_IMAGES = 4  # of a task


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
    viewer: Viewer, batch: Batch, *, limit: int, cursor: str | None = None
) -> Shown:
    """
    Raises:
        Invalid: the cursor is not one of ours.
    """
    parts = [mine(viewer, [batch.id])]
    if cursor is not None:
        parts.append(cursors.after(cursor, "created_at"))
    rows = found(parts, limit + 1)
    page = cursors.cut_page(rows, limit, "created_at")
    return Shown(Image.read_all(page.rows), page.next_cursor)


def pictures_since(viewer: Viewer, batch: Batch, place: str | None) -> Shown:
    """
    Those that have come since the newest that a page has; all where it has none.

    Raises:
        Invalid: the place is not one of ours.
    """
    parts = [mine(viewer, [batch.id])]
    if place:
        parts.append(cursors.before(place, "created_at"))
    return Shown(Image.read_all(found(parts, MOST_NEW)))


def newest_of_all(
    viewer: Viewer, batches: Sequence[Batch], *, each: int
) -> dict[str, list[Image]]:
    """Some pictures of each batch, by its id: those of the latest of its prompts."""
    of: dict[str, str] = {}  # task -> batch
    for batch in batches:
        where = {"batch": batch.id, **viewer.filter(), **THERE, "status": "completed"}
        rows = Task.collection().find(where, {"_id": 1}).sort("_id", -1)
        of |= {row["_id"]: batch.id for row in rows.limit(each)}
    shown: dict[str, list[Image]] = {batch.id: [] for batch in batches}
    if not of:
        return shown
    where = {"task_id": {"$in": [*of]}, **SHOWN}
    for row in found([where], MOST_IMAGES * len(of)):
        its = shown[of[row["task_id"]]]
        if len(its) < each:
            its.append(Image.read(row))
    return shown


def mine(viewer: Viewer, batch_ids: list[str]) -> dict:
    where = {"batch": {"$in": batch_ids}, **viewer.filter(), **THERE}
    rows = Task.collection().find(where, {"_id": 1})
    ids = [row["_id"] for row in rows.batch_size(5000)]
    return {"task_id": {"$in": ids}, **SHOWN}


def found(parts: list[dict], limit: int) -> list[dict]:
    rows = Image.collection().find({"$and": parts}, UNSEEN).sort(NEWEST_FIRST)
    return list(rows.limit(limit))
