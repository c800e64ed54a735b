"""
Shares: a public page for a collection or a picture, as its owner manages it.

What a share shows is looked up each time, so that deletion, trash and retention need no
rule here. Pictures have addresses below the page's, so that they end with it. A
picture's name there is 15 characters that reveal nothing: not when it was made, nor its
id, nor how many there are. With the share's secret it yields the time of the picture,
by which an index finds it, and is checked against its id (synthetic nonces: RFC 5297 in
small).
"""

import hmac
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from jimeng.documents import Collection, Image, Share, indexes, utcnow
from jimeng.documents.collection import PREFIX
from jimeng.documents.cursors import EPOCH, Page, in_letters, of_letters, page_of
from jimeng.documents.image import GONE
from jimeng.documents.principal import Principal, noted
from jimeng.documents.share import Shared, new_share_token
from jimeng.errors import Invalid
from jimeng.errors.collections import ShareNotFound, TooManyShares
from jimeng.gallery import collections, picture_details
from jimeng.tasks.audit import audited

MARK, TIME = 5, 6  # bytes
NAME = re.compile(r"[A-Za-z0-9_-]{15}")


def name_of(share: Share, image: Image) -> str:
    """The name of a picture, the same each time."""
    mark = _keyed(share, b"picture\0" + image.id.encode())[:MARK]
    milliseconds = (image.created_at - EPOCH) // timedelta(milliseconds=1)
    time = _hidden(share, mark, milliseconds.to_bytes(TIME, "big"))
    return in_letters(mark + time)


def time_of(share: Share, name: str) -> datetime | None:
    """When a picture of that name was made, if there is one; None for no name."""
    if not NAME.fullmatch(name):
        return None
    try:
        found = of_letters(name)
    except ValueError:
        return None
    mark, time = found[:MARK], found[MARK:]
    milliseconds = int.from_bytes(_hidden(share, mark, time), "big")
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _keyed(share: Share, text: bytes) -> bytes:
    return hmac.digest(share.secret.encode(), text, "sha256")


def _hidden(share: Share, mark: bytes, time: bytes) -> bytes:
    """*time* under a key that is used for it alone; once more, and it is plain."""
    key = _keyed(share, b"time\0" + mark)
    return bytes(a ^ b for a, b in zip(time, key, strict=False))


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
    principal: Principal,
    user_id: str | None = None,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Listed]:
    """
    What a user shares, newest first.

    Raises:
        UserNotFound: the principal may not act for that user.
        Invalid: the cursor is not one of ours.
    """
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    return _page({"user_id": user_id}, cursor, limit)


def everybodys(principal: Principal, *, cursor: str | None = None) -> Page[Listed]:
    """
    What anybody shares, newest first.

    Raises:
        AdminsOnly: that is the operator's alone to see.
        Invalid: the cursor is not one of ours.
    """
    principal.require_operator("shares")
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


log = logging.getLogger(__name__)

MAX_SHARES = 1000  # shares of a user
MAX_TITLE_CHARS = 100  # characters


def share(
    principal: Principal,
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
            is this principal's.
        Invalid: the title is too long, or the end is past.
        TooManyShares: the owner has as many as may be.
        IndexMissing: nobody can tell links apart.
    """
    title = checked_title(title)
    check_end(expires_at)
    of = kind_of(target_id)
    owner = owner_of(principal, of, target_id)
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
    with noted(principal, owner, "shares.create", share=made.id):
        try:
            if not made.insert_within(MAX_SHARES):
                raise TooManyShares(f"user {owner}", limit=MAX_SHARES)
        except DuplicateKeyError:  # by somebody else, this very moment
            return find(principal, target_id)
    log.info("shared %s=%s user=%s", made.kind, made.id, owner)
    return made


def share_or_update(principal: Principal, target_id: str, **wanted: Any) -> Share:
    """
    `share`, or `update` where it is shared already.

    Args:
        wanted: As of these two.
    """
    if of_target(principal, target_id) is None:
        return share(principal, target_id, **wanted)
    return update(principal, target_id, **wanted)


def kind_of(target_id: str) -> Shared:
    """What has that id."""
    is_collection = target_id.startswith(PREFIX)
    return Shared.COLLECTION if is_collection else Shared.PICTURE


def owner_of(principal: Principal, kind: Shared, target_id: str) -> str:
    """
    Whose collection or picture it is.

    Raises:
        CollectionNotFound: as `share`, and so is ImageNotFound.
    """
    if kind is Shared.COLLECTION:
        return collections.find(principal, target_id).user_id
    return picture_details.find_picture(principal, target_id).user_id


def checked_title(title: str) -> str:
    """
    A title as it is kept: on one line, without space around it; empty for none.

    Raises:
        Invalid: it is too long.
    """
    title = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    if len(title) > MAX_TITLE_CHARS:
        raise Invalid.field("title", "invalid.length", min=0, max=MAX_TITLE_CHARS)
    return title


def check_end(expires_at: datetime | None) -> None:
    """
    Raises:
        Invalid: it would have ended already.
    """
    if expires_at is not None and expires_at <= utcnow():
        raise Invalid.field("expires_at", "invalid.past")


def find(principal: Principal, share_id: str) -> Share:
    """
    Raises:
        ShareNotFound: it is not shared, or is somebody else's.
    """
    return principal.find(Share, share_id, ShareNotFound)


def of_target(principal: Principal, target_id: str) -> Share | None:
    """How a collection or a picture is shared, if it is."""
    return Share.find_one({"_id": target_id, **principal.filter()})


def look(principal: Principal, share_id: str) -> Listed:
    """
    A share with what it shows.

    Raises:
        ShareNotFound: as in `find`.
    """
    return next(iter(seen([find(principal, share_id)])))


@audited(Share, "shares.update")
def update(
    principal: Principal,
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
        return find(principal, share_id)
    return principal.change(Share, share_id, [{"$set": changes}], ShareNotFound)


@audited(Share, "shares.replace")
def replace_link(principal: Principal, share_id: str) -> Share:
    """
    Give a share another link, also to each of its pictures; the old ones are dead.

    Raises:
        ShareNotFound: as in `find`.
        IndexMissing: nobody can tell links apart.
    """
    indexes.require(indexes.SHARES, fresh=True)
    new = {"token": new_share_token(), "secret": new_share_token()}
    found = principal.change(Share, share_id, {"$set": new}, ShareNotFound)
    log.info("share replaced %s=%s user=%s", found.kind, found.id, principal.user_id)
    return found


@audited(Share, "shares.revoke")
def revoke(principal: Principal, share_id: str) -> None:
    """
    End a share: its link leads nowhere from now on.

    Raises:
        ShareNotFound: as in `find`.
    """
    found = find(principal, share_id)
    Share.collection().delete_one({"_id": found.id})
    log.info("share ended id=%s user=%s", found.id, principal.user_id)
