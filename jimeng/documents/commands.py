"""
Raw commands: the driver's cursors take a quarter of the time that a process spends on
reading one document.
"""

from collections.abc import Mapping, Sequence

from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    OperationFailure,
    PyMongoError,
)

from jimeng.errors import outages

WHOLE = 1_000_000  # documents in the first batch: all of them


def send(rows: Collection, command: Mapping[str, object]) -> dict:
    """
    Send a command and return the answer.

    It is retried once if the connection breaks, so it may be executed twice.

    Args:
        command: Its first item is the command's name with the collection's name.

    Raises:
        OperationFailure: the command failed. Errors of single documents, and of the
            write concern, are in the answer.
    """
    database, options = rows.database, rows.codec_options
    try:  # with a copy, since the driver adds fields for each attempt
        return database.command({**command}, codec_options=options)
    except AutoReconnect as error:
        if error.timeout:
            note_silence(error)
            raise
        return database.command({**command}, codec_options=options)


def find_one(rows: Collection, where: Mapping[str, object]) -> dict | None:
    """Return the first matching document, or None."""
    asked = {"find": rows.name, "filter": where, "limit": 1, "singleBatch": True}
    found = send(rows, asked)["cursor"]["firstBatch"]
    return found[0] if found else None


def aggregate(rows: Collection, pipeline: Sequence[Mapping[str, object]]) -> list[dict]:
    """Return the whole result of a pipeline, which must be small, in one batch."""
    cursor = {"batchSize": WHOLE}
    asked = {"aggregate": rows.name, "pipeline": pipeline, "cursor": cursor}
    return send(rows, asked)["cursor"]["firstBatch"]


def note_silence(error: BaseException | None) -> None:
    """
    If MongoDB did not answer, let this request's next operations fail without waiting.
    """
    # Not if it has answered that an operation takes too long: the next may be faster.
    has_waited = isinstance(error, PyMongoError) and error.timeout
    if has_waited and not isinstance(error, OperationFailure):
        outages.timed_out("mongodb")
