"""Bodies in chunks are what Gunicorn's own parser makes of them, and cost little."""

import time

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser

from jimeng.serve.chunks import joined
from tests.serving import connect, front, read_all

APP = """
def app(environ, start_response):
    body = environ["wsgi.input"].read()
    names = ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING")
    said = repr([body, *map(environ.get, names)]).encode()
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]
"""
HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\n\r\n"


def request(body: bytes) -> tuple[Request, RequestParser]:
    parser = RequestParser(Config(), [HEAD + body], ("", 0))
    return next(parser), parser


def by_gunicorn(body: bytes) -> tuple:
    found, parser = request(body)
    try:
        return found.body.read(), parser.unreader.take_buffered(), found.trailers
    except ParseException:
        return ()


def by_us(body: bytes) -> tuple:
    found, parser = request(body)
    try:
        data = parser.unreader.take_buffered()
        read, rest = joined(data, found, is_cut=False)
    except ParseException:
        return ()
    return read.read(), rest, found.trailers


@pytest.mark.parametrize(
    ("body", "is_right"),
    [
        (b"0\r\n\r\n", True),
        (b"5\r\nhello\r\n0005\r\nthere\r\n0\r\n\r\n", True),
        (b'5;a="\\"";b\r\nhello\r\n0;c\r\n\r\n', True),
        (b"5 ; a = b\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", True),
        (b"A\r\nhellohello\r\n0\r\n\r\n", True),
        (b"5 \r\nhello\r\n0\r\n\r\n", False),
        (b"5;\x00\r\nhello\r\n0\r\n\r\n", False),
        (b"5;a\r\r\nhello\r\n0\r\n\r\n", False),
        (b"5\nhello\n0\n\n\r\n", False),
        (b"0x5\r\nhello\r\n0\r\n\r\n", False),
        (b"-5\r\nhello\r\n0\r\n\r\n", False),
        (b"\r\nhello\r\n0\r\n\r\n", False),
        (b"5\r\nhelloX\r\n0\r\n\r\n", False),
        (b"5\r\nhelloXX0\r\n\r\n", False),
        (b"0\r\nHost: b\r\n\r\n", False),
        (b"0\r\nA : b\r\n\r\n", False),
    ],
)
def test_body_is_read_by_the_same_rules(body, is_right):
    """And the next request begins at the same byte."""
    found = by_us(body + NEXT)

    assert found == by_gunicorn(body + NEXT)
    assert bool(found) is is_right
    assert not is_right or found[1] == NEXT


def test_tiny_chunks_cost_little():
    """A megabyte of them; it took minutes, and anybody may send one."""
    found, parser = request(b"1\r\na\r\n" * 170_000 + b"0\r\n\r\n")
    data = parser.unreader.take_buffered()

    began = time.process_time()
    body, _ = joined(data, found, is_cut=False)

    assert time.process_time() - began < 5
    assert len(body.read()) == 170_000


@pytest.mark.system
def test_application_is_told_the_length(tmp_path):
    """A small body needs no place for one that may be large."""
    with front(tmp_path, app=APP) as port, connect(port) as link:
        link.sendall(HEAD + b"5\r\nhello\r\n0\r\n\r\n" + LAST)
        answer = read_all(link)

    assert b"[b'hello', '5', None]" in answer
    assert b"[b'', '0', None]" in answer


@pytest.mark.parametrize(
    "body", [b"2\r\nhi\r\nffff\r\n", b"2\r\nhi\r\nfff", b"9\r\nhi"]
)
def test_beginning_of_a_body_is_not_taken_for_all_of_it(body):
    """What came can be read, and its end is no end."""
    found, parser = request(body)

    read, rest = joined(parser.unreader.take_buffered(), found, is_cut=True)

    assert (read.read(2), rest) == (b"hi", b"")
    with pytest.raises(ConnectionResetError):
        read.read(2)
