"""Indexes that are missing, being built, or others than they seem."""

import threading
import time
from types import SimpleNamespace

import pytest
from mongoengine import get_db
from pymongo.collection import Collection
from pymongo.database import Database

from jimeng import documents, jobs
from jimeng.documents import await_new, ensure_indexes, indexes
from jimeng.documents.duplicates import duplicates
from jimeng.documents.indexes import Fault
from jimeng.jobs import periodic_tasks
from tests.databases import let_indexes_be
from tests.rest import CAT, CREATE, data_of, refused
from tests.waiting import PATIENCE_S, wait_for

KEY = {"Idempotency-Key": "one"}
IDEM = indexes.IDEMPOTENCY
UNIQUE = [label for label, index in indexes.declared().items() if index.is_unique]


def drop(database, label: str) -> indexes.Index:
    index = indexes.declared()[label]
    database[index.collection].drop_index(index.name)
    return index


def replace(database, label: str, keys: dict | None = None, **options) -> None:
    """Put another index under the name of one of ours."""
    index = drop(database, label)
    made = list((keys or dict(index.keys)).items())
    database[index.collection].create_index(made, name=index.name, **options)


def test_all_that_is_declared_is_there(database):
    assert indexes.compare_indexes() == {}
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
        indexes.FLIGHTS,
        indexes.PRICES,
        *(each.label for each in indexes.CHUNKS),
    }


def test_indexes_that_are_dropped_are_missed_and_built(database):
    labels = list(indexes.declared())
    for label in labels:
        drop(database, label)

    assert indexes.compare_indexes() == dict.fromkeys(labels, Fault.MISSING)
    assert not any(map(indexes.is_there, labels))
    assert indexes.build() == {}
    assert all(map(indexes.is_there, labels))


def test_index_that_disappears_later_is_reported_and_not_rebuilt(database, monkeypatch):
    """Building it is the operator's decision: it may take hours, or meet duplicates."""
    indexes.build()
    drop(database, IDEM)

    def is_reported() -> bool:
        ensure_indexes(check_every_s=0)
        last = indexes.last_check()
        return last is not None and last.faults == {IDEM: Fault.MISSING}

    wait_for(is_reported)
    assert not indexes.is_there(IDEM, fresh=True)


def test_connection_is_taken_once_for_a_look(database, monkeypatch):
    """If it is replaced meanwhile, another would be opened, which nobody closes."""
    taken = []

    def get_db() -> Database:
        taken.append(threading.current_thread())
        return database

    monkeypatch.setattr(indexes, "get_db", get_db)

    indexes.compare_indexes()

    assert taken == [threading.current_thread()]


def test_seeing_to_the_indexes_costs_nothing_most_of_the_time(database, monkeypatch):
    """One look in some seconds, however often it is asked for."""
    looks = []
    monkeypatch.setattr(indexes, "get_db", lambda: looks.append(1) or database)
    indexes.compare_indexes()
    once, now = len(looks), time.monotonic()
    monkeypatch.setattr(indexes, "time", SimpleNamespace(monotonic=lambda: now))

    for _ in range(100):
        ensure_indexes()
        indexes.is_there(IDEM)

    assert len(looks) == once


def test_old_answer_about_an_index_is_not_relied_on(database, monkeypatch):
    """A worker checks all of them rarely; one that an operation relies on, in time."""
    indexes.compare_indexes()
    drop(database, indexes.SLOTS)
    assert indexes.is_there(indexes.SLOTS)
    later = time.monotonic() + indexes.MAX_AGE_S
    monkeypatch.setattr(indexes, "time", SimpleNamespace(monotonic=lambda: later))

    assert not indexes.is_there(indexes.SLOTS)

    assert indexes.last_check() is None  # the next one is made at once
    monkeypatch.setattr(indexes, "get_db", None)
    assert not indexes.is_there(indexes.SLOTS)  # without another look


@pytest.mark.parametrize("ask", [await_new, periodic_tasks.check_indexes])
def test_whole_indexes_are_looked_at_rarely(database, monkeypatch, ask):
    """By requests and by consumers: each look is a command for each collection."""
    looks: list[int] = []

    def look() -> None:
        looks.append(1)
        indexes._running.release()

    monkeypatch.setattr(indexes, "_tend", look)
    indexes.compare_indexes()
    now = time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: now)
    monkeypatch.setattr(indexes, "time", clock)

    def looked_after(seconds: float) -> int:
        looks.clear()
        clock.monotonic = lambda: now + seconds
        ask()
        with indexes._running:  # the thread that looks has ended
            return len(looks)

    assert looked_after(indexes.WHOLE_CHECK_EVERY_S - 5) == 0
    assert looked_after(indexes.WHOLE_CHECK_EVERY_S + 5) == 1
    drop(database, IDEM)
    indexes.compare_indexes()  # finds one missing
    assert looked_after(indexes.WHOLE_CHECK_EVERY_S + 11) == 1


def test_consumer_looks_again_soon_while_an_index_is_missing(database, monkeypatch):
    """It sends nothing without; whoever builds it may be another process."""
    monkeypatch.setattr(indexes, "ensure_indexes", lambda: ensure_indexes(0))
    monkeypatch.setattr(periodic_tasks.INDEXES, "runs", 0)
    label = indexes.SLOTS
    index = drop(database, label)
    assert indexes.compare_indexes() == {label: Fault.MISSING}
    assert periodic_tasks.INDEXES.run_once()
    keys, options = list(index.keys), dict(index.options)
    database[index.collection].create_index(keys, name=index.name, **options)

    wait_for(lambda: not periodic_tasks.INDEXES.run_once())
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
    """A unique one on request only: while it is built nothing keeps duplicates out."""
    before = {name: [*rows] for name, rows in names(database).items()}
    replace(database, label, keys, **options)

    assert indexes.compare_indexes() == {label: Fault.DIFFERENT}
    if indexes.declared()[label].is_unique:
        assert indexes.build() == {label: Fault.DIFFERENT}
        there = database[label.partition(".")[0]].index_information()
        assert indexes.declared()[label].name in there
        assert indexes.build(replace_unique=True) == {}
    assert indexes.build() == {}

    assert names(database) == before


def names(database) -> dict[str, list[str]]:
    found = {index.collection for index in indexes.declared().values()}
    return {name: sorted(database[name].index_information()) for name in sorted(found)}


def test_index_under_another_name_is_in_the_way(database, caplog):
    """MongoDB has no two of the same; the log says which to drop."""
    index = drop(database, IDEM)
    database.tasks.create_index([*index.keys], name="by_hand", **index.options)

    assert indexes.build() == {IDEM: Fault.MISSING}

    assert "by_hand" in caplog.text
    database.tasks.drop_index("by_hand")


@pytest.fixture
def run(app, config, registry):
    """Runs ``flask indexes``, and puts this process's connection back."""

    def command() -> str:
        try:
            return app.test_cli_runner().invoke(args=["indexes"]).output
        finally:
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
            jobs.configure(config, registry)

    return command


def test_duplicates_keep_an_index_away_and_are_named(client, database, run, caplog):
    """By their documents, and not by a value that may be an address or a link."""
    drop(database, IDEM)
    one = {"user_id": "a", "idem_key": "secret"}
    database.tasks.insert_many([{"_id": "t1", **one}, {"_id": "t2", **one}])

    assert run() == "tasks.idem: missing\n  duplicates: t1, t2\n"

    assert "secret" not in caplog.text
    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")
    get_db().tasks.delete_one({"_id": "t2"})
    assert run() == "indexes: ok\n"


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
    there = indexes._read(database, "tasks")
    assert index.fault(there) is None

    there["idem"] = {"spec": there["idem"], "buildUUID": "some"}

    assert index.fault(there) is Fault.BUILDING


@pytest.fixture
def newcomer(monkeypatch):
    monkeypatch.setattr(indexes, "_state", indexes._State())
    monkeypatch.setattr(indexes, "MAX_WAIT_S", PATIENCE_S)
    yield
    let_indexes_be()


def test_first_request_waits_for_what_another_process_builds(
    client, database, newcomer, monkeypatch
):
    """It is refused for nothing; once all are there, those that follow ask nothing."""
    index = drop(database, IDEM)

    def meanwhile(seconds: float) -> None:
        keys, options = list(index.keys), {"name": index.name, **index.options}
        database[index.collection].create_index(keys, **options)
        time.sleep(seconds)

    monkeypatch.setattr(indexes, "build", indexes.compare_indexes)
    waiting = SimpleNamespace(monotonic=time.monotonic, sleep=meanwhile)
    monkeypatch.setattr(indexes, "time", waiting)
    answer = client.post(CREATE, json=CAT, headers=KEY)

    data_of(answer, 202)
    monkeypatch.setattr(indexes, "get_db", None)
    await_new()
    assert indexes.were_whole()


def test_what_cannot_be_built_is_not_waited_for_again(database, newcomer, monkeypatch):
    """The first requests have waited together; those that come later do not."""
    monkeypatch.setattr(indexes, "MAX_WAIT_S", 0.2)
    monkeypatch.setattr(indexes, "build", indexes.compare_indexes)
    drop(database, IDEM)
    await_new()

    with monkeypatch.context() as patch:
        patch.setattr(indexes, "time", SimpleNamespace(monotonic=time.monotonic))
        await_new()  # without `sleep` it cannot wait

    assert not indexes.were_whole()


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
