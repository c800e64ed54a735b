"""Deleting from a page: what is deleted can be brought back for a week."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from jimeng import jobs
from jimeng.documents import Batch, Image, Task, left_over, utcnow
from jimeng.documents.cursors import EPOCH, Page, after
from jimeng.documents.image import GONE, SHOWN
from jimeng.documents.task import THERE
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.jobs.purge import TRASH_KEPT_FOR
from jimeng.tasks.auditing import audited
from jimeng.tasks.cancelling import drop_waiting, hiding
from jimeng.tasks.gallery import UNSEEN, page_of
from jimeng.tasks.reading import find
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

LATEST_FIRST = [("trashed_at", -1), ("_id", -1)]
MOST_TASKS = 50  # that are listed
EXISTS = {"$exists": True}


@dataclass(frozen=True)
class Trashed:
    """
    What went into the trash in one go.

    Attributes:
        moment: Since when it is there.
        count: How many pictures.
    """

    moment: datetime
    count: int

    @property
    def milliseconds(self) -> int:
        """Since 1970: by this all of it is brought back."""
        return (self.moment - EPOCH) // timedelta(milliseconds=1)


def trashed_pictures(
    viewer: Viewer, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    The viewer's own pictures in the trash, those deleted last first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    fresh = {
        "user_id": viewer.user_id,
        "trashed_at": {"$gt": utcnow() - TRASH_KEPT_FOR},
    }
    parts = [fresh] if cursor is None else [fresh, after(cursor, "trashed_at")]
    rows = Image.collection().find({"$and": parts}, UNSEEN).sort(LATEST_FIRST)
    return page_of(list(rows.limit(limit + 1)), limit, "trashed_at")


def trashed_tasks(viewer: Viewer) -> list[Task]:
    """The viewer's own tasks in the trash that have no pictures there, the latest."""
    where = {"user_id": viewer.user_id, "purge_at": {"$gt": utcnow()}}
    found = Task.find_all(where, sort=[("deleted_at", -1)], limit=MOST_TASKS)
    theirs = {"task_id": {"$in": [task.id for task in found]}}
    with_pictures = set(Image.collection().distinct("task_id", theirs))
    return [task for task in found if task.id not in with_pictures]


def trashed_thumbnail(viewer: Viewer, picture_id: str) -> tuple[Image, BinaryIO]:
    """
    Open the thumbnail of a picture in the trash, which only its owner sees.

    Raises:
        ImageNotFound: no such picture there, or somebody else's.
    """
    found = viewer.find(Image, picture_id, ImageNotFound, {"trashed_at": EXISTS})
    content = jobs.runtime().store.open(found.thumbnail_id)
    if not content:
        raise ImageNotFound(f"picture {picture_id[:80]!r} in the trash")
    return found, content


def trash_pictures(viewer: Viewer, picture_ids: Iterable[str]) -> int:
    """
    Put pictures into the trash; return how many.

    Nobody sees them from then on, also not by their links. The tasks stay, and
    stay completed: their lists leave these pictures out.
    """
    return trash_together(viewer, picture_ids).count


@audited(Image, "pictures.trash")
def trash_together(viewer: Viewer, picture_ids: Iterable[str]) -> Trashed:
    """`trash_pictures`, with what it takes to bring all of them back."""
    where = {"_id": {"$in": list(picture_ids)}, **viewer.filter(), **SHOWN}
    moment = utcnow()
    return Trashed(moment, change(where, {"trashed_at": moment}))


@audited(Image, "pictures.restore")
def restore_pictures(viewer: Viewer, picture_ids: Iterable[str]) -> int:
    """
    Bring pictures back from the trash; return how many.

    Where the whole task had been deleted it comes back too, with only these.
    """
    return restore_where({"_id": {"$in": list(picture_ids)}, **viewer.filter()})


@audited(Image, "pictures.purge")
def purge_pictures(viewer: Viewer, picture_ids: Iterable[str]) -> int:
    """
    Give up pictures in the trash for good; return how many. From now on they are
    too old to be brought back, and the janitor removes them within a minute.
    """
    now = utcnow()
    ids = {"_id": {"$in": list(picture_ids)}, **viewer.filter()}
    given_up = Image.collection().update_many(
        {**ids, "trashed_at": {"$gt": now - TRASH_KEPT_FOR}},
        {"$set": {"trashed_at": now - TRASH_KEPT_FOR}, "$unset": {"with_task": ""}},
    )
    log.info("purged user=%s n=%d", viewer.user_id, given_up.modified_count)
    return given_up.modified_count


@audited(Task, "tasks.trash")
def trash(viewer: Viewer, task_id: str) -> None:
    """
    Put a task with its pictures into the trash, cancelled if it has not ended.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(viewer, task_id)
    now = utcnow()
    shown, gone = {"task_id": task.id, **SHOWN}, {"trashed_at": now, "with_task": True}
    # The pictures go first: those of a task that nobody can see would be left over.
    Image.change(shown, gone)
    there = {"_id": task.id, **THERE}
    Task.collection().update_one(there, hiding(now, purge_at=now + TRASH_KEPT_FOR))
    log.info("task trashed task=%s user=%s", task.id, task.user_id)
    with left_over("waiting pictures"):
        if task.is_open:
            drop_waiting([task.id])
            Image.change(shown, gone)  # one may have come in between
        Batch.count_anew(task.batch)


@audited(Task, "tasks.restore")
def restore(viewer: Viewer, task_id: str) -> Task:
    """
    Bring a task back from the trash, with the pictures that went with it.

    Raises:
        TaskNotFound: no such task, somebody else's, or it is too late.
    """
    task = _bring_back({"_id": task_id, **viewer.filter()})
    if task is None:
        task = find(viewer, task_id)  # sent twice: it is there already
    with_it = {"task_id": task.id, "with_task": True}
    Image.change(with_it, {"trashed_at": GONE, "with_task": GONE})
    Task.touch([task.id])
    log.info("task restored task=%s user=%s", task.id, viewer.user_id)
    return task


@audited(Task, "tasks.purge")
def purge(viewer: Viewer, task_id: str) -> None:
    """
    Remove a task in the trash for good.

    Raises:
        TaskNotFound: it is not in the trash, or somebody else's.
    """
    no_way_back, trashed = {"$unset": {"purge_at": ""}}, {"purge_at": EXISTS}
    viewer.change(Task, task_id, no_way_back, TaskNotFound, trashed)
    jobs.finish_deletion(task_id)
    log.info("task purged task=%s user=%s", task_id, viewer.user_id)


def change(where: dict, changes: dict) -> int:
    """Change pictures, and let their tasks be read anew: what they show changes."""
    task_ids = Image.collection().distinct("task_id", where)
    changed = Image.change(where, changes)
    Task.touch(task_ids)
    return changed


def restore_where(where: dict) -> int:
    """Bring those of these pictures back that have not been there for too long."""
    now = utcnow()
    fresh = {"$and": [where, {"trashed_at": {"$gt": now - TRASH_KEPT_FOR}}]}
    task_ids = Image.collection().distinct("task_id", fresh)
    hidden = {"_id": {"$in": task_ids}, "purge_at": {"$gt": now}}
    for task_id in Task.collection().distinct("_id", hidden):
        if _bring_back({"_id": task_id}) is not None:
            alone = {"task_id": task_id, "with_task": True}
            Image.collection().update_many(alone, {"$unset": {"with_task": ""}})
    # What is being removed for good has no task any more that would show it.
    there = Task.collection().distinct("_id", {"_id": {"$in": task_ids}, **THERE})
    shown_again = {**fresh, "task_id": {"$in": there}}
    return change(shown_again, {"trashed_at": GONE, "with_task": GONE})


def _bring_back(where: dict) -> Task | None:
    now = utcnow()
    task = Task.swap(
        {**where, "purge_at": {"$gt": now}},
        {"$set": {"updated_at": now}, "$unset": {"deleted_at": "", "purge_at": ""}},
    )
    if task is not None:
        with left_over("counts"):
            Batch.count_anew(task.batch)
    return task
