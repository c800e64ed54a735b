"""Indexes that are missing, or are others than they seem."""

import logging

import pytest

from jimeng import accounts, bulk
from jimeng.documents import Task, ensure_indexes, index_builder, indexes
from jimeng.documents.duplicates import duplicates
from jimeng.documents.indexes import Fault
from jimeng.errors import IndexMissing
from jimeng.jobs import chores, pump
from jimeng.viewers import Viewer
from tests.conftest import run_queue
from tests.hung import hang
from tests.page import send
from tests.rest import CAT, CREATE, USERS, create, data_of, new_user, refused, result
from tests.waiting import wait_for

KEY = {"Idempotency-Key": "one"}
IDEM = indexes.IDEMPOTENCY
UNIQUE = [label for label, index in indexes.declared().items() if index.is_unique]


@pytest.fixture(autouse=True)
def whole(database):
    """A database with all its indexes, before and after."""
    index_builder.forget()
    yield
    for name in database.list_collection_names():
        database[name].delete_many({})
    index_builder.forget()
    assert index_builder.mend(at_once=True) == {}


def drop(database, label: str) -> indexes.Index:
    index = indexes.declared()[label]
    database[index.collection].drop_index(index.name)
    return index


def replace(database, label: str, keys: dict | None = None, **options) -> None:
    """Put another index under the name of one of ours."""
    index = drop(database, label)
    made = list((keys or dict(index.keys)).items())
    database[index.collection].create_index(made, name=index.name, **options)


def ask_twice(client) -> list[int]:
    """The same request twice under one key: statuses."""
    return [client.post(CREATE, json=CAT, headers=KEY).status_code for _ in range(2)]


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


@pytest.mark.parametrize("is_noticed", [True, False])
def test_without_its_index_no_key_makes_a_task(client, database, is_noticed):
    """Whether or not this process has seen that it is gone; others go on."""
    indexes.look()
    drop(database, IDEM)
    if is_noticed:
        indexes.look()

    answer = client.post(CREATE, json=CAT, headers=KEY)

    refused(answer, 503, "index_missing")
    assert int(answer.headers["Retry-After"]) > 0
    assert Task.collection().count_documents({}) == 0
    create(client)
    assert index_builder.mend() == {}
    assert ask_twice(client) == [202, 202]
    assert Task.collection().count_documents({"idem_key": "one"}) == 1


def test_refused_key_takes_nothing_of_the_limits(client, database):
    """What was taken before the index proved missing is given back."""
    indexes.look()
    drop(database, IDEM)

    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")

    (line,) = database.places.find()
    assert line["asked"] == 0
    assert [place["pending"] for place in line["lanes"].values()] == [0]


def test_index_that_only_has_the_name_is_not_believed(client, database):
    """Of the same name and fields, but not unique."""
    replace(database, IDEM, partialFilterExpression={"idem_key": {"$exists": True}})
    indexes.look()

    refused(client.post(CREATE, json=CAT, headers=KEY), 503, "index_missing")

    assert index_builder.mend() == {}
    assert ask_twice(client) == [202, 202]
    assert Task.collection().count_documents({}) == 1


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


@pytest.mark.parametrize("is_noticed", [True, False])
def test_without_the_index_of_slots_nothing_is_sent(
    client, database, provider, work_off, is_noticed
):
    """The lane waits; what is under way goes on; then all is sent."""
    under_way = create(client)
    run_queue()
    assert len(provider.requests) == 1
    indexes.look()
    drop(database, indexes.SLOTS)
    if is_noticed:
        indexes.look()
    waiting = create(client)

    for _ in range(3):
        pump.tick()
        run_queue()

    assert len(provider.requests) == 1
    assert index_builder.mend() == {}
    work_off()
    assert len(provider.requests) == 2
    assert {result(client, each)["status"] for each in (under_way, waiting)} == {
        "completed"
    }


def test_slots_that_are_not_unique_are_not_believed(client, database, provider):
    """Two consumers could take the same one."""
    only = {"slot": {"$exists": True}}
    replace(database, indexes.SLOTS, partialFilterExpression=only)
    indexes.look()
    create(client)

    for _ in range(3):
        pump.tick()
        run_queue()

    assert provider.requests == []


def test_without_the_index_of_emails_no_user_is_made_or_moved(client, database):
    """Nobody could tell whether the address is taken."""
    user = new_user(client)
    drop(database, indexes.EMAILS)

    body = {"email": "b@example.com", "name": "b"}
    refused(client.post(USERS, json=body), 503, "index_missing")
    address = f"{USERS}/{user['id']}"
    refused(client.put(address, json=body), 503, "index_missing")
    data_of(client.put(address, json={"name": "c"}))
    assert database.users.count_documents({}) == 1


def test_without_the_index_of_keys_none_is_made(client, database):
    """What comes with a request would not tell whose it is."""
    user = new_user(client)
    me = Viewer("admin", sees_all=True)
    drop(database, indexes.API_KEYS)

    with pytest.raises(IndexMissing):
        accounts.create_key(me, user["id"], name="k")

    assert database.api_keys.count_documents({}) == 0


def test_without_the_index_of_bulk_actions_none_is_begun(client, database):
    """Two could work on the same tasks."""
    drop(database, indexes.BULK)

    with pytest.raises(IndexMissing):
        bulk.start(Viewer("admin", sees_all=True), "some", total=1)

    assert database.bulk_actions.count_documents({}) == 0


def test_without_the_index_of_links_none_is_replaced(client, database):
    """The picture keeps the link that it has."""
    (picture,) = hang("a cat")
    before = database.images.find_one({})["key"]
    drop(database, indexes.LINKS)

    answer = send(client, f"/pictures/{picture}/link")

    assert answer.status_code == 503
    assert database.images.find_one({})["key"] == before
