"""Putting pictures into collections, and taking them out."""

from collections.abc import Sequence
from dataclasses import dataclass

from jimeng.collections.naming import find
from jimeng.documents import Collection, Image, utcnow
from jimeng.documents.image import GONE, SHOWN
from jimeng.errors.kept import CollectionFull, CollectionNotFound
from jimeng.tasks.auditing import audited
from jimeng.viewers import Viewer

MOST_PICTURES = 10_000  # in a collection
MOST_OF_ONE = 20  # collections that a picture is in
MOST_AT_ONCE = 1000  # pictures
INDEX = "collection"


@dataclass(frozen=True)
class Change:
    """
    What became of pictures that were to be put in or taken out.

    Attributes:
        added: How many are in it that were not.
        removed: How many are no longer.
        left_out: How many are in as many collections as may be.
    """

    added: int = 0
    removed: int = 0
    left_out: int = 0


@audited(Collection, "collections.change")
def change(
    viewer: Viewer,
    collection_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Change:
    """
    Put pictures into a collection and take others out; twice is as once.

    Pictures in the trash, and those of other users than the collection's, are as if
    they had never been.

    Args:
        add: At most `MOST_AT_ONCE` ids, and so is *remove*, which comes first.

    Raises:
        CollectionNotFound: as in `find`.
        CollectionFull: not all would have room; nothing is changed.
    """
    found = find(viewer, collection_id)
    coming = count_coming(found, add, remove)
    removed = without(found.id, {"_id": {"$in": [*remove]}, "user_id": found.user_id})
    if not add:
        return Change(removed=removed)
    shown = {"_id": {"$in": [*add]}, "user_id": found.user_id, **SHOWN}
    outside = {**shown, "collections": {"$ne": found.id}}
    room = {f"collections.{MOST_OF_ONE - 1}": {"$exists": False}}
    done = Image.collection().update_many(
        {"$and": [outside, room]}, {"$addToSet": {"collections": found.id}}
    )
    added = done.modified_count
    stamp = {"$set": {"updated_at": utcnow()}}
    if Collection.swap({"_id": found.id}, stamp) is None:  # deleted meanwhile
        without(found.id, shown)
        raise CollectionNotFound(f"collection {found.id}")
    return Change(added, removed, max(coming - added, 0))


def count_coming(
    collection: Collection, add: Sequence[str], remove: Sequence[str]
) -> int:
    """
    How many pictures are to be put in that are not there, or leave it first.

    Raises:
        CollectionFull: not all would have room.
    """
    if not add:
        return 0
    count = Image.collection().count_documents
    inside = {"user_id": collection.user_id, "collections": collection.id}
    leaving = {**inside, "_id": {"$in": [*remove]}}
    shown = {"_id": {"$in": [*add]}, "user_id": collection.user_id, **SHOWN}
    outside = {"collections": {"$ne": collection.id}}
    coming = count({**shown, "$or": [outside, leaving]})
    there = count(inside, hint=INDEX) - (count(leaving) if remove else 0)
    if coming and there + coming > MOST_PICTURES:
        raise CollectionFull(f"collection {collection.id}", limit=MOST_PICTURES)
    return coming


def without(collection_id: str, where: dict) -> int:
    """Take the pictures that match out of a collection; return how many."""
    left = {
        "$filter": {
            "input": "$collections",
            "cond": {"$ne": ["$$this", collection_id]},
        }
    }
    none = {"$eq": ["$collections", []]}
    changing: list[dict] = [
        {"$set": {"collections": left}},
        {"$set": {"collections": {"$cond": [none, GONE, "$collections"]}}},
    ]
    where = {**where, "collections": collection_id}
    return Image.collection().update_many(where, changing).modified_count


def containing(
    viewer: Viewer, collections: Sequence[Collection], picture_ids: Sequence[str]
) -> dict[str, int]:
    """The id of each of *collections* -> how many of these pictures are in it."""
    where = {"_id": {"$in": [*picture_ids]}, **viewer.filter(), **SHOWN}
    counts = {each.id: 0 for each in collections}
    for image in Image.find_all(where, {"collections": 1}):
        for name in image.collections:
            if name in counts:
                counts[name] += 1
    return counts
