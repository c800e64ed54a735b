"""Requests wait while the indexes of a new database are built, and not otherwise."""

import threading
import time
from types import SimpleNamespace

import pytest
from pymongo.collection import Collection

from jimeng.documents import await_new, indexes
from jimeng.documents.indexes import Fault
from tests.databases import let_indexes_be
from tests.documents.index_tools import IDEM, drop
from tests.rest import CAT, CREATE, data_of

SHORT = 0.2  # seconds


@pytest.fixture
def newcomer(monkeypatch):
    """As in a process that has just started."""
    monkeypatch.setattr(indexes, "_whole", None)
    monkeypatch.setattr(indexes, "_last", None)
    monkeypatch.setattr(indexes, "_waited", None)
    monkeypatch.setattr(indexes, "_tried_at", float("-inf"))
    yield
    let_indexes_be()


def built_elsewhere(database, index, monkeypatch) -> threading.Timer:
    """Another process builds it in a moment, and this one does not."""
    monkeypatch.setattr(indexes, "build", indexes.compare_indexes)
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
    monkeypatch.setattr(indexes, "MAX_WAIT_S", SHORT)
    monkeypatch.setattr(indexes, "build", indexes.compare_indexes)
    drop(database, IDEM)
    await_new()

    with monkeypatch.context() as patch:
        patch.setattr(indexes, "time", SimpleNamespace(monotonic=time.monotonic))
        await_new()  # without `sleep` it cannot wait

    assert not indexes.were_whole()


def test_once_all_were_seen_nothing_is_asked(database, newcomer, monkeypatch):
    """Each request comes by here."""
    await_new()
    monkeypatch.setattr(indexes, "get_db", None)

    await_new()

    assert indexes.were_whole()


def test_one_that_stands_against_the_others_keeps_none_away(database):
    """Where the indexes of a collection cannot be built at once, each is by itself."""
    for label in (IDEM, "tasks.open", "tasks.trash"):
        drop(database, label)
    rows = [{"_id": each, "user_id": "a", "idem_key": "k"} for each in "ab"]
    database.tasks.insert_many(rows)

    assert indexes.build() == {IDEM: Fault.MISSING}


def test_new_database_is_made_in_one_command_a_collection(database, monkeypatch):
    """Dozens of them took seconds, which newcomers had to wait."""
    for label in indexes.declared():
        drop(database, label)
    commands = []
    create_indexes = Collection.create_indexes
    monkeypatch.setattr(
        Collection,
        "create_indexes",
        lambda rows, *args: commands.append(rows.name) or create_indexes(rows, *args),
    )

    assert indexes.build() == {}
    assert len(commands) == len(set(commands))
