"""Store input pictures, bytes first and then the record, within the user's limits."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from jimeng import jobs, pictures
from jimeng.documents import Input, InputState, best_effort, operation_timeout, utcnow
from jimeng.documents.image import LENGTHS
from jimeng.documents.input import PROMISED, new_input_id
from jimeng.errors import Invalid, JimengError, PictureInvalid
from jimeng.errors.inputs import UploadsFull
from jimeng.inputs.references import Named

log = logging.getLogger(__name__)

# Inputs of one user that no task uses.
MAX_UNNAMED, MAX_BYTES = 200, 500 * 1024 * 1024
STORE_TIMEOUT_S = 10.0  # MongoDB's timeout for storing a picture
# For an input of a request that creates a task at once; if that fails it is soon swept.
UNUSED_TTL = timedelta(hours=1)
COPIED = (
    *("width", "height", "given_width", "given_height", "bytes", "alpha"),
    *("content_type", "sha256", "picture"),
)


def check_capacity(user_id: str) -> None:
    """
    Check the user's limits on inputs that no task uses.

    Raises:
        UploadsFull: the user has too many unused ones, or too many bytes.
    """
    count, size = unnamed(user_id)
    if count >= MAX_UNNAMED or size >= MAX_BYTES:
        raise UploadsFull(
            f"user {user_id}: {count} inputs, {size} bytes",
            retry_after=600,
            limit=MAX_UNNAMED,
            megabytes=MAX_BYTES // 1024 // 1024,
        )


def unnamed(user_id: str) -> tuple[int, int]:
    """Return the number and total bytes of the user's inputs that no task uses."""
    where = {"user_id": user_id, "unnamed": True}
    sums: dict = {"_id": None, "count": {"$sum": 1}, "bytes": {"$sum": "$bytes"}}
    pipeline = [{"$match": where}, {"$group": sums}]
    rows = list(Input.collection().aggregate(pipeline, hint="unnamed"))
    return (rows[0]["count"], rows[0]["bytes"]) if rows else (0, 0)


def store_input(
    user_id: str, content: bytes, *, is_upload: bool = False, **under: str
) -> Input:
    """
    Normalise a picture and store it.

    Args:
        is_upload: A task will use it later, within a day.
        under: Further fields: the idempotency key, by which a repeated request finds
            it, and who else lists it.

    Raises:
        PictureInvalid: as `pictures.normalise`.
        ServerBusy: as `pictures.normalise`.
        UploadsFull: as `check_capacity`.
        DuplicateKeyError: an input with the fields *under* exists already.
    """
    check_capacity(user_id)
    found = pictures.normalise(content, user=user_id, max_waiting=pictures.MAX_WAITING)
    now = utcnow()
    row = Input.row(
        user_id=user_id,
        width=found.width,
        height=found.height,
        given_width=found.given_width,
        given_height=found.given_height,
        bytes=len(found.content),
        content_type=found.content_type,
        sha256=found.sha256,
        alpha=found.alpha,
        unnamed=True,
        created_at=now,
        keep_until=now + (PROMISED if is_upload else UNUSED_TTL),
        uploaded=is_upload or None,
        **under,
    )
    store = jobs.runtime().inputs
    with operation_timeout(STORE_TIMEOUT_S):
        row["file_id"] = store.save(found.content, row["_id"])
        try:
            Input.collection().insert_one(row)
        except DuplicateKeyError:
            store.delete(row["file_id"])
            raise
    log.info("input stored id=%s user=%s bytes=%d", row["_id"], user_id, row["bytes"])
    return Input.read(row)


def store_unprepared(user_id: str, **fields: object) -> Input:
    """
    Store the record of an input that a worker will fetch or normalise.

    Args:
        fields: Its source, and what is known about it.
    """
    now = utcnow()
    row = Input.row(
        user_id=user_id,
        unnamed=True,
        created_at=now,
        keep_until=now + UNUSED_TTL,
        **{"state": InputState.FETCHING.value, **fields},
    )
    Input.collection().insert_one(row)
    return Input.read(row)


def store_all(user_id: str, named: Sequence[Named]) -> list[Input]:
    """
    Store all references as inputs of the user, in order.

    The user's own inputs are reused; bytes are normalised; anything else is copied, or
    recorded for a worker to prepare.

    Raises:
        Invalid: a picture is not accepted.
        UploadsFull: as `check_capacity`.
        ServerBusy: as `store_input`.
    """
    stored_inputs: list[Input] = []
    try:
        for each in named:
            stored_inputs.append(store_one(user_id, each))
    except JimengError:
        discard(stored_inputs, named)
        raise
    return stored_inputs


def store_one(user_id: str, named: Named) -> Input:
    if named.content is not None:
        try:
            return store_input(user_id, named.content)
        except PictureInvalid as error:
            log.info("input refused user=%s: %s", user_id, error)
            raise Invalid.field(named.field, f"refused.{error.reason}") from error
    if named.picture is not None:
        return copy_of_picture(user_id, named)
    if named.stored_input is not None and named.stored_input.user_id == user_id:
        return named.stored_input
    if named.stored_input is not None and named.stored_input.is_ready:
        return copy_of_input(user_id, named)
    url = named.url or (named.stored_input.url if named.stored_input else None)
    if url is None:
        raise Invalid.field(named.field, "invalid.image_unknown")
    return store_unprepared(user_id, url=url)


def copy_of_picture(user_id: str, named: Named) -> Input:
    """
    Copy a picture's file, so that deleting the picture or replacing its link has no
    effect on the task; of a video, its last frame.
    """
    image, store = named.picture, jobs.runtime().store
    assert image is not None  # noqa: S101 - its only caller has checked
    part = image.input_part
    length: int = getattr(image, LENGTHS[part])
    row = {"id": new_input_id(), "picture": image.id, "bytes": length}
    with operation_timeout(STORE_TIMEOUT_S):
        content = store.read(getattr(image, part))
        if content is None:
            raise Invalid.field(named.field, "invalid.image_unknown")
        raw_id = jobs.runtime().inputs.save(content, row["id"])
        across, down = pictures.stored_size(image.width, image.height)
        sides = {"width": across, "height": down}
        sides |= {"given_width": image.width, "given_height": image.height}
        return store_unprepared(user_id, raw_id=raw_id, **row, **sides)


def copy_of_input(user_id: str, named: Named) -> Input:
    """Copy another user's input: inputs are not shared between users."""
    source, store = named.stored_input, jobs.runtime().inputs
    assert source is not None and source.file_id is not None  # noqa: S101 - as above
    same = {name: getattr(source, name) for name in COPIED}
    row = {"id": new_input_id(), "state": InputState.READY.value, **same}
    with operation_timeout(STORE_TIMEOUT_S):
        content = store.read(source.file_id)
        if content is None:
            raise Invalid.field(named.field, "invalid.image_unknown")
        file_id = store.save(content, row["id"])
        return store_unprepared(user_id, file_id=file_id, **row)


def discard(stored_inputs: Sequence[Input], named: Sequence[Named]) -> None:
    """Let the janitor remove the new inputs of a request that was refused."""
    before = {each.stored_input.id for each in named if each.stored_input is not None}
    ids = [each.id for each in stored_inputs if each.id not in before]
    if ids:
        gone = {"$set": {"keep_until": utcnow()}, "$unset": {"unnamed": ""}}
        with best_effort("inputs"):
            Input.collection().update_many({"_id": {"$in": ids}}, gone)


def mark_used(
    user_id: str, stored_inputs: Sequence[Input], named: Sequence[Named]
) -> None:
    """
    Mark the inputs as used by a task that is about to be stored.

    Raises:
        Invalid: one of them was just removed.
    """
    if Input.name([each.id for each in stored_inputs], user_id, utcnow() + UNUSED_TTL):
        return
    for each, reference in zip(stored_inputs, named, strict=True):
        if not Input.name([each.id], user_id, utcnow() + UNUSED_TTL):
            raise Invalid.field(reference.field, "invalid.image_unknown")


def stored_references(named: Sequence[Named], stored_inputs: Sequence[Input]) -> dict:
    """The references as a task's record stores them: never the bytes."""
    pairs = list(zip(named, stored_inputs, strict=True))
    texts = [(each.field, each.text or stored.id) for each, stored in pairs]
    images = [text for field, text in texts if field != "mask"]
    masks = [text for field, text in texts if field == "mask"]
    parts = {"images": images, "mask": masks[0] if masks else None}
    return {mark_used: each for mark_used, each in parts.items() if each}
