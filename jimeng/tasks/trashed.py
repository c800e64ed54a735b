"""What lies in the trash, and how much would go there at once."""

from dataclasses import dataclass
from typing import BinaryIO

from jimeng import jobs
from jimeng.documents import Image, Task, utcnow
from jimeng.documents.cursors import after
from jimeng.errors import ImageNotFound
from jimeng.jobs.purge import KEPT
from jimeng.tasks.gallery import UNSEEN, Pictures, Wanted, page_of
from jimeng.viewers import Viewer

LATEST_FIRST = [("trashed_at", -1), ("_id", -1)]
MOST_TASKS = 50
EXISTS = {"$exists": True}


@dataclass(frozen=True)
class Others:
    """How many pictures are favourites, and how many are not."""

    favourites: int
    others: int


def trashed_pictures(
    viewer: Viewer, *, cursor: str | None = None, limit: int = 60
) -> Pictures:
    """
    The viewer's own pictures in the trash, those deleted last first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    fresh = {"user_id": viewer.user_id, "trashed_at": {"$gt": utcnow() - KEPT}}
    parts = [fresh] if cursor is None else [fresh, after(cursor, "trashed_at")]
    rows = Image.collection().find({"$and": parts}, UNSEEN).sort(LATEST_FIRST)
    return page_of(list(rows.limit(limit + 1)), limit, "trashed_at")


def trashed_tasks(viewer: Viewer) -> list[Task]:
    """The viewer's own tasks in the trash that have no pictures there, the latest."""
    where = {"user_id": viewer.user_id, "purge_at": {"$gt": utcnow()}}
    rows = Task.collection().find(where).sort("deleted_at", -1).limit(MOST_TASKS)
    found = [Task._from_son(row) for row in rows]
    theirs = {"task_id": {"$in": [task.id for task in found]}}
    with_pictures = set(Image.collection().distinct("task_id", theirs))
    return [task for task in found if task.id not in with_pictures]


def trashed_thumbnail(viewer: Viewer, picture_id: str) -> tuple[Image, BinaryIO]:
    """
    Open the thumbnail of a picture in the trash, which only its owner sees.

    Raises:
        ImageNotFound: no such picture there, or somebody else's.
    """
    where = {"_id": picture_id, **viewer.filter(), "trashed_at": EXISTS}
    found = Image.find_one(where)
    content = found and jobs.runtime().store.open(found.thumbnail_id)
    if not found or not content:
        raise ImageNotFound(f"picture {picture_id[:80]!r} in the trash")
    return found, content


def count_others(viewer: Viewer) -> Others:
    """Count favourites and the others, outside the trash."""
    count = Image.collection().count_documents
    total = count(Wanted().where(viewer.user_id))
    favourites = count(Wanted(favourite=True).where(viewer.user_id))
    return Others(favourites, total - favourites)
