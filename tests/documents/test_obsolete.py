"""What this release no longer reads is dropped once no earlier worker is alive."""

from datetime import timedelta

import pytest

from jimeng.documents import Worker, indexes, utcnow
from jimeng.documents.obsolete import COLLECTIONS, INDEXES, OBSOLETE
from jimeng.jobs import pump


@pytest.fixture
def leftovers(database):
    """The indexes and collections of an earlier release."""
    for label in INDEXES:
        collection, name = label.split(".")
        database[collection].create_index([("left", 1)], name=name)
    for name in COLLECTIONS:
        database[name].insert_one({"_id": "left"})


def found(database) -> set[str]:
    names = {*database.list_collection_names()}.intersection(COLLECTIONS)
    for label in INDEXES:
        collection, name = label.split(".")
        if name in database[collection].index_information():
            names.add(label)
    return names


def test_obsolete_is_dropped_while_workers_of_this_release_run(database, leftovers):
    pump.write_heartbeat("new", utcnow())

    assert found(database) == {*OBSOLETE}
    assert indexes.build() == {}
    assert found(database) == set()


@pytest.mark.parametrize(
    ("known", "gone"),
    [({}, {}), ({"obsolete": [OBSOLETE[0]]}, {}), ({}, {"left": True})],
)
def test_obsolete_stays_while_an_earlier_worker_may_read_it(
    database, leftovers, known, gone
):
    now = utcnow()
    Worker(id="old", started_at=now, seen_at=now, **known).save()
    pump.write_heartbeat("new", now)

    indexes.build()
    assert found(database) == {*OBSOLETE}

    ended = now - Worker.ALIVE - timedelta(seconds=1)
    database.workers.update_one({"_id": "old"}, {"$set": gone or {"seen_at": ended}})
    indexes.build()
    assert found(database) == set()


def test_nothing_obsolete_is_declared():
    declared = {each.collection for each in indexes.declared().values()}
    assert not {*OBSOLETE} & {*indexes.declared(), *declared}
