"""A MongoDB that answers rubbish is away; a request of ours that is wrong is a bug."""

import socket
import struct
from collections.abc import Callable
from contextlib import closing, suppress

import bson
import pytest

from jimeng.documents import Task, indexes, is_away
from tests.documents.slow import Way
from tests.each import for_each
from tests.rest import API, CAT, CREATE, USERS, client_with, refused

HEADER = struct.Struct("<iiii")  # length, id, id of what is answered, kind
OP_MSG = 2013
GREETINGS = (b"hello", b"ismaster", b"isMaster", b"endSessions", b"saslContinue")

Answer = Callable[[int], bytes]  # to the request of that id


def message(request: int, body: bytes, *, kind: int = OP_MSG, length: int = 0) -> bytes:
    """A message in the protocol's frame; *length* makes it a liar."""
    return HEADER.pack(length or 16 + len(body), 1, request, kind) + body


def reply(document: dict) -> Answer:
    body = b"\0\0\0\0" + b"\0" + bson.encode(document)
    return lambda request: message(request, body)


def failing(code: int, name: str = "") -> Answer:
    found = {"ok": 0.0, "errmsg": "rubbish", "code": code}
    return reply(found | ({"codeName": name} if name else {}))


def write_failing(code: int) -> Answer:
    wrong = {"index": 0, "code": code, "errmsg": "rubbish"}
    return reply({"ok": 1.0, "n": 0, "writeErrors": [wrong]})


HTTP = b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 64
RUBBISH: dict[str, Answer] = {
    "another server": lambda _: HTTP,
    "another protocol": lambda _: HTTP,
    "cut off in the head": lambda request: message(request, b"")[:7],
    "cut off in the body": lambda request: message(request, b"\0" * 9, length=400),
    "no length": lambda request: message(request, b"", length=3),
    "an endless length": lambda request: message(request, b"x", length=2**31 - 1),
    "another kind": lambda request: message(request, b"\0" * 64, kind=77),
    "answer to another request": lambda request: reply({"ok": 1.0})(request + 1),
    "noise for a document": lambda request: message(request, b"\0" * 5 + b"\xff" * 40),
    "a document too short": lambda request: message(request, b"\0" * 5 + b"\x05\0"),
    "nothing": lambda request: message(request, b""),
    "an empty document": reply({}),
    "no result": reply({"ok": 1.0}),
    "another shape": reply({"ok": 1.0, "cursor": {}}),
    "an unknown code": failing(99_999),
    "no primary": failing(10_107, "NotWritablePrimary"),
    "no time": failing(262, "ExceededTimeLimit"),
    "no room": failing(14_031, "OutOfDiskSpace"),
    "no rights": failing(13, "Unauthorized"),
    "no room for a write": write_failing(14_031),
}


class Rubbish(Way):
    """
    Everything but greetings is answered by *answer*.

    Args:
        rude: Greetings are answered like everything else.
    """

    def __init__(self, uri: str, answer: Answer, rude: bool) -> None:
        self._answer, self._is_rude = answer, rude
        super().__init__(uri)

    def _talk(self, client: socket.socket, server: socket.socket) -> None:
        with closing(client), closing(server), suppress(OSError):
            while asked := read(client):
                greets = any(each in asked[:120] for each in GREETINGS)
                if greets and not self._is_rude:
                    server.sendall(asked)
                    client.sendall(read(server))
                    continue
                said = self._answer(HEADER.unpack(asked[:16])[1])
                client.sendall(said)
                if len(said) < 16 or HEADER.unpack(said[:16])[0] > len(said):
                    return


def read(link: socket.socket) -> bytes:
    """One message, or nothing at the end of the stream."""
    head = link.recv(16, socket.MSG_WAITALL)
    if len(head) < 16:
        return b""
    return head + link.recv(HEADER.unpack(head)[0] - 16, socket.MSG_WAITALL)


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
    monkeypatch.setattr("jimeng.documents.connection.WEB_TIMEOUT", 0.3)
    is_rude = kind == "another server"
    with (
        closing(Rubbish(config.MONGODB_URI, RUBBISH[kind], is_rude)) as way,
        client_with(config, registry, MONGODB_URI=way.uri) as client,
    ):
        for door, (method, path, body) in KEY_INTERFACES.items():
            if (kind, door) in AS_WELL:
                continue
            answer = client.open(path, method=method, json=body)
            refused(answer, 503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0, door


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
