"""Bulk actions: empty the trash, trash all but favourites, and undo that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jimeng.documents import BulkAction, Image, Task
from jimeng.documents.cursors import EPOCH
from jimeng.documents.image import SHOWN
from jimeng.documents.principal import Principal
from jimeng.gallery.browsing import PictureFilter
from jimeng.gallery.trash import EXISTS, Trashed, change, restore_where
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, Kind
from jimeng.upkeep.purge import TRASH_RETENTION

EMPTY, OTHERS, RESTORE = "trash.empty", "trash.others", "trash.restore"
KINDS = (EMPTY, OTHERS, RESTORE)
PICTURES = "pictures"  # cursor: the second pass of emptying, after the tasks
BY_ID = [("_id", 1)]
MAX_TIMESTAMP_MS = 10**14  # the year 5138


@dataclass(frozen=True)
class FavouriteCounts:
    """The numbers of favourites and of other pictures."""

    favourites: int
    others: int


def empty_trash(principal: Principal) -> None:
    """Empty the principal's trash; the workers delete its content."""
    mine = {"user_id": principal.user_id}
    total = Image.collection().count_documents({**mine, "trashed_at": EXISTS})
    bulk.work_briefly(_begin(principal, EMPTY, total))


def count_others(principal: Principal) -> FavouriteCounts:
    """Count favourites and other pictures, outside the trash."""
    count = Image.collection().count_documents
    total = count(PictureFilter().where(principal.user_id))
    favourites = count(PictureFilter(favourite=True).where(principal.user_id))
    return FavouriteCounts(favourites, total - favourites)


def trash_others(principal: Principal) -> Trashed:
    """Move all pictures but favourites to the trash."""
    total = Image.collection().count_documents(_all_but_favourites(principal.user_id))
    action = bulk.work_briefly(_begin(principal, OTHERS, total))
    return Trashed(action.started_at, action.total)


def restore_together(principal: Principal, milliseconds: int) -> int:
    """
    Restore the pictures that the principal deleted together; return their number. A
    deletion that is still in progress stops.

    Args:
        milliseconds: `Trashed.milliseconds`.
    """
    if not 0 <= milliseconds < MAX_TIMESTAMP_MS:
        return 0
    bulk.stop(OTHERS, principal.user_id)
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    meant = {"user_id": principal.user_id, "trashed_at": moment}
    total = Image.collection().count_documents(meant)
    action = _begin(principal, RESTORE, total, milliseconds=milliseconds)
    action = bulk.work_briefly(action)
    return action.total if action.is_open else action.done


def under_way(principal: Principal) -> list[BulkAction]:
    """The principal's bulk actions in progress."""
    return bulk.under_way(*KINDS, by=principal.user_id)


def find_tidying(principal: Principal, action_id: str) -> BulkAction | None:
    """The principal's bulk action of that id, or None."""
    action = bulk.find(action_id)
    is_mine = action and action.kind in KINDS and action.by == principal.user_id
    return action if is_mine else None


def _begin(
    principal: Principal, kind: str, total: int, **details: object
) -> BulkAction:
    return bulk.start(
        principal,
        kind,
        scope=f"{principal.user_id}|{details}" if details else principal.user_id,
        total=total,
        details=details,
    )


def _all_but_favourites(user_id: str) -> dict:
    return {**PictureFilter().where(user_id), "favourite": {"$ne": True}}


def _emptied(action: BulkAction, size: int) -> tuple[Sequence[str], str | None]:
    mine, before = {"user_id": action.by}, {"$lte": action.started_at}
    if action.cursor is None:
        trashed = {**mine, "purge_at": EXISTS, "deleted_at": before}
        found = Task.find_ids(trashed, sort=BY_ID, limit=size)
        if found:
            return found, None
    since = {"$gt": action.started_at - TRASH_RETENTION, **before}
    where = {**mine, "trashed_at": since}
    return Image.find_ids(where, sort=BY_ID, limit=size), PICTURES


def _give_up(action: BulkAction, batch: bulk.DocumentBatch) -> Counts:
    ids = {"_id": {"$in": list(batch.ids)}}
    if batch.cursor is None:
        Task.collection().update_many(ids, {"$unset": {"purge_at": ""}})
        return Counts(0)
    too_old = {"trashed_at": action.started_at - TRASH_RETENTION}
    Image.collection().update_many({**ids, "trashed_at": EXISTS}, {"$set": too_old})
    return Counts(len(batch.ids))


def _shown(action: BulkAction, size: int) -> tuple[Sequence[str], None]:
    # Leave out pictures created since.
    earlier = {"created_at": {"$lte": action.started_at}}
    shown = {**_all_but_favourites(action.by), **earlier}
    return Image.find_ids(shown, sort=BY_ID, limit=size), None


def _trash(action: BulkAction, batch: bulk.DocumentBatch) -> Counts:
    ids = {"_id": {"$in": list(batch.ids)}}
    change({**ids, **SHOWN}, {"trashed_at": action.started_at})
    gone = {**ids, "trashed_at": action.started_at}
    return Counts(Image.collection().count_documents(gone))


def _trashed(action: BulkAction, size: int) -> tuple[Sequence[str], str | None]:
    # Pictures without a task cannot be restored: without the cursor, they would be
    # selected again.
    moment = EPOCH + timedelta(milliseconds=action.details["milliseconds"])
    where = {"user_id": action.by, "trashed_at": moment}
    where["_id"] = {"$gt": action.cursor or ""}
    ids = Image.find_ids(where, sort=BY_ID, limit=size)
    return ids, ids[-1] if ids else None


def _restore(action: BulkAction, batch: bulk.DocumentBatch) -> Counts:
    ids = {"_id": {"$in": list(batch.ids)}, "user_id": action.by}
    restore_where(ids)
    return Counts(Image.collection().count_documents({**ids, **SHOWN}))


bulk.register(EMPTY, Kind(select=_emptied, apply=_give_up))
bulk.register(OTHERS, Kind(select=_shown, apply=_trash))
bulk.register(RESTORE, Kind(select=_trashed, apply=_restore))
