"""Documents as they are read: quickly, and whatever a later release has written."""

import pytest
from mongoengine import Document

from jimeng.documents import Generation, Image, Lane, Task, User, utcnow
from jimeng.documents.base import Stored

KINDS = [each for each in Stored.__subclasses__() if each.__module__.startswith("jime")]


def stored(kind: type[Stored], **fields: object) -> dict:
    return kind(**fields).to_mongo().to_dict()


ROWS = [
    (Task, {"user_id": "ada", "n": 2, "outcomes": {"0": {"state": "done"}}}),
    (Generation, {"task_id": "t", "index": 1, "remote_ids": ["a", "b"], "slot": 3}),
    (Image, {"task_id": "t", "index": 0, "width": 8, "height": 8}),
    (Lane, {"id": "a:b", "durations": [1.5, 2.0], "limit": None}),
    (User, {"email": "a@b.cd", "defaults": {"n": "2"}}),
]


@pytest.mark.parametrize("kind, fields", ROWS)
def test_document_is_what_mongoengine_would_make_of_it(kind, fields):
    """Field by field, defaults included."""
    row = stored(kind, **fields)

    found = kind._from_son(row)

    expected = Document._from_son.__func__(kind, row)
    assert {name: getattr(found, name) for name in kind._fields} == {
        name: getattr(expected, name) for name in kind._fields
    }
    assert found.to_mongo() == expected.to_mongo()


@pytest.mark.parametrize("kind, fields", ROWS)
def test_row_is_what_mongoengine_would_write(kind, fields):
    """Field by field, for what is stored without a document being made."""
    fixed = {"id": "x", "key": "k", "created_at": utcnow(), "updated_at": utcnow()}
    fields = {**{n: v for n, v in fixed.items() if n in kind._fields}, **fields}

    assert kind.row(**fields) == stored(kind, **fields)


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_are_nobody_else_s(kind):
    """What is put into a list or a dict of one document is not in the next."""
    one, other = kind._from_son({"_id": "x"}), kind._from_son({"_id": "x"})

    shared = [
        name
        for name, value in one._data.items()
        if isinstance(value, list | dict) and value is other._data[name]
    ]

    assert one.pk == "x"
    assert shared == []


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_a_later_release_are_left_out(kind):
    """Old and new code may work on one database."""
    found = kind._from_son({"_id": "x", "not_yet_known": 1})

    assert found.pk == "x"
    assert not hasattr(found, "not_yet_known")
