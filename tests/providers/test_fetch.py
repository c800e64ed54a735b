"""Fetching pictures and large files: what is followed, refused, and retried."""

import hashlib
import io
import random
import re
import socket
import tracemalloc
from itertools import pairwise
from types import SimpleNamespace

import pytest
from replies import http

from jimeng.errors import StorageUnavailable
from jimeng.providers import download
from jimeng.providers.download import (
    FetchFailed,
    FileDownload,
    LinkGone,
    fetch_picture,
    is_public,
    public_addresses,
)
from tests.each import for_each

HERE = ("127.0.0.1",)


@pytest.fixture
def names(monkeypatch):
    """Let names have the addresses that a test gives them."""

    def resolve(**addresses):
        def getaddrinfo(host, port, *args, **kwargs):
            found = addresses.get(host.partition(".")[0], [host])
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


def test_picture_arrives_whole(names, answering):
    """From the second address of a name whose first does not answer."""
    server = answering(http(200, bytes(range(256)) * 1000))
    names(pictures=["127.0.0.2", "127.0.0.1"])
    url = f"http://pictures.example:{server.port}/a%20b?x=1&y"

    content = fetch_picture(url, allowed_private=["pictures.example"])

    assert content == bytes(range(256)) * 1000
    assert server.requests[0].startswith(b"GET /a%20b?x=1&y ")


@for_each("status", [403, 404, 410, 200, 206, 302, 400, 500, 503])
def test_ended_link_is_gone(answering, status):
    """
    The first three stay: new links are needed. After an empty picture, a redirect or a
    failing server the link is tried again.
    """
    is_gone = status in (403, 404, 410)
    body = b"" if status == 200 else b"x"
    server = answering(http(status, body, f"Location: http://{HERE[0]}:1/"))

    with pytest.raises(LinkGone if is_gone else FetchFailed) as caught:
        fetch_picture(server.url, allowed_private=HERE)

    expected = ("link_gone", False) if is_gone else ("fetch_failed", True)
    assert (caught.value.code, caught.value.transient) == expected
    assert len(server.requests) == 1


@for_each(
    "address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"]
)
def test_addresses_that_are_public(address):
    assert is_public(address)


@for_each(
    ("allowed", "is_allowed"),
    [
        (("inside.example",), True),
        (("inside.example:8080",), True),
        (("inside.example:9090",), False),
        (("example",), False),
        ((), False),
    ],
)
def test_permission_is_for_a_host_or_its_port(names, allowed, is_allowed):
    """A listed host may be private, on every port or on the listed one."""
    names(inside=["10.0.0.1"])

    if not is_allowed:
        with pytest.raises(FetchFailed):
            public_addresses("INSIDE.example", 8080, allowed)
        return
    assert public_addresses("INSIDE.example", 8080, allowed) == ["10.0.0.1"]


def test_unknown_host_may_be_known_later(monkeypatch):
    """A name without an address is no reason to give a picture up."""

    def nowhere(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    with pytest.raises(
        FetchFailed, match=r"no address for pictures\.example"
    ) as caught:
        fetch_picture("https://pictures.example/1", allowed_private=())
    assert caught.value.values["reason"] == "no_address"


FILE = random.Random(1).randbytes(600_000)
OTHER = random.Random(2).randbytes(500_000)
BREAK = 300_000


class Full(io.BytesIO):
    def write(self, data) -> int:
        raise OSError(28, "No space left on device")


class ClaimLost(Exception):
    pass


class Attempt:
    """
    Attributes:
        file: What was written.
        requests: How many were about to be sent.
        progress: What was told of it.
    """

    def __init__(self) -> None:
        self.file: io.BytesIO = io.BytesIO()
        self.requests = 0
        self.progress: list[tuple[int, int | None]] = []

    def run(self, url: str, **options) -> str:
        def on_request() -> None:
            self.requests += 1

        def on_progress(at: int, length: int | None) -> None:
            self.progress.append((at, length))

        given = {"on_request": on_request, "on_progress": on_progress, **options}
        download = FileDownload(self.file, allowed_private=HERE, **given)
        return download.fetch(url)


@pytest.fixture
def attempt() -> Attempt:
    return Attempt()


def head(status: int, length: int, etag: str = "", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {length}", *more]
    if etag:
        lines.append(f"ETag: {etag}")
    return "\r\n".join([*lines, "", ""]).encode()


def part(content: bytes, begin: int, etag: str, end: int | None = None) -> bytes:
    body = content[begin:end]
    where = f"Content-Range: bytes {begin}-{begin + len(body) - 1}/{len(content)}"
    return head(206, len(body), etag, where) + body


BEGUN = head(200, len(FILE), '"a"') + FILE[:BREAK]  # where the connection breaks


def began_at(request: bytes) -> int:
    found = re.search(rb"Range: bytes=(\d+)-", request)
    return int(found[1]) if found else 0


@for_each(
    ("parts", "content", "begins"),
    [
        ([head(200, len(FILE), '"a"') + FILE], FILE, [0]),
        (
            [BEGUN, part(FILE, BREAK, '"a"', 400_000), part(FILE, 400_000, '"a"')],
            *(FILE, [0, BREAK, 400_000]),
        ),
        ([BEGUN, head(200, len(OTHER), '"b"') + OTHER], OTHER, [0, BREAK]),
    ],
)
def test_file_arrives_in_pieces(answers, parts, content, begins):
    """
    Where it breaks it is continued, by Range, and only if the file is the same by then:
    one that changes begins again.
    """
    attempt, server = Attempt(), answers(*parts)

    digest = attempt.run(server.url)

    assert attempt.file.getvalue() == content
    assert digest == hashlib.sha256(content).hexdigest()
    assert attempt.progress[0] == (0, len(FILE))
    sizes = [after - at for (at, _), (after, _) in pairwise(attempt.progress)]
    assert 0 < max(sizes) <= download.PIECE_BYTES
    assert attempt.requests == len(begins)
    assert [began_at(each) for each in server.requests] == begins
    if_same = [b'If-Range: "a"' in each for each in server.requests]
    assert if_same == [begin > 0 for begin in begins]
    assert b"Accept-Encoding: identity" in server.requests[0]


def test_large_file_is_never_in_memory(serve, attempt, tmp_path):
    """A few pieces of it are."""
    length, block = 48 * 2**20, bytes(2**20)

    def behave(connection) -> None:
        server.read_request(connection)
        connection.sendall(head(200, length))
        for _ in range(length // len(block)):
            connection.sendall(block)

    server = serve(behave)
    with (tmp_path / "video").open("w+b") as attempt.file:
        tracemalloc.start()
        try:
            attempt.run(server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert attempt.progress[-1] == (length, length)
    assert peak < 16 * download.PIECE_BYTES


# Name -> what is answered, one by one, what is raised, and after how many requests.
ENDS = {
    # A part of another file is not added: the next attempt begins from zero.
    "changed": ([BEGUN, part(OTHER, BREAK, '"b"')], FetchFailed, 2),
    "another part": ([BEGUN, part(FILE, BREAK - 1, '"a"')], FetchFailed, 2),
    "no range": ([BEGUN, head(206, 5, '"a"') + FILE[:5]], FetchFailed, 2),
    "shorter": ([BEGUN, head(416, 0, '"b"')], FetchFailed, 2),
    # Without a name for its content nothing is continued.
    "no name": ([head(200, len(FILE)) + FILE[:BREAK]], FetchFailed, 1),
    "weak name": ([head(200, len(FILE), 'W/"a"') + FILE[:BREAK]], FetchFailed, 1),
    # New links are needed where one ends, also while it is continued.
    **{f"{n}": ([BEGUN, head(n, 0)], LinkGone, 2) for n in (403, 404, 410)},
    # Anything else may get better.
    "redirect": ([head(302, 0, "", "Location: http://127.0.0.1:1/")], FetchFailed, 1),
    "unasked part": ([part(FILE, 5, '"a"', 15)], FetchFailed, 1),
    "error": ([head(500, 1) + b"x"], FetchFailed, 1),
    "empty": ([head(200, 0)], FetchFailed, 1),
    "packed": ([head(200, 9, "", "Content-Encoding: gzip") + bytes(9)], FetchFailed, 1),
}


@for_each("name", ENDS)
def test_attempt_that_fails(answers, name):
    given, error, requests = ENDS[name]
    attempt, server = Attempt(), answers(*given)

    with pytest.raises(error) as caught:
        attempt.run(server.url)

    assert attempt.requests == requests
    assert caught.value.transient is (error is FetchFailed)


def test_attempt_continues_so_often_and_no_more(answers, attempt):
    """A server that breaks again and again is left alone for a while."""
    parts = [part(FILE, BREAK + n, '"a"', BREAK + n + 1) for n in range(20)]
    server = answers(BEGUN, *parts)

    with pytest.raises(FetchFailed):
        attempt.run(server.url)

    assert attempt.requests == len(server.requests) == 1 + download.MAX_CONTINUATIONS


def test_file_without_a_length_has_an_end_too(serve, attempt):
    """It is cut off where it is more than any video."""

    def behave(connection) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n" + FILE)

    server = serve(behave)

    with pytest.raises(FetchFailed) as caught:
        attempt.run(server.url, cap=100_000)
    attempt.run(server.url)

    assert caught.value.values["reason"] == "too_large"
    assert attempt.file.getvalue() == FILE


def test_server_that_drips_is_left(serve, attempt, monkeypatch):
    """It would never stall, and take days."""
    now = [0.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr(download, "time", clock)

    def behave(connection) -> None:
        server.read_request(connection)
        connection.sendall(head(200, len(FILE)))
        for at in range(1000):
            now[0] += 5.0
            connection.sendall(FILE[at * 100 : (at + 1) * 100])
            if server.over.wait(0.01):
                return

    server = serve(behave)

    with pytest.raises(FetchFailed, match="Timeout"):
        attempt.run(server.url)

    assert len(attempt.file.getvalue()) < len(FILE)


def test_full_disk_is_not_the_servers_fault(answers, attempt):
    """It is waited for with other words, and nothing is asked for again."""
    server = answers(head(200, len(FILE), '"a"') + FILE)
    attempt.file = Full()

    with pytest.raises(StorageUnavailable, match="No space left"):
        attempt.run(server.url)

    assert attempt.requests == 1


@for_each("which", ["on_request", "on_progress"])
def test_whoever_watches_may_end_it(answers, which):
    """As when the claim is lost: its error arrives as it is."""
    attempt, server = Attempt(), answers(head(200, len(FILE), '"a"') + FILE)

    def end(*args) -> None:
        raise ClaimLost

    with pytest.raises(ClaimLost):
        attempt.run(server.url, **{which: end})

    assert attempt.file.getvalue() == b""


def test_private_network_is_not_asked(answers, attempt):
    """By the same rules as for pictures."""
    server = answers(head(200, 1) + b"x")
    refused = FileDownload(
        attempt.file, allowed_private=(), on_request=int, on_progress=max
    )

    with pytest.raises(FetchFailed):
        refused.fetch(server.url)
    with pytest.raises(FetchFailed):
        refused.fetch("file:///etc/passwd")

    assert server.requests == []
