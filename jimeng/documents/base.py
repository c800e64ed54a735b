"""
The MongoDB connection, the clock, ids, and the base classes of documents: `Stored`, and
`Leased` for those that one worker processes at a time.

Reads send raw commands instead of using the driver's collections: its cursors take a
quarter of the time that a process spends on reading one document.

Ids are unguessable: random bits, which in task ids follow a timestamp.
"""

import hashlib
import logging
import math
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Self

import mongoengine
import pymongo
from bson import Int64, ObjectId
from bson.errors import InvalidBSON
from mongoengine import Document, fields
from mongoengine.base import BaseField
from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
)
from pymongo.monitoring import ServerHeartbeatListener

from jimeng.config import Config
from jimeng.documents.database_errors import DUPLICATE_KEY, is_away
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


log = logging.getLogger(__name__)

# Seconds for one operation; a request may run several. Long enough for a slow database,
# and short enough to report an outage within two seconds. While no server is found, the
# driver checks the deadline every half second, so only its multiples are exact.
WEB_TIMEOUT = 1.5
WORKER_TIMEOUT = 30.0
NOTHING: Mapping = MappingProxyType({})
# Longer than the timeout of a database operation, so that no other worker takes over
# during one.
WRITING_LEASE = timedelta(seconds=WORKER_TIMEOUT + 5)
RUN_S = 1.0  # duration of one run of a periodic task over due documents
Update = Mapping[str, Mapping[str, object]]  # by operators, such as ``$set``

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
TASK_ID_PREFIX = "volcengine_img_"
TIMESTAMP_CHARS = 10  # characters of the timestamp
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]  # indexed by ten bits
MAX_DERIVED_IDS = 1 << 12  # tasks that can be derived for one moment

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


def note_silence(error: BaseException | None) -> None:
    """
    If MongoDB did not answer, let this request's next operations fail without waiting.
    """
    # Not if it has answered that an operation takes too long: the next may be faster.
    has_waited = isinstance(error, PyMongoError) and error.timeout
    if has_waited and not isinstance(error, OperationFailure):
        outages.timed_out("mongodb")


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """
    Log and swallow database errors of a follow-up step that must not change the answer.

    If the step fails, the janitor or a later request repeats it. After an operation
    that has timed out it fails without waiting.

    Args:
        what: The step's name in the log.
    """
    note_silence(sys.exception())
    try:
        yield
    except (PyMongoError, InvalidBSON) as error:
        note_silence(error)
        log.warning("%s skipped for now: %s: %s", what, type(error).__name__, error)


@contextmanager
def ignore_duplicates() -> Iterator[None]:
    """Ignore that documents exist already; bulk writes must be unordered."""
    try:
        yield
    except DuplicateKeyError:
        return
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        others = [each for each in failed if each["code"] != DUPLICATE_KEY]
        if others or not failed or error.details.get("writeConcernErrors"):
            raise


def utcnow() -> datetime:
    """Return the time in UTC, truncated to milliseconds as MongoDB stores it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_token() -> str:
    """Return a random token of 96 bits, for example for a claim."""
    return secrets.token_urlsafe(12)


def new_id(prefix: str, octets: int = 12) -> Callable[[], str]:
    """Return a generator of ids: *prefix*, and *octets* random bytes."""
    return lambda: prefix + secrets.token_hex(octets)


def new_task_id() -> str:
    """Return the prefix, 10 characters of time in milliseconds, and 100 random bits."""
    return task_id_of(time.time_ns() // 1_000_000, secrets.randbits(100))


def derived_task_id(moment: datetime, index: int, secret: str) -> str:
    """
    Derive a task id deterministically: repeating the creation yields the same id.

    Args:
        moment: The timestamp in the id.
        index: 0 to `MAX_DERIVED_IDS` - 1; orders the ids of one moment.
        secret: An unguessable value of at least 88 bits.
    """
    bits = int.from_bytes(hashlib.sha256(f"{index} {secret}".encode()).digest()[:11])
    return task_id_of(round(moment.timestamp() * 1000), (index << 88) | bits)


def age_of(task_id: str) -> float:
    """Return the seconds since the timestamp in the id."""
    moment = 0
    for letter in task_id.removeprefix(TASK_ID_PREFIX)[:TIMESTAMP_CHARS]:
        moment = moment << 5 | max(ALPHABET.find(letter), 0)
    return time.time() - moment / 1000


def task_id_of(moment: int, rest: int) -> str:
    """
    Encode a task id.

    Args:
        moment: Milliseconds since 1970.
        rest: 100 bits.
    """
    number = (moment << 100) | rest
    pairs = [PAIRS[number >> at & 1023] for at in range(140, -1, -10)]
    return TASK_ID_PREFIX + "".join(pairs)


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


# `Field`: the name of a field; the types that are accepted as they are; the conversion
# of other types, which returns None if there is none.
Reader = Callable[[object], object]
Field = tuple[str, frozenset[type], Reader]
NO_FILE = ObjectId("0" * 24)  # the id of no file


class Plain(BaseField):
    """A field without change tracking: its value is returned as it is."""

    def __get__(self, instance: Document | None, owner: type) -> Any:
        return self if instance is None else instance._data.get(self.name)


class ListField(Plain, fields.ListField):
    """MongoEngine's list field without change tracking: read ten times as fast."""


class DictField(Plain, fields.DictField):
    """MongoEngine's dict field without change tracking."""


@dataclass(frozen=True)
class Shape:
    """
    How the documents of one class are decoded and encoded.

    Attributes:
        fields: Stored name -> field.
        values: Name -> constant default of a field that is missing.
        makers: Name and factory of each default that is not constant.
        stored: Name -> stored name.
        new: Stored name -> value, of the constant defaults of a new document.
        required: Stored names of the required fields.
        never_null: Stored names of the fields that may be absent but not null.
    """

    fields: dict[str, Field]
    values: dict[str, object]
    makers: list[tuple[str, Callable[[], object]]]
    stored: dict[str, str]
    new: dict[str, object]
    required: frozenset[str]
    never_null: frozenset[str]


_shapes: dict[type, Shape] = {}


def shape_of(kind: type[Document]) -> Shape:
    return _shapes.get(kind) or _shapes.setdefault(kind, _shape(kind))


def _shape(kind: type[Document]) -> Shape:
    known = kind._fields.items()
    stored = {name: each.db_field for name, each in known}
    makers = [(name, each.default) for name, each in known if callable(each.default)]
    with_maker = {name for name, _ in makers}
    new = {e.db_field: e.default for name, e in known if name not in with_maker}
    required = frozenset(
        e.db_field for _, e in known if e.required and not e.primary_key
    )
    with_default = {e.db_field for _, e in known if e.default is not None}
    return Shape(
        {each.db_field: (name, _types_of(each), _reader(each)) for name, each in known},
        {name: _default(each) for name, each in known if name not in with_maker},
        makers,
        stored,
        {name: value for name, value in new.items() if value is not None},
        required,
        required | with_default,
    )


def _default(field: BaseField) -> object:
    """Return the default for a value that is missing or cannot be decoded."""
    if field.default is not None or not field.required or field.primary_key:
        return field.default
    if isinstance(field, fields.IntField):
        return field.min_value or 0
    return next((v for k, v in ABSENT.items() if isinstance(field, k)), None)


def _types_of(field: BaseField) -> frozenset[type]:
    if isinstance(field, fields.IntField) and field.min_value is not None:
        return frozenset()
    kinds = (k for of, k in FIELD_TYPES.items() if isinstance(field, of))
    return frozenset() if field.primary_key else next(kinds, frozenset())


def _reader(field: BaseField) -> Reader:
    """Return a conversion for values of other types; it returns None if it fails."""
    if field.primary_key:
        return lambda value: value
    if isinstance(field, fields.DictField):
        return lambda value: None
    if isinstance(field, fields.ListField):
        return _list_of(_types_of(field.field))
    if isinstance(field, fields.IntField):
        return _between(field.min_value, field.max_value)
    if isinstance(field, fields.FloatField):
        return _number
    return lambda value: None


def _number(value: object) -> float | None:
    """Convert a finite number, or text that is one; None for anything else."""
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _between(least: int | None, most: int | None) -> Reader:
    def read(value: object) -> int | None:
        number = _number(value)
        if number is None or not (least or -math.inf) <= number <= (most or math.inf):
            return None
        return int(number)

    return read


def _list_of(kinds: frozenset[type]) -> Reader:
    def read(value: object) -> list | None:
        if isinstance(value, list) and all(type(each) in kinds for each in value):
            return value
        return None

    return read


FIELD_TYPES = {
    fields.StringField: frozenset({str}),
    fields.IntField: frozenset({int, Int64}),
    fields.FloatField: frozenset({float, int, Int64}),
    fields.BooleanField: frozenset({bool}),
    fields.DateTimeField: frozenset({datetime}),
    fields.ObjectIdField: frozenset({ObjectId}),
    fields.DynamicField: frozenset({int, Int64, str}),
    fields.DictField: frozenset({dict}),
}
ABSENT: dict[type[BaseField], object] = {
    fields.StringField: "",
    fields.DateTimeField: datetime.fromtimestamp(0, UTC),
    fields.ObjectIdField: NO_FILE,
}


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

        Raises:
            NetworkTimeout: MongoDB has just not answered this request.
        """
        if outages.is_silent("mongodb"):
            raise NetworkTimeout("MongoDB did not answer the operation before")
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
    def upsert(
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

    def insert_with_limit(
        self, most: int, counted: Mapping[str, object] = NOTHING
    ) -> bool:
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


class Leased(Stored):
    """
    A document that comes due, and is processed by one worker at a time.

    A claim writes a new token and the end of the lease, in one guarded update. Later
    writes are guarded by that token: a worker that stalled beyond its lease, and was
    replaced, can change nothing any more. If a worker dies, the document is claimed
    again when the lease expires.

    Attributes:
        due_at: When it is due; while claimed, the end of the lease. Absent once its
            processing has ended.
        owner: The token of the latest claim.
    """

    due_at = fields.DateTimeField()
    owner = fields.StringField()

    meta = {"abstract": True}

    @property
    def still(self) -> dict[str, object]:
        """Conditions, besides the owner, for a claim to be still valid."""
        return {"open": True}

    @classmethod
    def claim(
        cls,
        where: Mapping[str, object],
        lease: timedelta,
        update: Update = NOTHING,
        *,
        token: str | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
        durable: bool = True,
    ) -> Self | None:
        """
        Claim the first document that matches *where*.

        Args:
            update: Applied with the claim.
            token: By default a new one.

        Returns:
            The claimed document; None if none matches.
        """
        owned = {"owner": token or new_token(), "due_at": utcnow() + lease}
        claimed = _with(update, owned)
        return cls.find_and_modify(where, claimed, sort=sort, durable=durable)

    @classmethod
    def claim_due(
        cls,
        where: Mapping[str, object],
        lease: timedelta,
        update: Update = NOTHING,
    ) -> Self | None:
        """Claim the match of *where* that has been due for longest."""
        due = {"open": True, "due_at": {"$lte": utcnow()}, **where}
        return cls.claim(due, lease, update, sort=[("due_at", 1)])

    def update_owned(
        self,
        update: Update,
        where: Mapping[str, object] = NOTHING,
        *,
        durable: bool = True,
    ) -> Self | None:
        """
        Update the document if this claim is still valid, and *where* matches.

        Returns:
            The document after the update; None if the claim was lost.
        """
        mine = {"_id": self.id, "owner": self.owner, **self.still, **where}
        return self.find_and_modify(mine, update, durable=durable)

    def extend_lease(
        self,
        lease: timedelta,
        update: Update = NOTHING,
        where: Mapping[str, object] = NOTHING,
    ) -> Self | None:
        """`update_owned`, and extend the lease."""
        extended = _with(update, {"due_at": utcnow() + lease})
        return self.update_owned(extended, where)

    def release(
        self,
        due_at: datetime,
        changes: Mapping[str, object] = NOTHING,
        *gone: str,
        durable: bool = True,
    ) -> Self | None:
        """
        `update_owned`, and release the claim until the document is due again.

        Args:
            changes: Fields to set.
            gone: Fields to unset.
        """
        update: Update = {
            "$set": {**changes, "due_at": due_at},
            "$unset": dict.fromkeys(("owner", *gone), ""),
        }
        return self.update_owned(update, durable=durable)


def _with(update: Update, changes: dict) -> dict[str, Mapping]:
    return {**update, "$set": {**update.get("$set", {}), **changes}}
