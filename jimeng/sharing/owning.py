"""What is shared, for its owner: to begin, to change, to replace and to end it."""

import logging
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from jimeng import collections, tasks
from jimeng.documents import Share, indexes, utcnow
from jimeng.documents.collection import PREFIX
from jimeng.documents.image import GONE
from jimeng.documents.share import Shared, new_share_token
from jimeng.errors import Invalid
from jimeng.errors.kept import ShareNotFound, TooManyShares
from jimeng.sharing.listing import Listed, seen
from jimeng.tasks.auditing import audited
from jimeng.viewers import Viewer, noted

log = logging.getLogger(__name__)

MOST = 1000  # shares of a user
LONGEST_TITLE = 100  # characters


def share(
    viewer: Viewer,
    target_id: str,
    *,
    title: str = "",
    prompts: bool = False,
    expires_at: datetime | None = None,
) -> Share:
    """
    Give a collection or a picture a page of its own; one that has one keeps it as it
    is, which `update` changes.

    Raises:
        CollectionNotFound: no such collection, or ImageNotFound, no such picture that
            is this viewer's.
        Invalid: the title is too long, or the end is past.
        TooManyShares: the owner has as many as may be.
        IndexMissing: nobody can tell links apart.
    """
    title = checked_title(title)
    check_end(expires_at)
    of = kind_of(target_id)
    owner = owner_of(viewer, of, target_id)
    found = Share.find_one({"_id": target_id})
    if found is not None:
        return found
    indexes.require(indexes.SHARES, fresh=True)
    made = Share(
        id=target_id,
        user_id=owner,
        kind=of.value,
        title=title,
        prompts=prompts,
        expires_at=expires_at,
    )
    with noted(viewer, owner, "shares.create", share=made.id):
        try:
            if not made.insert_within(MOST):
                raise TooManyShares(f"user {owner}", limit=MOST)
        except DuplicateKeyError:  # by somebody else, this very moment
            return find(viewer, target_id)
    log.info("shared %s=%s user=%s", made.kind, made.id, owner)
    return made


def share_or_update(viewer: Viewer, target_id: str, **wanted: Any) -> Share:
    """
    `share`, or `update` where it is shared already.

    Args:
        wanted: As of these two.
    """
    if of_target(viewer, target_id) is None:
        return share(viewer, target_id, **wanted)
    return update(viewer, target_id, **wanted)


def kind_of(target_id: str) -> Shared:
    """What has that id."""
    is_collection = target_id.startswith(PREFIX)
    return Shared.COLLECTION if is_collection else Shared.PICTURE


def owner_of(viewer: Viewer, kind: Shared, target_id: str) -> str:
    """
    Whose collection or picture it is.

    Raises:
        CollectionNotFound: as `share`, and so is ImageNotFound.
    """
    if kind is Shared.COLLECTION:
        return collections.find(viewer, target_id).user_id
    return tasks.find_picture(viewer, target_id).user_id


def checked_title(title: str) -> str:
    """
    A title as it is kept: on one line, without space around it; empty for none.

    Raises:
        Invalid: it is too long.
    """
    title = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    if len(title) > LONGEST_TITLE:
        raise Invalid.field("title", "invalid.length", min=0, max=LONGEST_TITLE)
    return title


def check_end(expires_at: datetime | None) -> None:
    """
    Raises:
        Invalid: it would have ended already.
    """
    if expires_at is not None and expires_at <= utcnow():
        raise Invalid.field("expires_at", "invalid.past")


def find(viewer: Viewer, share_id: str) -> Share:
    """
    Raises:
        ShareNotFound: it is not shared, or is somebody else's.
    """
    return viewer.find(Share, share_id, ShareNotFound)


def of_target(viewer: Viewer, target_id: str) -> Share | None:
    """How a collection or a picture is shared, if it is."""
    return Share.find_one({"_id": target_id, **viewer.filter()})


def look(viewer: Viewer, share_id: str) -> Listed:
    """
    A share with what it shows.

    Raises:
        ShareNotFound: as in `find`.
    """
    return next(iter(seen([find(viewer, share_id)])))


@audited(Share, "shares.update")
def update(
    viewer: Viewer,
    share_id: str,
    *,
    title: str | None = None,
    prompts: bool | None = None,
    expires_at: datetime | str | None = "",
) -> Share:
    """
    Change what is given.

    Args:
        expires_at: None for no end; an empty text for the one that there is.

    Raises:
        ShareNotFound: as in `find`; Invalid, as in `share`.
    """
    changes: dict[str, object] = {}
    if title is not None:
        changes["title"] = {"$literal": checked_title(title)}
    if prompts is not None:
        changes["prompts"] = prompts
    if not isinstance(expires_at, str):
        check_end(expires_at)
        changes["expires_at"] = GONE if expires_at is None else expires_at
    if not changes:
        return find(viewer, share_id)
    return viewer.change(Share, share_id, [{"$set": changes}], ShareNotFound)


@audited(Share, "shares.replace")
def replace_link(viewer: Viewer, share_id: str) -> Share:
    """
    Give a share another link, also to each of its pictures; the old ones are dead.

    Raises:
        ShareNotFound: as in `find`.
        IndexMissing: nobody can tell links apart.
    """
    indexes.require(indexes.SHARES, fresh=True)
    new = {"token": new_share_token(), "secret": new_share_token()}
    found = viewer.change(Share, share_id, {"$set": new}, ShareNotFound)
    log.info("share replaced %s=%s user=%s", found.kind, found.id, viewer.user_id)
    return found


@audited(Share, "shares.revoke")
def revoke(viewer: Viewer, share_id: str) -> None:
    """
    End a share: its link leads nowhere from now on.

    Raises:
        ShareNotFound: as in `find`.
    """
    found = find(viewer, share_id)
    Share.collection().delete_one({"_id": found.id})
    log.info("share ended id=%s user=%s", found.id, viewer.user_id)
