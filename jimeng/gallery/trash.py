"""The trash: deleted tasks and pictures can be restored for a week."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from jimeng.documents import Batch, Image, Task, best_effort, utcnow
from jimeng.documents.auditing import audited
from jimeng.documents.cursors import EPOCH, Page, after
from jimeng.documents.image import GONE, SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery.browsing import WITHOUT_SEARCH_FIELDS, page_of
from jimeng.pictures.contents import Content
from jimeng.tasks.cancellation import deletion_update, drop_waiting
from jimeng.tasks.queries import file_of, find
from jimeng.upkeep.janitor import finish_deletion
from jimeng.upkeep.purge import TRASH_RETENTION

log = logging.getLogger(__name__)

LATEST_FIRST = [("trashed_at", -1), ("_id", -1)]
MAX_TASKS = 50  # in the list
EXISTS = {"$exists": True}


@dataclass(frozen=True)
class Trashed:
    """
    Pictures that were deleted together.

    Attributes:
        moment: The time of deletion, which identifies them.
        count: The number of pictures.
    """

    moment: datetime
    count: int

    @property
    def milliseconds(self) -> int:
        """The moment in milliseconds since 1970, by which they are restored."""
        return (self.moment - EPOCH) // timedelta(milliseconds=1)


def trashed_pictures(
    principal: Principal, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    List the principal's own pictures in the trash, last deleted first.

    Raises:
        Invalid: the cursor is malformed.
    """
    fresh = {
        "user_id": principal.user_id,
        "trashed_at": {"$gt": utcnow() - TRASH_RETENTION},
    }
    parts = [fresh] if cursor is None else [fresh, after(cursor, "trashed_at")]
    rows = (
        Image.collection()
        .find({"$and": parts}, WITHOUT_SEARCH_FIELDS)
        .sort(LATEST_FIRST)
    )
    return page_of(list(rows.limit(limit + 1)), limit, "trashed_at")


def trashed_tasks(principal: Principal) -> list[Task]:
    """The principal's latest tasks in the trash that have no pictures there."""
    where = {"user_id": principal.user_id, "purge_at": {"$gt": utcnow()}}
    found = Task.find_all(where, sort=[("deleted_at", -1)], limit=MAX_TASKS)
    theirs = {"task_id": {"$in": [task.id for task in found]}}
    with_pictures = set(Image.collection().distinct("task_id", theirs))
    return [task for task in found if task.id not in with_pictures]


def trashed_thumbnail(principal: Principal, picture_id: str) -> tuple[Image, Content]:
    """
    Find the thumbnail of a picture in the trash, which only its owner sees.

    Raises:
        ImageNotFound: no such picture in the trash, or another user's.
    """
    found = principal.find(Image, picture_id, ImageNotFound, {"trashed_at": EXISTS})
    return found, file_of(found, "thumbnail_id")


def trash_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Move pictures to the trash; return their number.

    They are hidden everywhere, also under their public links. The tasks stay
    completed, without these pictures.
    """
    return trash_together(principal, picture_ids).count


@audited(Image, "pictures.trash")
def trash_together(principal: Principal, picture_ids: Iterable[str]) -> Trashed:
    """`trash_pictures`, with what identifies them to restore them together."""
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    moment = utcnow()
    return Trashed(moment, change(where, {"trashed_at": moment}))


@audited(Image, "pictures.restore")
def restore_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Restore pictures from the trash; return their number.

    If the whole task was deleted it is restored too, with only these pictures.
    """
    return restore_where({"_id": {"$in": list(picture_ids)}, **principal.filter()})


@audited(Image, "pictures.purge")
def purge_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Delete pictures in the trash permanently; return their number. They count as too
    old to be restored, and the janitor deletes them within a minute.
    """
    now = utcnow()
    ids = {"_id": {"$in": list(picture_ids)}, **principal.filter()}
    purged = Image.collection().update_many(
        {**ids, "trashed_at": {"$gt": now - TRASH_RETENTION}},
        {"$set": {"trashed_at": now - TRASH_RETENTION}, "$unset": {"with_task": ""}},
    )
    log.info("purged user=%s n=%d", principal.user_id, purged.modified_count)
    return purged.modified_count


@audited(Task, "tasks.trash")
def trash(principal: Principal, task_id: str) -> None:
    """
    Move a task with its pictures to the trash; an unfinished one is cancelled.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(principal, task_id)
    now = utcnow()
    shown, gone = {"task_id": task.id, **SHOWN}, {"trashed_at": now, "with_task": True}
    # The pictures go first: if this process dies, none stays visible without its task.
    Image.change(shown, gone)
    there = {"_id": task.id, **THERE}
    Task.collection().update_one(
        there, deletion_update(now, purge_at=now + TRASH_RETENTION)
    )
    log.info("task trashed task=%s user=%s", task.id, task.user_id)
    with best_effort("waiting pictures"):
        if task.is_open:
            drop_waiting([task.id])
            Image.change(shown, gone)  # one may have been stored meanwhile
        Batch.count_anew(task.batch)


@audited(Task, "tasks.restore")
def restore(principal: Principal, task_id: str) -> Task:
    """
    Restore a task from the trash, with the pictures that were deleted with it.

    Raises:
        TaskNotFound: no such task, another user's, or too old to be restored.
    """
    task = _restore_task({"_id": task_id, **principal.filter()})
    if task is None:
        task = find(principal, task_id)  # requested twice: it is restored already
    with_it = {"task_id": task.id, "with_task": True}
    Image.change(with_it, {"trashed_at": GONE, "with_task": GONE})
    Task.touch([task.id])
    log.info("task restored task=%s user=%s", task.id, principal.user_id)
    return task


@audited(Task, "tasks.purge")
def purge(principal: Principal, task_id: str) -> None:
    """
    Delete a task in the trash permanently.

    Raises:
        TaskNotFound: it is not in the trash, or another user's.
    """
    not_restorable, trashed = {"$unset": {"purge_at": ""}}, {"purge_at": EXISTS}
    principal.change(Task, task_id, not_restorable, TaskNotFound, trashed)
    finish_deletion(task_id)
    log.info("task purged task=%s user=%s", task_id, principal.user_id)


def change(where: dict, changes: dict) -> int:
    """
    Change pictures, and touch their tasks, whose representation changes with them.
    """
    task_ids = Image.collection().distinct("task_id", where)
    changed = Image.change(where, changes)
    Task.touch(task_ids)
    return changed


def restore_where(where: dict) -> int:
    """Restore the matching pictures that are not too old."""
    now = utcnow()
    fresh = {"$and": [where, {"trashed_at": {"$gt": now - TRASH_RETENTION}}]}
    task_ids = Image.collection().distinct("task_id", fresh)
    hidden = {"_id": {"$in": task_ids}, "purge_at": {"$gt": now}}
    for task_id in Task.collection().distinct("_id", hidden):
        if _restore_task({"_id": task_id}) is not None:
            alone = {"task_id": task_id, "with_task": True}
            Image.collection().update_many(alone, {"$unset": {"with_task": ""}})
    # Pictures of tasks that are being deleted permanently cannot be restored.
    there = Task.collection().distinct("_id", {"_id": {"$in": task_ids}, **THERE})
    shown_again = {**fresh, "task_id": {"$in": there}}
    return change(shown_again, {"trashed_at": GONE, "with_task": GONE})


def _restore_task(where: dict) -> Task | None:
    now = utcnow()
    task = Task.find_and_modify(
        {**where, "purge_at": {"$gt": now}},
        {"$set": {"updated_at": now}, "$unset": {"deleted_at": "", "purge_at": ""}},
    )
    if task is not None:
        with best_effort("counts"):
            Batch.count_anew(task.batch)
    return task
