"""Keeping a picture that was given: its bytes, then its record, within limits."""

import logging
from datetime import timedelta

from jimeng import jobs, pictures
from jimeng.documents import Input, InputState, patience, utcnow
from jimeng.errors.inputs import UploadsFull

log = logging.getLogger(__name__)

# What one user may have here that no task names.
MOST_UNNAMED, MOST_BYTES = 200, 500 * 1024 * 1024
STORING = 10.0  # seconds that MongoDB has for a picture
# Of a picture that is named in the same breath; what is refused then is soon gone.
BRIEFLY = timedelta(hours=1)
KEPT = timedelta(hours=24)  # of one that is to be named later


def check_room(user_id: str, more: int = 1) -> None:
    """
    Raises:
        UploadsFull: with *more* of them the user would have too many that no task
            names, or too many bytes.
    """
    count, size = unnamed(user_id)
    if count + more > MOST_UNNAMED or size >= MOST_BYTES:
        raise UploadsFull(
            f"user {user_id}: {count} inputs, {size} bytes",
            retry_after=600,
            limit=MOST_UNNAMED,
            megabytes=MOST_BYTES // 1024 // 1024,
        )


def unnamed(user_id: str) -> tuple[int, int]:
    """How many pictures the user has that no task names, and their bytes."""
    where = {"user_id": user_id, "unnamed": True}
    sums: dict = {"_id": None, "count": {"$sum": 1}, "bytes": {"$sum": "$bytes"}}
    pipeline = [{"$match": where}, {"$group": sums}]
    rows = list(Input.collection().aggregate(pipeline, hint="unnamed"))
    return (rows[0]["count"], rows[0]["bytes"]) if rows else (0, 0)


def keep(user_id: str, content: bytes, *, kept_for: timedelta) -> Input:
    """
    Make a given picture plain, and keep it.

    Raises:
        PictureInvalid: as `pictures.normalise`.
        UploadsFull: as `check_room`.
    """
    check_room(user_id)
    found = pictures.normalise(content)
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
        keep_until=now + kept_for,
    )
    with patience(STORING):
        row["file_id"] = jobs.runtime().inputs.save(found.content, row["_id"])
        Input.collection().insert_one(row)
    log.info("input kept id=%s user=%s bytes=%d", row["_id"], user_id, row["bytes"])
    return Input._from_son(row)


def keep_raw(user_id: str, **fields: object) -> Input:
    """
    Keep a picture that a worker is still to fetch, or to make plain.

    Args:
        fields: Where it comes from, and what is known of it.
    """
    now = utcnow()
    row = Input.row(
        user_id=user_id,
        state=InputState.FETCHING.value,
        unnamed=True,
        created_at=now,
        keep_until=now + BRIEFLY,
        **fields,
    )
    Input.collection().insert_one(row)
    return Input._from_son(row)
