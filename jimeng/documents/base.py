"""`Stored`, the base class of documents: it reads by raw commands, see `commands`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

from mongoengine import Document
from pymongo import ReturnDocument, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import (
    NetworkTimeout,
)

from jimeng.documents import commands
from jimeng.documents.connection import best_effort
from jimeng.documents.decoding import shape_of
from jimeng.errors import outages

NOTHING: Mapping = MappingProxyType({})
Update = Mapping[str, Mapping[str, object]]  # by operators, such as ``$set``


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
        found = commands.send(rows, command)["value"]
        return found or commands.send(rows, {**command, "upsert": True})["value"]

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
        found = commands.find_one(cls.collection(), where)
        return None if found is None else cls.read(found)
