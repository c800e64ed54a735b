"""
Collections: named sets of a user's pictures.

The picture stores the ids of its collections, so that trash, retention and deletion
need no rule here.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from jimeng import limits
from jimeng.documents import BulkAction, Collection, Image, Share, indexes, utcnow
from jimeng.documents.auditing import audited
from jimeng.documents.collection import name_key
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.image import GONE, SHOWN
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.errors import Invalid
from jimeng.errors.collections import (
    CollectionFull,
    CollectionNameTaken,
    CollectionNotFound,
    TooManyCollections,
)
from jimeng.gallery.browsing import Hits, PictureFilter, browse_user, hits_of_user
from jimeng.jobs import bulk, periodic_tasks
from jimeng.jobs.bulk import Counts, DocumentBatch, Kind
from jimeng.upkeep.janitor import REQUEST_GRACE

log = logging.getLogger(__name__)

MAX_COLLECTIONS = 200  # per user
MAX_NAME_CHARS = 60
LATEST_FIRST = [("updated_at", -1), ("_id", -1)]


def create(principal: Principal, name: str, user_id: str | None = None) -> Collection:
    """
    Create an empty collection.

    Args:
        user_id: The owner, if not the principal.

    Raises:
        Invalid: the name is empty, too long, or not printable.
        UserIdNotYours: the principal may not act for that user.
        CollectionNameTaken: the user has one of that name, ignoring case.
        TooManyCollections: the user has `MAX_COLLECTIONS`.
        IndexMissing: the index that makes names unique is missing.
    """
    user_id = user_id or principal.user_id
    principal.require_owner(user_id, "collection")
    name = one_line("name", name, MAX_NAME_CHARS)
    indexes.require(indexes.NAMES, fresh=True)
    collection = Collection(
        user_id=user_id,
        owner_id=limits.owner_of(principal, user_id),
        name=name,
        name_key=name_key(name),
    )
    with recorded_on_behalf(
        principal, user_id, "collections.create", collection=collection.id
    ):
        try:
            if not collection.insert_with_limit(MAX_COLLECTIONS):
                raise TooManyCollections(f"user {user_id}", limit=MAX_COLLECTIONS)
        except DuplicateKeyError as error:
            raise CollectionNameTaken(f"collection of {user_id}") from error
    log.info("collection created id=%s user=%s", collection.id, user_id)
    return collection


def one_line(field: str, text: str, max_chars: int, *, min_chars: int = 1) -> str:
    """
    Normalise a name or title: one line, without surrounding space.

    Args:
        field: Its field in the request.

    Raises:
        Invalid: it is too short or too long.
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not min_chars <= len(text) <= max_chars:
        raise Invalid.field(field, "invalid.length", min=min_chars, max=max_chars)
    return text


def find(principal: Principal, collection_id: str) -> Collection:
    """
    Raises:
        CollectionNotFound: no such collection, or another user's.
    """
    return principal.find(Collection, collection_id, CollectionNotFound)


def find_or_create(principal: Principal, name: str) -> Collection:
    """
    Find the principal's own collection of that name, ignoring case, or create it.

    Raises:
        JimengError: as `create`.
    """
    key = name_key(one_line("name", name, MAX_NAME_CHARS))
    mine = {"user_id": principal.user_id, "name_key": key}
    found = Collection.find_one(mine)
    if found is not None:
        return found
    try:
        return create(principal, name)
    except CollectionNameTaken:  # created concurrently
        found = Collection.find_one(mine)
        if found is None:
            raise
        return found


def find_all(principal: Principal) -> list[Collection]:
    """The principal's own collections, last changed first."""
    mine = {"user_id": principal.user_id}
    return Collection.find_all(mine, sort=LATEST_FIRST, limit=2 * MAX_COLLECTIONS)


def page(
    principal: Principal,
    user_id: str | None = None,
    *,
    customers: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Collection]:
    """
    List a user's collections, last changed first, by default the principal's own.

    Args:
        customers: Those of the principal and of all its customers.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the cursor is malformed, or the principal has no customers.
    """
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    whose, index, visible = {"user_id": user_id}, "user_updated", {}
    if customers:
        whose, index = principal.with_customers(), "owner_updated"
        visible = principal.filter()
    found = page_of(
        *(Collection.collection(), whose, "updated_at", cursor, limit),
        narrowing=visible,
        hint=index,
    )
    return found.read(Collection.read_all)


@audited(Collection, "collections.rename")
def rename(principal: Principal, collection_id: str, name: str) -> Collection:
    """
    Rename a collection.

    Raises:
        CollectionNotFound: as in `find`; Invalid, CollectionNameTaken, IndexMissing, as
            in `create`.
    """
    name = one_line("name", name, MAX_NAME_CHARS)
    indexes.require(indexes.NAMES, fresh=True)
    changes = {"name": name, "name_key": name_key(name), "updated_at": utcnow()}
    update = {"$set": changes}
    try:
        return principal.change(Collection, collection_id, update, CollectionNotFound)
    except DuplicateKeyError as error:
        raise CollectionNameTaken(f"collection {collection_id}") from error


@dataclass(frozen=True)
class Overview:
    """
    Attributes:
        hits: The number of its pictures outside the trash, up to a limit.
        cover: The newest of them.
    """

    collection: Collection
    hits: Hits
    cover: Image | None


def overview(collections: Sequence[Collection]) -> list[Overview]:
    """The overview of each collection, at a bounded cost for each."""
    return [overview_of(each) for each in collections]


def overview_of(collection: Collection) -> Overview:
    wanted = PictureFilter(collection=collection.id)
    found = browse_user(collection.user_id, wanted, limit=1).rows
    hits = hits_of_user(collection.user_id, wanted) if found else Hits(0)
    return Overview(collection, hits, found[0] if found else None)


MAX_PICTURES = 10_000  # in a collection
MAX_PER_PICTURE = 20  # collections that a picture is in
MAX_AT_ONCE = 1000  # pictures
INDEX = "collection"


@dataclass(frozen=True)
class Change:
    """
    The result of adding and removing pictures.

    Attributes:
        added: Pictures that were added.
        removed: Pictures that were removed.
        left_out: Pictures that already are in `MAX_PER_PICTURE` collections.
    """

    added: int = 0
    removed: int = 0
    left_out: int = 0


@audited(Collection, "collections.change")
def change(
    principal: Principal,
    collection_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Change:
    """
    Add pictures to a collection and remove others; idempotent.

    Pictures in the trash, and those of other users than the collection's, are ignored.

    Args:
        add: At most `MAX_AT_ONCE` ids; so is *remove*, which is applied first.

    Raises:
        CollectionNotFound: as in `find`.
        CollectionFull: it would exceed `MAX_PICTURES`; nothing is changed.
    """
    found = find(principal, collection_id)
    additions = count_additions(found, add, remove)
    removed = remove_where(
        found.id, {"_id": {"$in": [*remove]}, "user_id": found.user_id}
    )
    if not add:
        return Change(removed=removed)
    shown = {"_id": {"$in": [*add]}, "user_id": found.user_id, **SHOWN}
    outside = {**shown, "collections": {"$ne": found.id}}
    not_full = {f"collections.{MAX_PER_PICTURE - 1}": {"$exists": False}}
    done = Image.collection().update_many(
        {"$and": [outside, not_full]}, {"$addToSet": {"collections": found.id}}
    )
    added = done.modified_count
    stamp = {"$set": {"updated_at": utcnow()}}
    if (
        Collection.find_and_modify({"_id": found.id}, stamp) is None
    ):  # deleted meanwhile
        remove_where(found.id, shown)
        raise CollectionNotFound(f"collection {found.id}")
    return Change(added, removed, max(additions - added, 0))


def count_additions(
    collection: Collection, add: Sequence[str], remove: Sequence[str]
) -> int:
    """
    Count the pictures that would be added, including those removed first.

    Raises:
        CollectionFull: they would exceed `MAX_PICTURES`.
    """
    if not add:
        return 0
    count = Image.collection().count_documents
    inside = {"user_id": collection.user_id, "collections": collection.id}
    leaving = {**inside, "_id": {"$in": [*remove]}}
    shown = {"_id": {"$in": [*add]}, "user_id": collection.user_id, **SHOWN}
    outside = {"collections": {"$ne": collection.id}}
    additions = count({**shown, "$or": [outside, leaving]})
    there = count(inside, hint=INDEX) - (count(leaving) if remove else 0)
    if additions and there + additions > MAX_PICTURES:
        raise CollectionFull(f"collection {collection.id}", limit=MAX_PICTURES)
    return additions


def remove_where(collection_id: str, where: dict) -> int:
    """Remove the matching pictures from a collection; return their number."""
    others = {
        "$filter": {
            "input": "$collections",
            "cond": {"$ne": ["$$this", collection_id]},
        }
    }
    none = {"$eq": ["$collections", []]}
    changing: list[dict] = [
        {"$set": {"collections": others}},
        {"$set": {"collections": {"$cond": [none, GONE, "$collections"]}}},
    ]
    where = {**where, "collections": collection_id}
    return Image.collection().update_many(where, changing).modified_count


def containing(
    principal: Principal, collections: Sequence[Collection], picture_ids: Sequence[str]
) -> dict[str, int]:
    """Id of each collection -> how many of these pictures it contains."""
    where = {"_id": {"$in": [*picture_ids]}, **principal.filter(), **SHOWN}
    counts = {each.id: 0 for each in collections}
    for image in Image.find_all(where, {"collections": 1}):
        for name in image.collections:
            if name in counts:
                counts[name] += 1
    return counts


DELETE = "collections.delete"
DELETIONS_PER_RUN = 100


@audited(Collection, DELETE)
def delete(principal: Principal, collection_id: str) -> None:
    """
    Delete a collection and its share; its pictures stay.

    The collection is deleted immediately. The workers remove its id from its pictures,
    which may take longer.

    Raises:
        CollectionNotFound: as in `find`.
        IndexMissing: as `bulk.start`.
    """
    found = find(principal, collection_id)
    inside = {"user_id": found.user_id, "collections": found.id}
    total = Image.collection().count_documents(inside, hint=INDEX)
    details = {"collection": found.id, "user": found.user_id}
    # Start the bulk action first: it completes the deletion if this process dies.
    action = bulk.start(principal, DELETE, scope=found.id, total=total, details=details)
    _forget({"_id": found.id})
    log.info("collection deleted id=%s user=%s", found.id, found.user_id)
    bulk.work_briefly(action)


def clean_up_deletions() -> bool:
    """
    Remove pictures that were added to a collection while it was being deleted by a
    process that died: retention never deletes pictures in a collection.

    Returns:
        Whether there may be more.
    """
    over: dict = {"kind": DELETE, "ended_at": {"$lte": utcnow() - REQUEST_GRACE}}
    over["details.looked"] = {"$exists": False}
    found = BulkAction.find_all(over, limit=DELETIONS_PER_RUN)
    for action in found:
        user_id = {"user_id": action.details["user"]}
        if late := remove_where(action.details["collection"], user_id):
            log.warning("pictures of a deleted collection count=%d", late)
        checked = {"$set": {"details.looked": True}}
        BulkAction.collection().update_one({"_id": action.id}, checked)
    return len(found) == DELETIONS_PER_RUN


def _forget(where: dict) -> None:
    Share.collection().delete_one(where)
    Collection.collection().delete_one(where)


def _select(action: BulkAction, size: int) -> tuple[Sequence[str], None]:
    of, user_id = action.details["collection"], action.details["user"]
    where = {"user_id": user_id, "collections": of}
    return Image.find_ids(where, hint=INDEX, limit=size), None


def _apply(action: BulkAction, batch: DocumentBatch) -> Counts:
    remove_where(action.details["collection"], {"_id": {"$in": list(batch.ids)}})
    return Counts(len(batch.ids))


def _finish(action: BulkAction) -> None:
    _forget({"_id": action.details["collection"]})


bulk.register(DELETE, Kind(select=_select, apply=_apply, finish=_finish))


# A periodic task of every worker.
periodic_tasks.add("deleted collections", 60.0, clean_up_deletions)
