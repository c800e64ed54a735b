"""A server on MongoDB's port that says hello as it should and then talks rubbish."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import bson

from tests.databases import at_port

HEADER = struct.Struct("<iiii")  # length, id, id of what is answered, kind
OP_MSG = 2013
GREETINGS = (b"hello", b"ismaster", b"isMaster", b"endSessions", b"saslContinue")

Answer = Callable[[int], bytes]  # to the request of that id


def message(request: int, body: bytes, *, kind: int = OP_MSG, length: int = 0) -> bytes:
    """A message in the protocol's frame; *length* makes it a liar."""
    return HEADER.pack(length or 16 + len(body), 1, request, kind) + body


def reply(document: dict) -> Answer:
    """Answer with *document*, properly packed."""
    body = b"\0\0\0\0" + b"\0" + bson.encode(document)
    return lambda request: message(request, body)


def failing(code: int, name: str = "") -> Answer:
    """Answer that the command failed with *code*."""
    found = {"ok": 0.0, "errmsg": "rubbish", "code": code}
    return reply(found | ({"codeName": name} if name else {}))


def write_failing(code: int) -> Answer:
    """Answer that the command went well and its write did not."""
    wrong = {"index": 0, "code": code, "errmsg": "rubbish"}
    return reply({"ok": 1.0, "n": 0, "writeErrors": [wrong]})


RUBBISH: dict[str, Answer] = {
    "another protocol": lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"x" * 64,
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


@contextmanager
def speaking(answer: Answer, mongodb_uri: str, *, rude: bool = False) -> Iterator[str]:
    """
    A URI at which everything but greetings is answered by *answer*.

    Args:
        mongodb_uri: Of a server that greetings are passed on to.
        rude: Greetings are answered like everything else.
    """
    found = urlsplit(mongodb_uri)
    behind = (found.hostname, found.port)

    def talk(client: socket.socket) -> None:
        with closing(client), socket.create_connection(behind) as server:
            while True:
                asked = read(client)
                if not asked:
                    return
                polite = not rude and any(each in asked[:120] for each in GREETINGS)
                if polite:
                    server.sendall(asked)
                    client.sendall(read(server))
                    continue
                said = answer(HEADER.unpack(asked[:16])[1])
                client.sendall(said)
                if len(said) < 16 or HEADER.unpack(said[:16])[0] > len(said):
                    return

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=guarded, args=(talk, client), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        yield at_port(mongodb_uri, port)
        listener.shutdown(socket.SHUT_RDWR)


def guarded(talk: Callable[[socket.socket], None], client: socket.socket) -> None:
    try:
        talk(client)
    except OSError:
        return  # the client has had enough


def read(link: socket.socket) -> bytes:
    """One message, or nothing at the end of the stream."""
    head = link.recv(16, socket.MSG_WAITALL)
    if len(head) < 16:
        return b""
    return head + link.recv(HEADER.unpack(head)[0] - 16, socket.MSG_WAITALL)
