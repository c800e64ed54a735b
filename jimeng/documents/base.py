"""The connection, the clock, and the one way in which a document changes."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import mongoengine
from mongoengine import Document
from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection

from jimeng.config import Config

WEB_TIMEOUT = 1.5  # seconds for one operation: an answer within 2 s, even if 503
WORKER_TIMEOUT = 30.0


def connect(config: Config, *, timeout: float = WEB_TIMEOUT) -> None:
    """
    Connect this process to MongoDB; connecting anew replaces the connection.

    Nothing is sent until the first use, so a server that is away does not stop
    the process from starting. Writes are acknowledged by a majority and the
    journal unless `relaxed` is asked for.

    Args:
        timeout: Seconds for one operation, finding a server included.
    """
    mongoengine.disconnect()
    mongoengine.connect(
        db=config.MONGODB_DATABASE,
        host=config.mongodb_uri,
        tz_aware=True,
        uuidRepresentation="standard",
        w="majority",
        journal=True,
        timeoutMS=int(timeout * 1000),
        serverSelectionTimeoutMS=int(timeout * 1000),
        connectTimeoutMS=int(timeout * 1000),
        appname="jimeng",
    )


def utcnow() -> datetime:
    """The time in UTC, in the milliseconds that MongoDB keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def new_token() -> str:
    """A random name for one claim of one document: 96 bits."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class Shape:
    """
    What a kind of document consists of.

    Attributes:
        names: How a field is stored -> its name.
        values: The defaults that are values, also None.
        makers: The others.
    """

    names: dict[str, str]
    values: dict[str, object]
    makers: list[tuple[str, Callable[[], object]]]


_shapes: dict[type, Shape] = {}


class Stored(Document):
    """A document whose changes are single guarded updates."""

    meta: dict = {"abstract": True, "auto_create_index": False}

    @classmethod
    def collection(cls, *, durable: bool = True) -> Collection:
        """
        The collection underneath.

        Args:
            durable: False acknowledges from memory of one server: for what a
                crash may forget because it is done again or only a hint.
        """
        found = cls._get_collection()
        return found if durable else found.with_options(write_concern=WriteConcern(w=1))

    @classmethod
    def swap(
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
            return_document=ReturnDocument.AFTER,
        )
        return None if found is None else cls._from_son(found)

    @classmethod
    def _from_son(
        cls,
        son: Mapping[str, object],
        _auto_dereference: bool = True,
        created: bool = False,
    ) -> Self:
        """
        A document as it is stored. A field that this release does not know is left out.

        mongoengine's own prepares for a document that is changed here and saved as a
        whole, which none of these ever is: that took a fifth of a millisecond each.
        """
        shape = cls._shape()
        data = dict(shape.values)
        for stored, value in son.items():
            name = shape.names.get(stored)
            if name is not None and value is not None:
                data[name] = value
        for name, make in shape.makers:
            if name not in data:
                data[name] = make()
        found = cls.__new__(cls)
        for slot, value in (("_data", data), ("_initialised", False)):
            object.__setattr__(found, slot, value)
        object.__setattr__(found, "_created", created)
        object.__setattr__(found, "_changed_fields", [])
        return found

    @classmethod
    def row(cls, **fields: object) -> dict:
        """
        What a new document of these fields is stored as. Nothing is checked, and no
        document is made: that took as long as the rest of a request.
        """
        shape = cls._shape()
        made = {**shape.values, **fields}
        for name, make in shape.makers:
            if name not in made:
                made[name] = make()
        return {
            stored: made[name]
            for stored, name in shape.names.items()
            if made[name] is not None
        }

    @classmethod
    def _shape(cls) -> Shape:
        kept = _shapes.get(cls)
        if kept is None:
            fields = cls._fields.items()
            makers = [(name, f.default) for name, f in fields if callable(f.default)]
            made = {name for name, _ in makers}
            values = {name: f.default for name, f in fields if name not in made}
            kept = Shape({f.db_field: name for name, f in fields}, values, makers)
            _shapes[cls] = kept
        return kept

    @classmethod
    def find_one(cls, where: Mapping[str, object]) -> Self | None:
        found = cls.collection().find_one(where)
        return None if found is None else cls._from_son(found)
