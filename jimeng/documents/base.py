"""
The MongoDB connection, the clock, and the base class of all documents.

Reads send raw commands instead of using the driver's collections: its cursors take a
quarter of the time that a process spends on reading one document.
"""

import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Self

import mongoengine
import pymongo
from bson.errors import InvalidBSON
from mongoengine import Document
from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, ConfigurationError, PyMongoError
from pymongo.monitoring import ServerHeartbeatListener

from jimeng.config import Config
from jimeng.documents.database_errors import is_away
from jimeng.documents.decoding import shape_of
from jimeng.errors import DatabaseUnavailable, outages

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


log = logging.getLogger(__name__)

# Seconds for one operation; a request may run several. Long enough for a slow database,
# and short enough to report an outage within two seconds. While no server is found, the
# driver checks the deadline every half second, so 1.4 amounts to 1.5.
WEB_TIMEOUT = 1.4
WORKER_TIMEOUT = 30.0
NOTHING: Mapping = MappingProxyType({})

# A later release may store documents of other kinds, marked by `kind`. Code that
# claims, sweeps or ends documents skips these, whatever their state. Pictures have no
# kind.
VIDEO = "video"
_KINDS = [None, VIDEO]
KNOWN_KIND: dict[str, object] = {"kind": {"$in": _KINDS}}
OTHER_KIND: dict[str, object] = {"kind": {"$nin": _KINDS}}


class Heartbeats(ServerHeartbeatListener):
    """Detect the end of an outage from the driver's continuous heartbeats."""

    def started(self, event: object) -> None:
        pass

    def succeeded(self, event: object) -> None:
        outages.works("mongodb")

    def failed(self, event: object) -> None:
        pass


def connect(config: Config, *, timeout: float | None = None) -> None:
    """
    Connect this process to MongoDB, replacing an existing connection.

    Nothing is sent until the first use, so the process starts even if MongoDB is down.
    Writes are acknowledged by a majority and journaled, except through
    ``collection(durable=False)``.

    Args:
        timeout: Seconds for one operation, including server selection; by default
            `WEB_TIMEOUT`.

    Raises:
        DatabaseUnavailable: the host name of a ``mongodb+srv`` address does not
            resolve.
    """
    outages.watch("mongodb", is_away)
    milliseconds = int((timeout or WEB_TIMEOUT) * 1000)
    mongoengine.disconnect()
    try:
        mongoengine.connect(
            db=config.MONGODB_DATABASE,
            host=config.mongodb_uri,
            tz_aware=True,
            uuidRepresentation="standard",
            w="majority",
            journal=True,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            appname="jimeng",
            event_listeners=[Heartbeats()],
        )
    except ConfigurationError as error:
        raise DatabaseUnavailable(f"MONGODB_URI: {error}") from error


def operation_timeout(seconds: float) -> AbstractContextManager[object]:
    """
    Set a common timeout for the operations in this context, instead of the connection's
    timeout for each of them. Do not wait for anything else inside, such as a client or
    a decoder: the time counts.
    """
    return pymongo.timeout(seconds)


def await_answer(seconds: float) -> None:
    """
    Ping MongoDB.

    Raises:
        ConnectionFailure: MongoDB does not answer within *seconds*.
    """
    with operation_timeout(seconds):
        mongoengine.get_db().command("ping")


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """
    Log and swallow database errors of a follow-up step that must not change the answer.

    If the step fails, the janitor or a later request repeats it.

    Args:
        what: The step's name in the log.
    """
    try:
        yield
    except (PyMongoError, InvalidBSON) as error:
        log.warning("%s left for later: %s: %s", what, type(error).__name__, error)


def utcnow() -> datetime:
    """Return the time in UTC, truncated to milliseconds as MongoDB stores it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_token() -> str:
    """Return a random token of 96 bits, for example for a claim."""
    return secrets.token_urlsafe(12)


def number(field: str, *, otherwise: int = 0) -> dict:
    """Build an aggregation expression: the field, or *otherwise* if it is no number."""
    text = {"input": field, "to": "long", "onError": otherwise, "onNull": otherwise}
    return {"$convert": text}


def named_index(name: str, *fields: str, having: str = "", **options: object) -> dict:
    """
    Declare an index in a document's ``meta``.

    Args:
        having: Make it partial: index only documents that have this field.
    """
    if having:
        options["partialFilterExpression"] = {having: {"$exists": True}}
    return {"name": name, "fields": [*fields], **options}


class Stored(Document):
    """
    A document that is changed by single guarded updates; see `documents` for how it is
    read and written.

    Documents of other releases are decoded leniently: an unknown field is ignored, and
    a required field that is missing, or a value of another type, becomes the default.

    Attributes:
        unread: The names of the fields that have their default for that reason.
    """

    unread: frozenset[str] = frozenset()
    _relaxed: ClassVar[tuple[Collection, Collection] | None] = None
    _heavy: ClassVar[dict[str, int] | None] = (
        None  # fields that `find_and_modify` does not read
    )

    meta: dict = {"abstract": True, "auto_create_index": False}

    @classmethod
    def kinds(cls) -> "Iterator[type[Stored]]":
        """Yield the subclasses that have a collection."""
        for kind in cls.__subclasses__():
            if kind._meta["abstract"]:
                yield from kind.kinds()
            else:
                yield kind

    @classmethod
    def collection(cls, *, durable: bool = True) -> Collection:
        """
        The PyMongo collection.

        Args:
            durable: False: writes are acknowledged by one server, before the journal,
                for writes that are repeated after a crash, or are only hints.
        """
        found = cls._get_collection()
        if durable:
            return found
        if cls._relaxed is None or cls._relaxed[0] is not found:  # connected anew
            relaxed = found.with_options(write_concern=WriteConcern(w=1))
            cls._relaxed = found, relaxed
        return cls._relaxed[1]

    @classmethod
    def find_and_modify(
        cls,
        where: Mapping[str, object],
        update: Mapping[str, object] | Sequence[Mapping[str, object]],
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        durable: bool = True,
        upsert: bool = False,
    ) -> Self | None:
        """
        Change the first document that matches *where*, in one atomic step.

        Returns:
            The document after the update; None if there was no match, for example
            because another process was first.
        """
        found = cls.collection(durable=durable).find_one_and_update(
            where,
            update,
            sort=sort,
            upsert=upsert,
            projection=cls._heavy,
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else cls.read(found)

    @classmethod
    def note(
        cls, where: Mapping[str, object], update: Sequence[dict], fields: dict
    ) -> dict:
        """
        Upsert a document, not durably.

        It is run as a plain command, since the bookkeeping of retryable writes takes
        MongoDB a quarter of the time. It is retried all the same if the connection
        breaks, so it may be applied twice.

        Returns:
            The *fields* of the document after the update.

        Raises:
            DuplicateKeyError: the document exists, and does not match *where*.
        """
        rows = cls.collection()
        command = {
            "findAndModify": rows.name,
            "query": where,
            "update": update,
            "fields": fields,
            "new": True,
            "writeConcern": {"w": 1},
        }

        # The document nearly always exists, and an update is cheaper than an upsert.
        found = send(rows, command)["value"]
        return found or send(rows, {**command, "upsert": True})["value"]

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """
        Decode a row, which may be a projection, or written by another release.

        MongoEngine's own decoding prepares for change tracking and `save`, which no
        document uses, and took a fifth of a millisecond per document.
        """
        shape = shape_of(cls)
        data, unread = dict(shape.values), set(shape.required.difference(row))
        for stored, value in row.items():
            field = shape.fields.get(stored)
            if field is None:
                continue
            name, kinds, read = field
            understood = value if type(value) in kinds else read(value)
            if understood is not None:
                data[name] = understood
            elif value is not None or stored in shape.never_null:
                unread.add(name)
        for name, make in shape.makers:
            if name not in data:
                data[name] = make()
        found = cls.__new__(cls)
        for slot, value in (("_data", data), ("_initialised", False)):
            object.__setattr__(found, slot, value)
        object.__setattr__(found, "_created", False)
        object.__setattr__(found, "_changed_fields", [])
        if unread:
            object.__setattr__(found, "unread", frozenset(unread))
        return found

    @classmethod
    def read_all(cls, rows: Iterable[Mapping[str, object]]) -> list[Self]:
        return [cls.read(row) for row in rows]

    def add(self) -> None:
        """
        Insert this new document.

        Raises:
            DuplicateKeyError: it conflicts with another in a unique index.
        """
        self.collection().insert_one(self.to_mongo())

    @classmethod
    def row(cls, **fields: object) -> dict:
        """
        Build the row of a new document with these fields.

        It is not validated, and no document object is created: that took as long as
        the rest of a request.
        """
        shape = shape_of(cls)
        row = dict(shape.new)
        for name, make in shape.makers:
            if name not in fields:
                row[shape.stored[name]] = make()
        for name, value in fields.items():
            if value is not None:
                row[shape.stored[name]] = value
            else:
                row.pop(shape.stored[name], None)
        return row

    def insert_within(self, most: int, counted: Mapping[str, object] = NOTHING) -> bool:
        """
        Insert this new document, unless its user would have more than *most*.

        It is inserted, counted, and deleted again if it exceeds the limit. Concurrent
        inserts never exceed the limit, but all of them may be rejected.

        Args:
            most: The maximum number of the user's documents in this collection.
            counted: A query for those that count; by default all.

        Returns:
            Whether the document was stored.
        """
        self.add()
        rows, mine = self.collection(), {**counted, "user_id": self.user_id}
        with best_effort("limit"):  # it is stored; an error would hide that
            if rows.count_documents(mine, limit=most + 1) > most:
                rows.delete_one({"_id": self.id})
                return False
        return True

    @classmethod
    def find_all(
        cls,
        where: Mapping[str, object],
        fields: Mapping[str, int] | None = None,
        **options: Any,
    ) -> list[Self]:
        """
        Return all matching documents.

        Args:
            fields: A MongoDB projection; None for all fields.
            options: Options of the driver's ``find``: ``sort``, ``limit``, ``hint``.
        """
        return cls.read_all(cls.collection().find(where, fields, **options))

    @classmethod
    def find_ids(cls, where: Mapping[str, object], **options: Any) -> list[str]:
        """Return the ids of the documents that `find_all` would return."""
        rows = cls.collection().find(where, {"_id": 1}, **options)
        return [row["_id"] for row in rows]

    @classmethod
    def find_one(cls, where: Mapping[str, object]) -> Self | None:
        found = find_one(cls.collection(), where)
        return None if found is None else cls.read(found)
