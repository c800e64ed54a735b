"""Large bodies: the application reads them, once it knows whose they are."""

import pytest

from jimeng.http.requests import MAX_BODY_BYTES, PERMIT_TIMEOUT_S
from jimeng.serve.bodies import MAX_CHUNKS, MAX_READ_FIRST
from jimeng.serve.sockets import HEAD_TIMEOUT_S
from tests.serving import APP, answer_of, connect, front, read_all

UPLOAD = b"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
SIZE = 12_000_000
HEAD = UPLOAD + b"Content-Length: %d\r\n\r\n" % SIZE
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
LAST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
SAYS_LENGTH = """
def app(environ, start_response):
    body = environ["wsgi.input"].read()
    names = ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")
    said = repr([body, *map(environ.get, names)]).encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]
"""
# Half a second for what has ten, and the same for packets.
HURRIED = """
from jimeng.serve import sockets
from werkzeug.exceptions import HTTPException

sockets.HEAD_TIMEOUT_S = sockets.PACKET_TIMEOUT_S = 0.5
plain = app

def app(environ, start_response):
    try:
        return plain(environ, start_response)
    except HTTPException as error:
        return error(environ, start_response)
"""

pytestmark = pytest.mark.system


def test_server_reads_first_what_any_view_may_take():
    """Who waits for a place outlasts who is too slow: else some keep all others out."""
    assert MAX_READ_FIRST == MAX_BODY_BYTES
    assert PERMIT_TIMEOUT_S > HEAD_TIMEOUT_S


@pytest.fixture
def port(tmp_path):
    with front(tmp_path, "--workers", "1") as found:
        yield found


def test_large_body_arrives_whole(port):
    """By its length or in chunks, and the connection ends with it."""
    for said in (
        HEAD + b"x" * SIZE,
        CHUNKED + PIECE * 50 + b"0\r\n\r\n",
    ):
        with connect(port) as link:
            link.sendall(said)
            answer = read_all(link)
        assert b"Connection: close" in answer
        assert answer.endswith(b" bytes")
    assert answer.endswith(b"%d bytes" % (50 * 0x10000))


@pytest.mark.parametrize("sent", [0, SIZE // 200], ids=["nothing", "too little"])
def test_large_body_that_cannot_be_in_time_is_told(tmp_path, sent):
    """It holds a place that another could have; a minute is for what comes steadily."""
    with (
        front(tmp_path, "--workers", "1", app=APP + HURRIED) as port,
        connect(port) as link,
    ):
        link.sendall(HEAD + b"x" * sent)
        assert read_all(link).startswith(b"HTTP/1.1 408 ")


def test_large_body_has_a_minute_where_it_comes_steadily(tmp_path):
    """A half of it is worth half a minute, whatever the beginning is given."""
    steady = APP + HURRIED.replace("sockets.PACKET_TIMEOUT_S = 0.5", "0.1")
    with (
        front(tmp_path, "--workers", "1", app=steady) as port,
        connect(port) as link,
    ):
        link.sendall(HEAD + b"x" * (SIZE // 2))
        link.settimeout(1.5)
        with pytest.raises(TimeoutError):
            link.recv(4096)
        link.settimeout(30)
        link.sendall(b"x" * (SIZE // 2))
        assert b"%d bytes" % SIZE in answer_of(link)


@pytest.mark.parametrize(
    ("count", "status"), [(MAX_CHUNKS - 1, b" 200 "), (MAX_CHUNKS + 1, b" 400 ")]
)
def test_chunks_are_counted(port, count, status):
    """Each costs as much as some kilobytes; no real client sends so many."""
    with connect(port) as link:
        link.sendall(CHUNKED + b"1\r\nx\r\n" * count + b"0\r\n\r\n")
        assert status in link.recv(4096)


def test_application_is_told_the_length(tmp_path):
    """A small body needs no place for one that may be large."""
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with front(tmp_path, app=SAYS_LENGTH) as port, connect(port) as link:
        link.sendall(chunked + b"5\r\nhello\r\n0\r\n\r\n" + LAST)
        answer = read_all(link)

    assert b"[b'hello', '5', None]" in answer
    assert b"[b'', '0', None]" in answer
