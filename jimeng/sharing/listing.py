"""What is shared, as it is listed: a user's own, and everybody's for the operator."""

from collections.abc import Iterable
from dataclasses import dataclass

from jimeng import collections
from jimeng.documents import Collection, Image, Share, utcnow
from jimeng.documents.cursors import Page, page_of
from jimeng.viewers import Viewer

PAGE = 50  # shares


@dataclass(frozen=True)
class Listed:
    """
    A share as its owner sees it.

    Attributes:
        collection: What it shows, if that is one.
        image: What it shows, or the newest of it; None where nothing is to be seen.
        ended: Its time is over.
    """

    share: Share
    collection: Collection | None
    image: Image | None
    ended: bool

    @property
    def title(self) -> str:
        """What stands above the page; empty where nobody has said."""
        return self.share.title or (self.collection.name if self.collection else "")


def page(
    viewer: Viewer,
    user_id: str | None = None,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Listed]:
    """
    What a user shares, newest first.

    Raises:
        UserNotFound: the viewer may not act for that user.
        Invalid: the cursor is not one of ours.
    """
    user_id = user_id or viewer.user_id
    viewer.require_reader(user_id)
    return _page({"user_id": user_id}, cursor, limit)


def everybodys(viewer: Viewer, *, cursor: str | None = None) -> Page[Listed]:
    """
    What anybody shares, newest first.

    Raises:
        AdminsOnly: that is the operator's alone to see.
        Invalid: the cursor is not one of ours.
    """
    viewer.require_operator("shares")
    return _page({}, cursor, PAGE)


def _page(where: dict, cursor: str | None, limit: int) -> Page[Listed]:
    found = page_of(Share.collection(), where, "created_at", cursor, limit)
    return found.read(Share.read_all).read(seen)


def seen(shares: list[Share]) -> Iterable[Listed]:
    """With what each of them shows."""
    ids = {"_id": {"$in": [each.id for each in shares]}}
    named = {c.id: c for c in Collection.find_all(ids)}
    alone = {i.id: i for i in Image.find_all(ids)}
    now = utcnow()
    for each in shares:
        collection, image = named.get(each.id), alone.get(each.id)
        if image is not None and image.trashed_at is not None:
            image = None
        if collection is not None:
            image = collections.overview_of(collection).cover
        yield Listed(each, collection, image, each.has_ended(now))
