"""Indexes that are missing, or are others than they seem."""

import logging

import pytest

from jimeng.documents import ensure_indexes, index_builder, indexes
from jimeng.documents.duplicates import duplicates
from jimeng.documents.indexes import Fault
from jimeng.jobs import chores
from tests.documents.index_tools import IDEM, KEY, UNIQUE, drop, replace, whole  # noqa: F401
from tests.rest import CAT, CREATE, refused
from tests.waiting import wait_for


def test_all_that_is_declared_is_there(database):
    """A database that was made by this release has no faults."""
    assert indexes.look() == {}
    assert {*UNIQUE} == {
        indexes.IDEMPOTENCY,
        indexes.SLOTS,
        indexes.EMAILS,
        indexes.API_KEYS,
        indexes.LINKS,
        indexes.BULK,
        indexes.PREPARING,
        indexes.UPLOADS,
        indexes.NAMES,
        indexes.SHARES,
        *(each.label for each in indexes.CHUNKS),
    }


@pytest.mark.parametrize("label", indexes.declared())
def test_index_that_is_dropped_is_missed_and_built(database, label):
    """Each of them, with all its options."""
    drop(database, label)

    assert indexes.look() == {label: Fault.MISSING}
    assert not indexes.is_there(label)
    assert index_builder.mend() == {}
    assert indexes.is_there(label)


def test_missing_index_comes_back_by_itself(database, monkeypatch):
    """Whoever works sees to the indexes, in the background."""
    monkeypatch.setattr(index_builder, "INTERVAL", 0.0)
    indexes.look()
    drop(database, IDEM)

    def is_back() -> bool:
        ensure_indexes()
        return indexes.is_there(IDEM, fresh=True)

    wait_for(is_back)


def test_seeing_to_the_indexes_costs_nothing_most_of_the_time(database, monkeypatch):
    """One look in some seconds, however often it is asked for."""
    looks = []
    monkeypatch.setattr(indexes, "_read", lambda name: looks.append(name) or {})
    indexes.look()
    once = len(looks)

    for _ in range(100):
        ensure_indexes()
        indexes.is_there(IDEM)

    assert len(looks) == once


def test_consumer_looks_again_soon_while_an_index_is_missing(database, monkeypatch):
    """It sends nothing without; whoever builds it may be another process."""
    monkeypatch.setattr(index_builder, "INTERVAL", 0)
    monkeypatch.setattr(index_builder, "mend", dict)
    monkeypatch.setattr(chores.INDEXES, "runs", 0)
    label = indexes.SLOTS
    index = drop(database, label)
    assert indexes.look() == {label: Fault.MISSING}
    assert chores.INDEXES.turn()
    keys, options = list(index.keys), dict(index.options)
    database[index.collection].create_index(keys, name=index.name, **options)

    wait_for(lambda: not chores.INDEXES.turn())
    assert indexes.is_there(label)


@pytest.mark.parametrize(
    "label, keys, options",
    [
        (IDEM, {"user_id": 1}, {}),
        (IDEM, None, {"unique": True, "partialFilterExpression": {"open": True}}),
        (IDEM, None, {"unique": True, "sparse": True}),
        (indexes.EMAILS, None, {"unique": True, "hidden": True}),
        (indexes.EMAILS, None, {"unique": True, "collation": {"locale": "en"}}),
        (indexes.SLOTS, {"slot": 1, "lane": 1}, {"unique": True}),
        ("workers.forgotten", None, {"expireAfterSeconds": 1}),
        ("places.forgotten", None, {}),
        ("tasks.open", None, {}),
        ("generations.waiting", {"lane": 1, "turn": -1, "_id": 1}, {}),
    ],
)
def test_index_that_differs_is_replaced(database, label, keys, options):
    """In its fields, their order, or an option; nothing else is left behind."""
    before = {name: [*rows] for name, rows in names(database).items()}
    replace(database, label, keys, **options)

    assert indexes.look() == {label: Fault.DIFFERENT}
    assert index_builder.mend() == {}

    assert names(database) == before


def names(database) -> dict[str, list[str]]:
    found = {index.collection for index in indexes.declared().values()}
    return {name: sorted(database[name].index_information()) for name in sorted(found)}


def test_index_under_another_name_makes_way(database):
    """MongoDB has no two of the same."""
    index = drop(database, IDEM)
    database.tasks.create_index([*index.keys], name="by_hand", **index.options)

    assert indexes.look() == {IDEM: Fault.MISSING}
    assert index_builder.mend() == {}

    assert "by_hand" not in database.tasks.index_information()


def test_two_releases_do_not_replace_each_others_for_ever(database):
    """Each has its way once, and from then on says that it differs."""
    replace(database, "tasks.open")
    assert index_builder.mend() == {}
    replace(database, "tasks.open")

    assert index_builder.mend() == {"tasks.open": Fault.DIFFERENT}
    assert index_builder.mend() == {"tasks.open": Fault.DIFFERENT}


def test_duplicates_keep_an_index_away_and_are_named(client, database, caplog):
    """The log says which tasks; once they are settled the index comes back."""
    drop(database, IDEM)
    one = {"user_id": "a", "idem_key": "k"}
    database.tasks.insert_many([{"_id": "t1", **one}, {"_id": "t2", **one}])

    with caplog.at_level(logging.ERROR):
        assert index_builder.mend() == {IDEM: Fault.MISSING}

    assert "tasks.idem" in caplog.text
    assert "t1 = t2" in caplog.text
    assert index_builder.with_duplicates() == [IDEM]
    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")
    database.tasks.delete_one({"_id": "t2"})
    assert index_builder.mend() == {IDEM: Fault.MISSING}  # it is not tried each time
    assert index_builder.mend(at_once=True) == {}
    assert index_builder.with_duplicates() == []


def test_index_that_cannot_be_replaced_stays(database):
    """What is there is of use until the new one can be built."""
    replace(database, indexes.EMAILS)
    database.users.insert_many([{"email_key": "a@b.c"}, {"email_key": "a@b.c"}])

    assert index_builder.mend() == {indexes.EMAILS: Fault.DIFFERENT}

    assert "email" in database.users.index_information()
    assert index_builder.with_duplicates() == [indexes.EMAILS]


def test_duplicates_are_those_that_the_index_would_refuse(database):
    """Its filter counts; a field that is missing is a value like any other."""
    rows = [
        {"_id": 1, "lane": "a", "slot": 0},
        {"_id": 2, "lane": "a", "slot": 0},
        {"_id": 3, "lane": "a"},
        {"_id": 4, "lane": "a"},
        {"_id": 5, "lane": "b", "slot": 0},
    ]
    index = drop(database, indexes.SLOTS)
    database.generations.insert_many(rows)

    found = duplicates(index)

    assert [(each.values, each.ids) for each in found] == [
        ({"lane": "a", "slot": 0}, [1, 2])
    ]


def test_index_that_is_being_built_does_not_count(database):
    """MongoDB lists it, but refuses no duplicate yet."""
    index = indexes.declared()[IDEM]
    there = indexes._read("tasks")
    assert index.fault(there) is None

    there["idem"] = {"spec": there["idem"], "buildUUID": "some"}

    assert index.fault(there) is Fault.BUILDING
