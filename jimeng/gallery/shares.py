"""
Shares: a public page for a collection or a picture, as its owner manages it.

The target of a share is looked up on each request, so that deletion, trash and
retention need no rule here. Pictures have URLs below the share's, so that they end with
it. A picture's name there is 15 characters that reveal neither its id, nor its time,
nor the number of pictures. Decrypted with the share's secret it yields the picture's
time, by which an index finds it, and is verified against its id (a synthetic
initialisation vector, as in RFC 5297).
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
from jimeng.documents.auditing import audited
from jimeng.documents.collection import PREFIX
from jimeng.documents.cursors import EPOCH, Page, in_letters, of_letters, page_of
from jimeng.documents.image import GONE
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.share import Shared, new_share_token
from jimeng.errors import Invalid
from jimeng.errors.collections import ShareNotFound, TooManyShares
from jimeng.gallery import collections, picture_details
from jimeng.gallery.collections import one_line

MARK_BYTES, TIME_BYTES = 5, 6
NAME = re.compile(r"[A-Za-z0-9_-]{15}")


def name_of(share: Share, image: Image) -> str:
    """The name of a picture in a share; deterministic."""
    mark = _keyed(share, b"picture\0" + image.id.encode())[:MARK_BYTES]
    milliseconds = (image.created_at - EPOCH) // timedelta(milliseconds=1)
    time = _xor_time(share, mark, milliseconds.to_bytes(TIME_BYTES, "big"))
    return in_letters(mark + time)


def time_of(share: Share, name: str) -> datetime | None:
    """The creation time that a name encodes; None if it is malformed."""
    if not NAME.fullmatch(name):
        return None
    try:
        found = of_letters(name)
    except ValueError:
        return None
    mark, time = found[:MARK_BYTES], found[MARK_BYTES:]
    milliseconds = int.from_bytes(_xor_time(share, mark, time), "big")
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def _keyed(share: Share, text: bytes) -> bytes:
    return hmac.digest(share.secret.encode(), text, "sha256")


def _xor_time(share: Share, mark: bytes, time: bytes) -> bytes:
    """Encrypt or decrypt *time* (XOR) with a key derived for this mark alone."""
    key = _keyed(share, b"time\0" + mark)
    return bytes(a ^ b for a, b in zip(time, key, strict=False))


PAGE = 50  # shares


@dataclass(frozen=True)
class ShareOverview:
    """
    A share as its owner sees it.

    Attributes:
        collection: The shared collection, if it is one.
        image: The shared picture, or the newest of the collection; None if it shows
            nothing.
        ended: Whether it has expired.
    """

    share: Share
    collection: Collection | None
    image: Image | None
    ended: bool

    @property
    def kind(self) -> str:
        """``collection``, ``picture`` or ``video``."""
        is_video = self.image and self.image.is_video and not self.collection
        return "video" if is_video else self.share.kind

    @property
    def title(self) -> str:
        """The page's title; empty if there is none."""
        return self.share.title or (self.collection.name if self.collection else "")


def page(
    principal: Principal,
    user_id: str | None = None,
    *,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[ShareOverview]:
    """
    List a user's shares, newest first.

    Raises:
        UserNotFound: the principal may not act for that user.
        Invalid: the cursor is malformed.
    """
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    return _page({"user_id": user_id}, cursor, limit)


def page_of_all_users(
    principal: Principal, *, cursor: str | None = None
) -> Page[ShareOverview]:
    """
    List the shares of all users, newest first.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    principal.require_operator("shares")
    return _page({}, cursor, PAGE)


def _page(where: dict, cursor: str | None, limit: int) -> Page[ShareOverview]:
    found = page_of(Share.collection(), where, "created_at", cursor, limit)
    return found.read(Share.read_all).read(overviews)


def overviews(shares: list[Share]) -> Iterable[ShareOverview]:
    """Add to each share what it shows."""
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
        yield ShareOverview(each, collection, image, each.has_ended(now))


log = logging.getLogger(__name__)

MAX_SHARES = 1000  # per user
MAX_TITLE_CHARS = 100


def share(
    principal: Principal,
    target_id: str,
    *,
    title: str = "",
    prompts: bool = False,
    expires_at: datetime | None = None,
) -> Share:
    """
    Share a collection or a picture. An existing share is returned unchanged; `update`
    changes it.

    Raises:
        CollectionNotFound: the principal has no such collection.
        ImageNotFound: the principal has no such picture.
        Invalid: the title is too long, or the expiry is in the past.
        TooManyShares: the owner has `MAX_SHARES`.
        IndexMissing: the index that makes links unique is missing.
    """
    title = one_line("title", title, MAX_TITLE_CHARS, min_chars=0)
    check_end(expires_at)
    of = kind_of(target_id)
    owner = owner_of(principal, of, target_id)
    found = Share.find_one({"_id": target_id})
    if found is not None:
        return found
    indexes.require(indexes.SHARES, fresh=True)
    created = Share(
        id=target_id,
        user_id=owner,
        kind=of.value,
        title=title,
        prompts=prompts,
        expires_at=expires_at,
    )
    with recorded_on_behalf(principal, owner, "shares.create", share=created.id):
        try:
            if not created.insert_with_limit(MAX_SHARES):
                raise TooManyShares(f"user {owner}", limit=MAX_SHARES)
        except DuplicateKeyError:  # created concurrently
            return find(principal, target_id)
    log.info("shared %s=%s user=%s", created.kind, created.id, owner)
    return created


def share_or_update(principal: Principal, target_id: str, **wanted: Any) -> Share:
    """
    `share`, or `update` if it is shared already.

    Args:
        wanted: The keyword arguments of either.
    """
    if of_target(principal, target_id) is None:
        return share(principal, target_id, **wanted)
    return update(principal, target_id, **wanted)


def kind_of(target_id: str) -> Shared:
    """The kind of the target with that id."""
    is_collection = target_id.startswith(PREFIX)
    return Shared.COLLECTION if is_collection else Shared.PICTURE


def owner_of(principal: Principal, kind: Shared, target_id: str) -> str:
    """
    The owner of a collection or picture.

    Raises:
        CollectionNotFound: as `share`; so is ImageNotFound.
    """
    if kind is Shared.COLLECTION:
        return collections.find(principal, target_id).user_id
    return picture_details.find_picture(principal, target_id).user_id


def check_end(expires_at: datetime | None) -> None:
    """
    Raises:
        Invalid: it is in the past.
    """
    if expires_at is not None and expires_at <= utcnow():
        raise Invalid.field("expires_at", "invalid.past")


def find(principal: Principal, share_id: str) -> Share:
    """
    Raises:
        ShareNotFound: there is no such share, or it is another user's.
    """
    return principal.find(Share, share_id, ShareNotFound)


def of_target(principal: Principal, target_id: str) -> Share | None:
    """The share of a collection or picture, if there is one."""
    return Share.find_one({"_id": target_id, **principal.filter()})


def find_overview(principal: Principal, share_id: str) -> ShareOverview:
    """
    Find a share with what it shows.

    Raises:
        ShareNotFound: as in `find`.
    """
    return next(iter(overviews([find(principal, share_id)])))


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
    Change some settings of a share.

    Args:
        expires_at: None for no expiry; an empty text for the current one.

    Raises:
        ShareNotFound: as in `find`; Invalid, as in `share`.
    """
    changes: dict[str, object] = {}
    if title is not None:
        changes["title"] = {
            "$literal": one_line("title", title, MAX_TITLE_CHARS, min_chars=0)
        }
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
    Replace the links of a share and of its pictures; the old ones stop working.

    Raises:
        ShareNotFound: as in `find`.
        IndexMissing: the index that makes links unique is missing.
    """
    indexes.require(indexes.SHARES, fresh=True)
    new = {"token": new_share_token(), "secret": new_share_token()}
    found = principal.change(Share, share_id, {"$set": new}, ShareNotFound)
    log.info("share replaced %s=%s user=%s", found.kind, found.id, principal.user_id)
    return found


@audited(Share, "shares.revoke")
def revoke(principal: Principal, share_id: str) -> None:
    """
    End a share: its link stops working.

    Raises:
        ShareNotFound: as in `find`.
    """
    found = find(principal, share_id)
    Share.collection().delete_one({"_id": found.id})
    log.info("share ended id=%s user=%s", found.id, principal.user_id)
