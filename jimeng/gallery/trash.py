"""Deleting from a page: what is deleted can be brought back for a week."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from jimeng import jobs
from jimeng.documents import Batch, Image, Task, best_effort, utcnow
from jimeng.documents.cursors import EPOCH, Page, after
from jimeng.documents.image import GONE, SHOWN
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery.browsing import UNSEEN, page_of
from jimeng.jobs.purge import TRASH_KEPT_FOR
from jimeng.tasks.audit import audited
from jimeng.tasks.cancellation import deletion_update, drop_waiting
from jimeng.tasks.queries import find

log = logging.getLogger(__name__)

LATEST_FIRST = [("trashed_at", -1), ("_id", -1)]
MAX_TASKS = 50  # that are listed
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
    principal: Principal, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    The principal's own pictures in the trash, those deleted last first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    fresh = {
        "user_id": principal.user_id,
        "trashed_at": {"$gt": utcnow() - TRASH_KEPT_FOR},
    }
    parts = [fresh] if cursor is None else [fresh, after(cursor, "trashed_at")]
    rows = Image.collection().find({"$and": parts}, UNSEEN).sort(LATEST_FIRST)
    return page_of(list(rows.limit(limit + 1)), limit, "trashed_at")


def trashed_tasks(principal: Principal) -> list[Task]:
    """The principal's latest tasks in the trash that have no pictures there."""
    where = {"user_id": principal.user_id, "purge_at": {"$gt": utcnow()}}
    found = Task.find_all(where, sort=[("deleted_at", -1)], limit=MAX_TASKS)
    theirs = {"task_id": {"$in": [task.id for task in found]}}
    with_pictures = set(Image.collection().distinct("task_id", theirs))
    return [task for task in found if task.id not in with_pictures]


def trashed_thumbnail(principal: Principal, picture_id: str) -> tuple[Image, BinaryIO]:
    """
    Open the thumbnail of a picture in the trash, which only its owner sees.

    Raises:
        ImageNotFound: no such picture there, or somebody else's.
    """
    found = principal.find(Image, picture_id, ImageNotFound, {"trashed_at": EXISTS})
    content = jobs.runtime().store.open(found.thumbnail_id)
    if not content:
        raise ImageNotFound(f"picture {picture_id[:80]!r} in the trash")
    return found, content


def trash_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Put pictures into the trash; return how many.

    Nobody sees them from then on, also not by their links. The tasks stay, and
    stay completed: their lists leave these pictures out.
    """
    return trash_together(principal, picture_ids).count


@audited(Image, "pictures.trash")
def trash_together(principal: Principal, picture_ids: Iterable[str]) -> Trashed:
    """`trash_pictures`, with what it takes to bring all of them back."""
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    moment = utcnow()
    return Trashed(moment, change(where, {"trashed_at": moment}))


@audited(Image, "pictures.restore")
def restore_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Bring pictures back from the trash; return how many.

    Where the whole task had been deleted it comes back too, with only these.
    """
    return restore_where({"_id": {"$in": list(picture_ids)}, **principal.filter()})


@audited(Image, "pictures.purge")
def purge_pictures(principal: Principal, picture_ids: Iterable[str]) -> int:
    """
    Give up pictures in the trash for good; return how many. From now on they are
    too old to be brought back, and the janitor removes them within a minute.
    """
    now = utcnow()
    ids = {"_id": {"$in": list(picture_ids)}, **principal.filter()}
    given_up = Image.collection().update_many(
        {**ids, "trashed_at": {"$gt": now - TRASH_KEPT_FOR}},
        {"$set": {"trashed_at": now - TRASH_KEPT_FOR}, "$unset": {"with_task": ""}},
    )
    log.info("purged user=%s n=%d", principal.user_id, given_up.modified_count)
    return given_up.modified_count


@audited(Task, "tasks.trash")
def trash(principal: Principal, task_id: str) -> None:
    """
    Put a task with its pictures into the trash, cancelled if it has not ended.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(principal, task_id)
    now = utcnow()
    shown, gone = {"task_id": task.id, **SHOWN}, {"trashed_at": now, "with_task": True}
    # The pictures go first: those of a task that nobody can see would be left over.
    Image.change(shown, gone)
    there = {"_id": task.id, **THERE}
    Task.collection().update_one(
        there, deletion_update(now, purge_at=now + TRASH_KEPT_FOR)
    )
    log.info("task trashed task=%s user=%s", task.id, task.user_id)
    with best_effort("waiting pictures"):
        if task.is_open:
            drop_waiting([task.id])
            Image.change(shown, gone)  # one may have come in between
        Batch.count_anew(task.batch)


@audited(Task, "tasks.restore")
def restore(principal: Principal, task_id: str) -> Task:
    """
    Bring a task back from the trash, with the pictures that went with it.

    Raises:
        TaskNotFound: no such task, somebody else's, or it is too late.
    """
    task = _bring_back({"_id": task_id, **principal.filter()})
    if task is None:
        task = find(principal, task_id)  # sent twice: it is there already
    with_it = {"task_id": task.id, "with_task": True}
    Image.change(with_it, {"trashed_at": GONE, "with_task": GONE})
    Task.touch([task.id])
    log.info("task restored task=%s user=%s", task.id, principal.user_id)
    return task


@audited(Task, "tasks.purge")
def purge(principal: Principal, task_id: str) -> None:
    """
    Remove a task in the trash for good.

    Raises:
        TaskNotFound: it is not in the trash, or somebody else's.
    """
    no_way_back, trashed = {"$unset": {"purge_at": ""}}, {"purge_at": EXISTS}
    principal.change(Task, task_id, no_way_back, TaskNotFound, trashed)
    jobs.finish_deletion(task_id)
    log.info("task purged task=%s user=%s", task_id, principal.user_id)


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
    task = Task.find_and_modify(
        {**where, "purge_at": {"$gt": now}},
        {"$set": {"updated_at": now}, "$unset": {"deleted_at": "", "purge_at": ""}},
    )
    if task is not None:
        with best_effort("counts"):
            Batch.count_anew(task.batch)
    return task
