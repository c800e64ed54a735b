"""Deleting collections; the pictures stay."""

import logging
from collections.abc import Sequence

from jimeng import bulk
from jimeng.bulk import Counts, Kind, Portion
from jimeng.collections.membership import INDEX, without
from jimeng.collections.naming import find
from jimeng.documents import BulkAction, Collection, Image, Share, utcnow
from jimeng.jobs.janitor import SETTLED
from jimeng.tasks.auditing import audited
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

DELETE = "collections.delete"
SOME = 100  # deletions


@audited(Collection, DELETE)
def delete(viewer: Viewer, collection_id: str) -> None:
    """
    Delete a collection, and the page that shows it; its pictures stay.

    It is gone at once. That pictures forget it takes longer where they are many: the
    consumers go on with that.

    Raises:
        CollectionNotFound: as in `find`.
        IndexMissing: as `bulk.start`.
    """
    found = find(viewer, collection_id)
    inside = {"user_id": found.user_id, "collections": found.id}
    total = Image.collection().count_documents(inside, hint=INDEX)
    details = {"collection": found.id, "user": found.user_id}
    # Written down first: whatever dies now, it will be gone altogether.
    action = bulk.start(viewer, DELETE, scope=found.id, total=total, details=details)
    _forget({"_id": found.id})
    log.info("collection deleted id=%s user=%s", found.id, found.user_id)
    bulk.work_briefly(action)


def look_again() -> bool:
    """
    Take out what somebody put into a collection as it was being deleted, and died:
    pictures in a collection are kept for ever, and nobody could see in which.

    Returns:
        Whether there may be more.
    """
    over: dict = {"kind": DELETE, "ended_at": {"$lte": utcnow() - SETTLED}}
    over["details.looked"] = {"$exists": False}
    found = BulkAction.find_all(over, limit=SOME)
    for action in found:
        user_id = {"user_id": action.details["user"]}
        if late := without(action.details["collection"], user_id):
            log.warning("pictures of a deleted collection count=%d", late)
        looked = {"$set": {"details.looked": True}}
        BulkAction.collection().update_one({"_id": action.id}, looked)
    return len(found) == SOME


def _forget(where: dict) -> None:
    Share.collection().delete_one(where)
    Collection.collection().delete_one(where)


def _select(action: BulkAction, size: int) -> tuple[Sequence[str], None]:
    of, user_id = action.details["collection"], action.details["user"]
    where = {"user_id": user_id, "collections": of}
    return Image.find_ids(where, hint=INDEX, limit=size), None


def _apply(action: BulkAction, batch: Portion) -> Counts:
    without(action.details["collection"], {"_id": {"$in": list(batch.ids)}})
    return Counts(len(batch.ids))


def _finish(action: BulkAction) -> None:
    _forget({"_id": action.details["collection"]})


bulk.register(DELETE, Kind(select=_select, apply=_apply, finish=_finish))
