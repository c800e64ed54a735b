"""The connection, the clock, and the one way in which a document changes."""

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
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.monitoring import ServerHeartbeatListener

from jimeng.config import Config
from jimeng.documents import commands
from jimeng.documents.database_errors import is_away
from jimeng.documents.decoding import shape_of
from jimeng.errors import DatabaseUnavailable, outages

log = logging.getLogger(__name__)

# Seconds for one operation, of which a request may have several: a database that is
# slow is waited for, one that is away is told of within two seconds. While no server
# can be found the driver looks at the clock every half second: 1.5 is what it comes to.
WEB_TIMEOUT = 1.4
WORKER_TIMEOUT = 30.0
NOTHING: Mapping = MappingProxyType({})

# A later release may store other things beside what this one knows, each with a kind.
# Whatever claims, sweeps or ends documents leaves those alone, whatever their state.
KNOWN_KIND: dict[str, object] = {"kind": None}
OTHER_KIND: dict[str, object] = {"kind": {"$ne": None}}


class Heartbeats(ServerHeartbeatListener):
    """The driver looks at MongoDB all the time: that is how its return is noticed."""

    def started(self, event: object) -> None:
        pass

    def succeeded(self, event: object) -> None:
        outages.works("mongodb")

    def failed(self, event: object) -> None:
        pass


def connect(config: Config, *, timeout: float | None = None) -> None:
    """
    Connect this process to MongoDB; connecting anew replaces the connection.

    Nothing is sent until the first use, so a server that is away does not stop
    the process from starting. Writes are acknowledged by a majority and the
    journal unless `relaxed` is asked for.

    Args:
        timeout: Seconds for one operation, finding a server included; by default
            the web's.

    Raises:
        DatabaseUnavailable: DNS does not know the name of a ``mongodb+srv`` address,
            which the driver needs before all else.
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


def patience(seconds: float) -> AbstractContextManager[object]:
    """
    Within it MongoDB has so many seconds in all, and not the connection's for each
    operation. They are of one phase of a request: what is waited for in between, a
    client or a decoder, stands outside.
    """
    return pymongo.timeout(seconds)


def await_answer(seconds: float) -> None:
    """
    Raises:
        ConnectionFailure: MongoDB does not answer within so many.
    """
    with patience(seconds):
        mongoengine.get_db().command("ping")


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """
    Do what belongs to something that is done already, and changes no answer any more.

    Where MongoDB does not let it be done, somebody else does it later: the janitor,
    or whoever comes upon it.

    Args:
        what: For the log.
    """
    try:
        yield
    except (PyMongoError, InvalidBSON) as error:
        log.warning("%s left for later: %s: %s", what, type(error).__name__, error)


def utcnow() -> datetime:
    """The time in UTC, in the milliseconds that MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_token() -> str:
    """A random name for one claim of one document: 96 bits."""
    return secrets.token_urlsafe(12)


def number(field: str, *, otherwise: int = 0) -> dict:
    """An expression of MongoDB's for a field that may hold no number, or nothing."""
    text = {"input": field, "to": "long", "onError": otherwise, "onNull": otherwise}
    return {"$convert": text}


def named_index(name: str, *fields: str, having: str = "", **options: object) -> dict:
    """
    An index, as a document declares it.

    Args:
        having: The field by which it has only those documents that have it.
    """
    if having:
        options["partialFilterExpression"] = {having: {"$exists": True}}
    return {"name": name, "fields": [*fields], **options}


class Stored(Document):
    """
    A document whose changes are single guarded updates; see `documents` for how it is
    read and written.

    What another release has written is read as far as it goes: a field that this one
    does not know is left out, and one of another kind, or one that should be there
    and is not, has its default.

    Attributes:
        unread: The names of those that have their default because of that.
    """

    unread: frozenset[str] = frozenset()
    _relaxed: ClassVar[tuple[Collection, Collection] | None] = None
    _heavy: ClassVar[dict[str, int] | None] = (
        None  # fields that `find_and_modify` does not read
    )

    meta: dict = {"abstract": True, "auto_create_index": False}

    @classmethod
    def kinds(cls) -> "Iterator[type[Stored]]":
        """Those that have a collection of their own."""
        for kind in cls.__subclasses__():
            if kind._meta["abstract"]:
                yield from kind.kinds()
            else:
                yield kind

    @classmethod
    def collection(cls, *, durable: bool = True) -> Collection:
        """
        The collection underneath.

        Args:
            durable: False acknowledges from memory of one server: for what a
                crash may forget because it is done again or only a hint.
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
            The document as it is afterwards, or None if there was no match:
            somebody else was there first.
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
        Change a document, or make it, where a crash may forget that.

        As a command of its own: what the driver notes to try one again takes MongoDB a
        quarter of the time. It is tried again all the same where the connection broke;
        nobody knows then whether it was done, and it may be twice.

        Returns:
            These *fields* of it, afterwards.

        Raises:
            DuplicateKeyError: it is there, and is another than *where* says.
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

        # Nearly always it is there, and that is less work again.
        found = commands.send(rows, command)["value"]
        return found or commands.send(rows, {**command, "upsert": True})["value"]

    @classmethod
    def read(cls, row: Mapping[str, object]) -> Self:
        """
        A document from what a query found of it, whoever has written that.

        MongoEngine's own way prepares for a document that is changed here and saved as
        a whole, which none of these ever is: that took a fifth of a millisecond each.
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
        Write a new document.

        Raises:
            DuplicateKeyError: there is one that it may not be beside.
        """
        self.collection().insert_one(self.to_mongo())

    @classmethod
    def row(cls, **fields: object) -> dict:
        """
        What a new document of these fields is stored as. Nothing is checked, and no
        document is made: that took as long as the rest of a request.
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
        Write this new document, unless its user has as many of its kind as may be.

        Counted when it is there: of any that come at once none is one too many, and it
        may be that none of them is taken.

        Args:
            counted: Which of the user's count; by default all.
        """
        self.add()
        rows, mine = self.collection(), {**counted, "user_id": self.user_id}
        with best_effort("limit"):  # it is there, and would not be told of
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
        All that match.

        Args:
            fields: As MongoDB's projection; None for all of them.
            options: As the driver's ``find`` has them: ``sort``, ``limit``, ``hint``.
        """
        return cls.read_all(cls.collection().find(where, fields, **options))

    @classmethod
    def find_ids(cls, where: Mapping[str, object], **options: Any) -> list[str]:
        """The ids of `find_all`."""
        rows = cls.collection().find(where, {"_id": 1}, **options)
        return [row["_id"] for row in rows]

    @classmethod
    def find_one(cls, where: Mapping[str, object]) -> Self | None:
        found = commands.find_one(cls.collection(), where)
        return None if found is None else cls.read(found)
