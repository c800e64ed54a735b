"""Requests wait while the indexes of a new database are built, and not otherwise."""

import threading
import time

import pytest

from jimeng.documents import await_new, index_builder, indexes
from jimeng.documents.indexes import Fault
from tests.databases import let_indexes_be
from tests.documents.index_tools import IDEM, drop, whole  # noqa: F401
from tests.rest import CAT, CREATE, data_of

SHORT = 0.2  # seconds


@pytest.fixture
def newcomer(monkeypatch):
    """As in a process that has just started."""
    monkeypatch.setattr(indexes, "_whole", None)
    monkeypatch.setattr(indexes, "_last", None)
    monkeypatch.setattr(index_builder, "_waited", None)
    monkeypatch.setattr(index_builder, "_tried_at", float("-inf"))
    yield
    let_indexes_be()


def built_elsewhere(database, index, monkeypatch) -> threading.Timer:
    """Another process builds it in a moment, and this one does not."""
    monkeypatch.setattr(index_builder, "mend", dict)
    keys, options = list(index.keys), {"name": index.name, **index.options}
    build = database[index.collection].create_index
    return threading.Timer(SHORT, build, (keys,), options)


def test_first_request_waits_for_what_another_process_builds(
    client, database, newcomer, monkeypatch
):
    """It is refused for nothing, and no later than it has to be."""
    timer = built_elsewhere(database, drop(database, IDEM), monkeypatch)
    timer.start()

    answer = client.post(CREATE, json=CAT, headers={"Idempotency-Key": "one"})

    timer.join()
    data_of(answer, 202)
    assert indexes.were_whole()


def test_what_cannot_be_built_is_not_waited_for_again(database, newcomer, monkeypatch):
    """The first requests have waited together; those that come later do not."""
    monkeypatch.setattr(index_builder, "MOST_WAIT", SHORT)
    monkeypatch.setattr(index_builder, "mend", dict)
    drop(database, IDEM)
    await_new()

    began = time.monotonic()
    await_new()

    assert time.monotonic() - began < SHORT
    assert not indexes.were_whole()


def test_large_collection_is_not_waited_for(database, newcomer, monkeypatch):
    """What is missing of it may take hours."""
    monkeypatch.setattr(index_builder, "FEW", 2)
    monkeypatch.setattr(index_builder, "mend", dict)
    drop(database, IDEM)
    database.tasks.insert_many([{"_id": str(n), "user_id": "a"} for n in range(3)])
    began = time.monotonic()

    await_new()

    assert time.monotonic() - began < index_builder.MOST_WAIT / 2


def test_once_all_were_seen_nothing_is_asked(database, newcomer, monkeypatch):
    """Each request comes by here."""
    await_new()
    monkeypatch.setattr(indexes, "_read", None)
    monkeypatch.setattr(index_builder, "ensure_indexes", None)

    await_new()

    assert indexes.were_whole()


def test_one_that_stands_against_the_others_keeps_none_away(database):
    """Where the indexes of a collection cannot be built at once, each is by itself."""
    for label in (IDEM, "tasks.open", "tasks.trash"):
        drop(database, label)
    rows = [{"_id": each, "user_id": "a", "idem_key": "k"} for each in "ab"]
    database.tasks.insert_many(rows)

    assert index_builder.mend(at_once=True) == {IDEM: Fault.MISSING}


def test_new_database_is_made_in_one_command_a_collection(database, monkeypatch):
    """Dozens of them took seconds, which newcomers had to wait."""
    for label in indexes.declared():
        drop(database, label)
    monkeypatch.setattr(index_builder, "_mend_one", None)

    assert index_builder.mend(at_once=True) == {}
