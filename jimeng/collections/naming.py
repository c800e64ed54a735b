"""Making collections, finding them, and giving them other names."""

import logging

from pymongo.errors import DuplicateKeyError

from jimeng.documents import Collection, indexes, utcnow
from jimeng.documents.collection import name_key
from jimeng.documents.cursors import Page, page_of
from jimeng.errors import Invalid
from jimeng.errors.kept import (
    CollectionNameTaken,
    CollectionNotFound,
    TooManyCollections,
)
from jimeng.tasks.auditing import audited
from jimeng.viewers import Viewer, noted

log = logging.getLogger(__name__)

MOST = 200  # collections of a user
LONGEST_NAME = 60  # characters
LATEST_FIRST = [("updated_at", -1), ("_id", -1)]


def create(viewer: Viewer, name: str, user_id: str | None = None) -> Collection:
    """
    Make a collection without pictures.

    Args:
        user_id: Whose it is to be, where that is not the viewer.

    Raises:
        Invalid: the name is empty, too long, or cannot be shown.
        UserIdNotYours: the viewer may not act for that user.
        CollectionNameTaken: the user has one of that name, in whatever letter case.
        TooManyCollections: and has as many as may be.
        IndexMissing: nobody can tell whether the name is taken.
    """
    user_id = user_id or viewer.user_id
    viewer.require_owner(user_id, "collection")
    name = checked(name)
    indexes.require(indexes.NAMES, fresh=True)
    made = Collection(user_id=user_id, name=name, name_key=name_key(name))
    with noted(viewer, user_id, "collections.create", collection=made.id):
        try:
            if not made.insert_within(MOST):
                raise TooManyCollections(f"user {user_id}", limit=MOST)
        except DuplicateKeyError as error:
            raise CollectionNameTaken(f"collection of {user_id}") from error
    log.info("collection created id=%s user=%s", made.id, user_id)
    return made


def checked(name: str) -> str:
    """
    A name as it is kept: on one line, without space around it.

    Raises:
        Invalid: nothing is left of it, or it is too long.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid.field("name", "invalid.length", min=1, max=LONGEST_NAME)
    return name


def find(viewer: Viewer, collection_id: str) -> Collection:
    """
    Raises:
        CollectionNotFound: no such collection, or somebody else's.
    """
    return viewer.find(Collection, collection_id, CollectionNotFound)


def find_or_create(viewer: Viewer, name: str) -> Collection:
    """
    The viewer's own collection of that name, in whatever letter case; made where there
    is none.

    Raises:
        JimengError: as `create`.
    """
    mine = {"user_id": viewer.user_id, "name_key": name_key(checked(name))}
    found = Collection.find_one(mine)
    if found is not None:
        return found
    try:
        return create(viewer, name)
    except CollectionNameTaken:  # made in this moment
        found = Collection.find_one(mine)
        if found is None:
            raise
        return found


def find_all(viewer: Viewer) -> list[Collection]:
    """The viewer's own, those that were put into last first."""
    mine = {"user_id": viewer.user_id}
    return Collection.find_all(mine, sort=LATEST_FIRST, limit=2 * MOST)


def page(
    viewer: Viewer, user_id: str, *, cursor: str | None = None, limit: int = 20
) -> Page[Collection]:
    """
    A user's collections, those that were put into last first.

    Raises:
        UserNotFound: the viewer may not act for that user.
        Invalid: the cursor is not one of ours.
    """
    viewer.require_reader(user_id)
    rows, where = Collection.collection(), {"user_id": user_id}
    found = page_of(rows, where, "updated_at", cursor, limit)
    return found.read(Collection.read_all)


@audited(Collection, "collections.rename")
def rename(viewer: Viewer, collection_id: str, name: str) -> Collection:
    """
    Give a collection another name.

    Raises:
        CollectionNotFound: as in `find`; Invalid, CollectionNameTaken, IndexMissing, as
            in `create`.
    """
    name = checked(name)
    indexes.require(indexes.NAMES, fresh=True)
    given = {"name": name, "name_key": name_key(name), "updated_at": utcnow()}
    update = {"$set": given}
    try:
        return viewer.change(Collection, collection_id, update, CollectionNotFound)
    except DuplicateKeyError as error:
        raise CollectionNameTaken(f"collection {collection_id}") from error
