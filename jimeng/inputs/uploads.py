"""Uploads: input pictures that are stored for a day before a task uses them."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from pymongo.errors import DuplicateKeyError

from jimeng import jobs, limits
from jimeng.documents import Input, idempotency, indexes, utcnow
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.errors import Invalid, PictureInvalid
from jimeng.errors.inputs import UploadNotFound
from jimeng.inputs.storing import check_capacity, store_input
from jimeng.pictures.contents import Content
from jimeng.pictures.stores import StoredFile

log = logging.getLogger(__name__)

SEEN = {"hidden": {"$exists": False}, "state": "ready"}


def upload_once(
    principal: Principal,
    user_id: str,
    content: bytes,
    *,
    field: str,
    idem_key: str | None,
) -> tuple[Input, bool]:
    """
    `upload`, idempotent by key.

    Returns:
        The upload, and whether an earlier request had created it.

    Raises:
        IdempotencyKeyReused: the key was used before with another file.
        IndexMissing: there is a key, and its unique index does not exist.
    """
    if idem_key is None:
        return upload(principal, user_id, content, field=field), False
    principal.require_owner(user_id, "upload")
    indexes.require(indexes.UPLOADS)
    mark = hashlib.sha256(content).hexdigest()
    under = {"idem_key": idem_key, "idem_hash": mark}
    while (found := idempotency.earlier(Input, user_id, idem_key, mark)) is None:
        try:
            return upload(principal, user_id, content, field=field, under=under), False
        except DuplicateKeyError:
            continue  # another request was faster: find its upload
    log.info("upload replayed id=%s", found.id)
    return found, True


def upload(
    principal: Principal,
    user_id: str,
    content: bytes | Callable[[], bytes],
    *,
    field: str,
    under: Mapping[str, str] = MappingProxyType({}),
    video: str | None = None,
) -> Input:
    """
    Store a picture as an upload.

    Args:
        user_id: The owner.
        content: As received; or a function that makes it, called within the limits.
        field: Its field in the request.
        under: The idempotency key of `upload_once`, and its fingerprint.
        video: The id of the video that it is the last frame of.

    Raises:
        UserIdNotYours: the principal may not act for that user.
        TooManyUploads: as `limits.reserve_upload`; likewise QueueUnavailable.
        UploadsFull: as `storing.check_capacity`.
        ServerBusy: as `storing.store_input`.
        Invalid: the picture is not accepted; the message says why.
    """
    principal.require_owner(user_id, "upload")
    limits.reserve_upload(principal, user_id)
    check_capacity(user_id)
    try:
        with recorded_on_behalf(principal, user_id, "uploads.create"):
            content = content() if callable(content) else content
            owner_id = limits.owner_of(principal, user_id)
            named = {"owner_id": owner_id} if owner_id else {}
            named |= {"picture": video} if video else {}
            return store_input(user_id, content, is_upload=True, **named, **under)
    except PictureInvalid as error:
        log.info("upload refused user=%s: %s", user_id, error)
        raise invalid(field, error) from error


def invalid(field: str, error: PictureInvalid) -> Invalid:
    """Build the error of a field whose picture is not accepted."""
    return Invalid.field(field, f"refused.{error.reason}")


def find(principal: Principal, input_id: str) -> Input:
    """
    Find an upload.

    Raises:
        UploadNotFound: no such upload, or it is another user's, or deleted.
    """
    found = Input.find_one({"_id": input_id, **principal.filter(), **SEEN})
    if found is None or found.file_id is None:
        raise UploadNotFound(f"upload {input_id[:64]!r}")
    return found


def page(
    principal: Principal,
    user_id: str | None = None,
    *,
    customers: bool = False,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Input]:
    """
    List a user's uploads, newest first, by default the principal's own.

    Args:
        customers: Those of the principal and of all its customers.

    Raises:
        UserNotFound: the principal may not see that user.
        Invalid: the cursor is malformed, or the principal has no customers.
    """
    shown: dict = {**SEEN, "uploaded": True}
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    whose, index = {"user_id": user_id}, "user_created"
    if customers:
        whose, index = principal.with_customers(), "owner_created"
        shown |= principal.filter()
    found = page_of(
        *(Input.collection(), whose, "created_at", cursor, limit),
        narrowing=shown,
        hint=index,
    )
    return found.read(Input.read_all)


def content_of(principal: Principal, input_id: str) -> tuple[Input, Content]:
    """
    Return an upload's record, and its file, which raises the same if it is gone.

    Raises:
        UploadNotFound: as `find`.
    """
    found = find(principal, input_id)
    assert found.file_id is not None  # noqa: S101 - as `find` says
    store = jobs.runtime().inputs
    return found, StoredFile(store, found.file_id, found.bytes, missing=UploadNotFound)


def delete(principal: Principal, input_id: str) -> None:
    """
    Delete an upload: hide it from its owner. Tasks that use it go on; the janitor
    removes its bytes once none does.

    Raises:
        UploadNotFound: as `find`.
    """
    found = find(principal, input_id)
    with recorded_on_behalf(
        principal, found.user_id, "uploads.delete", upload=found.id
    ):
        hide(principal, found.id)


def hide(principal: Principal, input_id: str) -> None:
    """
    Hide an upload from its owner, and let the janitor remove it.

    Raises:
        UploadNotFound: as `find`.
    """
    where = {"_id": input_id, **principal.filter(), **SEEN}
    gone = {"hidden": True, "keep_until": utcnow()}
    update = {"$set": gone, "$unset": {"unnamed": "", "idem_key": ""}}
    if Input.find_and_modify(where, update) is None:
        raise UploadNotFound(f"upload {input_id[:64]!r}")
    log.info("upload deleted id=%s", input_id)


def delete_all(principal: Principal, user_id: str) -> None:
    """Mark all of a user's inputs for removal by the janitor."""
    if not principal.may_see(user_id):
        return
    now = utcnow()
    Input.collection().update_many(
        {"user_id": user_id},
        {
            "$set": {"hidden": True, "keep_until": now, "doomed_at": now},
            "$unset": {"unnamed": "", "idem_key": ""},
        },
    )
