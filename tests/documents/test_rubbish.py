"""A MongoDB that answers rubbish is away; a request of ours that is wrong is a bug."""

import pytest

from jimeng.documents import Task, indexes, is_away
from tests.documents.rubbish import RUBBISH, speaking
from tests.each import for_each
from tests.rest import API, CAT, CREATE, USERS, client_with, refused

KEY_INTERFACES = {
    "read": ("GET", f"{API}/tasks/x", None),
    "submit": ("POST", CREATE, CAT),
    "write": ("POST", USERS, {"email": "a@example.com", "name": "a"}),
}


# To a write this says that it went well.
AS_WELL = {("no result", "write"), ("another shape", "write")}


@pytest.fixture(autouse=True)
def without_indexes(monkeypatch) -> None:
    """Nobody waits for those of a database that will never have any."""
    monkeypatch.setattr(indexes, "MAX_WAIT_S", 0.0)


@for_each("kind", RUBBISH)
def test_rubbish_is_answered_as_an_absence(
    database, config, registry, monkeypatch, kind
):
    """503, with when to come again, whatever it was that came."""
    monkeypatch.setattr("jimeng.documents.base.WEB_TIMEOUT", 0.3)
    with (
        speaking(RUBBISH[kind], config.MONGODB_URI) as uri,
        client_with(config, registry, MONGODB_URI=uri) as client,
    ):
        for door, (method, path, body) in KEY_INTERFACES.items():
            if (kind, door) in AS_WELL:
                continue
            answer = client.open(path, method=method, json=body)
            refused(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0, door


def test_another_server_on_the_port_is_no_mongodb(database, config, registry):
    """One that does not even greet as MongoDB does."""
    other = RUBBISH["another protocol"]
    with (
        speaking(other, config.MONGODB_URI, rude=True) as uri,
        client_with(config, registry, MONGODB_URI=uri) as client,
    ):
        answer = client.post(CREATE, json=CAT)

    refused(answer, 503, "database_unavailable")


def insert(*rows: dict) -> None:
    for row in rows:
        Task.collection().insert_one(row)


WRONG = {
    "no query at all": lambda: {}["x"],
    "filter": lambda: Task.collection().find_one({"x": {"$nonsense": 1}}),
    "type": lambda: Task.collection().find_one({}, sort="upwards"),
    "update": lambda: Task.collection().update_one({}, {"$nonsense": {"x": 1}}),
    "changes": lambda: Task.collection().update_one({}, [{"$set": {"x": {"$no": 1}}}]),
    "stage": lambda: list(Task.collection().aggregate([{"$nonsense": 1}])),
    "expression": lambda: Task.collection().aggregate([{"$set": {"x": {"$no": 1}}}]),
    "value": lambda: insert({"x": object()}),
    "size": lambda: insert({"x": "y" * 17_000_000}),
    "key": lambda: insert({"_id": 1}, {"_id": 1}),
    "keys": lambda: Task.collection().insert_many([{"_id": 1}, {"_id": 1}]),
}


@for_each("wrong", WRONG)
def test_request_that_is_wrong_is_a_bug(client, monkeypatch, wrong):
    """Coming again would not help, and nobody would look for it."""
    monkeypatch.setattr("jimeng.tasks.find", lambda *_: WRONG[wrong]())

    answer = client.get(f"{API}/tasks/x")

    refused(answer, 500, "internal")


def test_error_that_was_never_raised_is_none_of_the_drivers():
    """Nothing is known of where it comes from."""
    assert not is_away(KeyError("x"))
