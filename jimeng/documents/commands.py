"""
Commands as MongoDB has them, sent past the driver's collections: its cursors take a
quarter of the time that a process spends on reading one document.
"""

from collections.abc import Mapping, Sequence

from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

WHOLE = 1_000_000  # documents: all there are come with the first answer


def send(rows: Collection, command: Mapping[str, object]) -> dict:
    """
    Send a command, and return the answer.

    It is sent again where the connection broke. Nobody knows then whether it was done,
    and it may be twice.

    Args:
        command: What is to be done, with the collection's name, stands first in it.

    Raises:
        OperationFailure: MongoDB does not do it. What it says of single documents, and
            of the write concern, stands in the answer.
    """
    database, options = rows.database, rows.codec_options
    try:  # with a copy: the driver adds what is of one try
        return database.command({**command}, codec_options=options)
    except AutoReconnect as error:
        if error.timeout:
            raise
        return database.command({**command}, codec_options=options)


def find_one(rows: Collection, where: Mapping[str, object]) -> dict | None:
    """The first document that matches, or None."""
    asked = {"find": rows.name, "filter": where, "limit": 1, "singleBatch": True}
    found = send(rows, asked)["cursor"]["firstBatch"]
    return found[0] if found else None


def aggregate(rows: Collection, pipeline: Sequence[Mapping[str, object]]) -> list[dict]:
    """What a pipeline finds, which is little: all of it comes at once."""
    cursor = {"batchSize": WHOLE}
    asked = {"aggregate": rows.name, "pipeline": pipeline, "cursor": cursor}
    return send(rows, asked)["cursor"]["firstBatch"]
