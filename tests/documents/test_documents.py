"""Documents as they are read and noted, and commands past the driver's collections."""

import re
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import mongoengine
import pytest
from bson import ObjectId
from mongoengine import Document
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DynamicField,
    FloatField,
    IntField,
    ObjectIdField,
    StringField,
)
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    NetworkTimeout,
    OperationFailure,
)

from jimeng import documents
from jimeng.documents import (
    Generation,
    Image,
    Lane,
    QuotaUsage,
    Task,
    User,
    commands,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.documents.decoding import DictField, ListField
from tests.each import for_each

KINDS = [each for each in Stored.kinds() if each.__module__.startswith("jime")]


def stored(kind: type[Stored], **fields: object) -> dict:
    row = kind(**{"id": "x", **fields}).to_mongo().to_dict()
    needed = [each for each in kind._fields.values() if each.required]
    return {each.db_field: SAMPLE[type(each)] for each in needed} | row


SAMPLE: dict[type, object] = {StringField: "x", IntField: 1, ObjectIdField: ObjectId()}


ROWS = [
    (Task, {"user_id": "ada", "n": 2, "outcomes": {"0": {"state": "done"}}}),
    (Generation, {"task_id": "t", "index": 1, "remote_ids": ["a", "b"], "slot": 3}),
    (Image, {"task_id": "t", "index": 0, "width": 8, "height": 8}),
    (Lane, {"durations": [1.5, 2.0], "limit": None}),
    (User, {"email": "a@b.cd", "defaults": {"n": "2"}}),
]


@for_each("kind, fields", ROWS)
def test_document_and_row_are_what_mongoengine_would_make(kind, fields):
    row = stored(kind, **fields)

    found = kind.read(row)

    expected = Document._from_son.__func__(kind, row)
    assert {name: getattr(found, name) for name in kind._fields} == {
        name: getattr(expected, name) for name in kind._fields
    }
    assert found.to_mongo() == expected.to_mongo()
    fixed = {"id": "x", "key": "k", "created_at": utcnow(), "updated_at": utcnow()}
    fields = {**{n: v for n, v in fixed.items() if n in kind._fields}, **fields}
    assert kind.row(**fields) == kind(**fields).to_mongo().to_dict()


def test_defaults_are_nobody_else_s():
    for kind in KINDS:
        one, other = kind.read({"_id": "x"}), kind.read({"_id": "x"})
        shared = [
            name
            for name, value in one._data.items()
            if isinstance(value, list | dict) and value is other._data[name]
        ]
        assert (one.pk, shared) == ("x", []), kind


def test_values_of_another_kind_are_left_out():
    """Whatever is stored, each field has a value of its own kind, or none."""
    values = [{"later": 1}, ["text", 1], "text", 7, -1.5, None]
    for kind, value in product(KINDS, values):
        fields = {n: each for n, each in kind._fields.items() if not each.primary_key}
        found = kind.read({"_id": "x", **dict.fromkeys(fields, value)})
        odd = {
            name
            for name, each in fields.items()
            if getattr(found, name) is not None
            and not isinstance(getattr(found, name), OF_KIND[type(each)])
        }
        lacking = {n for n, e in fields.items() if e.required and found[n] is None}
        assert (odd, lacking) == (set(), set()), (kind, value)


OF_KIND: dict[type, tuple[type, ...]] = {
    StringField: (str,),
    IntField: (int,),
    DynamicField: (int, str),
    FloatField: (float, int),
    BooleanField: (bool,),
    DateTimeField: (datetime,),
    ObjectIdField: (ObjectId,),
    DictField: (dict,),
    ListField: (list,),
}


def test_what_was_not_understood_is_named():
    """
    Who has to act on a document can tell; fields of a later release are left out.
    Numbers that are texts are numbers: so they were read before, and so does MongoDB in
    the updates.
    """
    row = stored(Task, n=2) | {"seed": "text", "width": None, "not_yet": 1}

    read = Task.read(row)
    assert (read.unread, hasattr(read, "not_yet")) == ({"seed", "width"}, False)
    assert Task.read(stored(Task)).unread == set()
    found = Task.read(stored(Task) | {"n": "3", "seed": 7.0, "delay": "1.5"})
    assert (found.n, found.seed, found.delay, found.unread) == (3, 7, 1.5, set())
    odd = Generation.read({"_id": "g", "urls": ["https://a.b", 1]})
    assert odd.urls == [] and "urls" in odd.unread


def test_what_is_acknowledged_is_kept(config, monkeypatch):
    """By a majority and its journal, and this is said in no address."""
    given: dict = {}
    monkeypatch.setattr(mongoengine, "disconnect", lambda: None)
    monkeypatch.setattr(mongoengine, "connect", lambda **how: given.update(how))

    documents.connect(config)

    assert (given["w"], given["journal"]) == ("majority", True)


def test_mongoengine_declares_and_does_nothing_else():
    """Nothing is queried or saved by it: there is one way to read and to write."""
    sources = Path(documents.__file__).parent.parent.rglob("*.py")
    calls = re.compile(r"\.objects\b|\b_from_son\b")

    found = [each for each in sources if calls.search(each.read_text("utf-8"))]
    assert found == []


def put(*task_ids: str) -> None:
    Task.collection().insert_many([{"_id": each, "n": 1} for each in task_ids])


def test_finds_what_the_driver_finds(database):
    Task.collection().insert_one({"_id": "a", "created_at": utcnow(), "n": 2})

    found = commands.find_one(Task.collection(), {"n": 2})

    assert found == Task.collection().find_one({"_id": "a"})
    assert found["created_at"].utcoffset() == timedelta()
    assert commands.find_one(Task.collection(), {"n": 3}) is None
    with pytest.raises(OperationFailure):
        commands.find_one(Task.collection(), {"$nothing": 1})


def test_all_that_a_pipeline_finds_comes(database):
    """Also more than a cursor's first batch has."""
    put(*(f"{n:03}" for n in range(300)))

    found = commands.aggregate(Task.collection(), [{"$sort": {"_id": -1}}])

    assert [row["_id"] for row in found] == [f"{n:03}" for n in reversed(range(300))]


ONE_MORE = [{"$set": {"asked": {"$add": [{"$ifNull": ["$asked", 0]}, 1]}}}]


def note(where: dict) -> dict:
    return QuotaUsage.upsert(where, ONE_MORE, {"asked": 1})


@pytest.fixture
def breaking(database, monkeypatch):
    """Commands fail with these errors, one after another, before they are sent."""
    errors: list[Exception] = []
    command = Database.command

    def broken(this, *args, **kwargs):
        if errors:
            raise errors.pop(0)
        return command(this, *args, **kwargs)

    monkeypatch.setattr(Database, "command", broken)
    return errors


def test_broken_connection_is_tried_again(breaking):
    """Once; a slow server is not asked again."""
    put("a")
    breaking[:] = [AutoReconnect("reset")]

    assert commands.find_one(Task.collection(), {})["_id"] == "a"
    breaking[:] = [AutoReconnect("reset")]
    assert note({"_id": "ada"})["asked"] == 1

    for errors in ([AutoReconnect("reset")] * 2, [NetworkTimeout("slow")]):
        breaking[:] = errors
        with pytest.raises(AutoReconnect):
            commands.find_one(Task.collection(), {})
        assert breaking == []


def test_makes_and_changes(database):
    """Another than was meant stays as it is."""
    assert note({"_id": "ada"}) == {"_id": "ada", "asked": 1}
    assert note({"_id": "ada"}) == {"_id": "ada", "asked": 2}

    with pytest.raises(DuplicateKeyError):
        note({"_id": "ada", "asked": {"$gt": 5}})

    assert QuotaUsage.find_one({"_id": "ada"}).asked == 2
