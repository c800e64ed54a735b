"""Large bodies: the application reads them, once it knows whose they are."""

import pytest

from tests.serving import answer_of, connect, front

UPLOAD = b"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
SIZE = 12_000_000
HEAD = UPLOAD + b"Content-Length: %d\r\n\r\n" % SIZE
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

pytestmark = pytest.mark.system


@pytest.fixture
def port(tmp_path):
    with front(tmp_path, "--workers", "1") as found:
        yield found


def test_large_body_arrives_whole(port):
    """By its length or in chunks."""
    for said in (
        HEAD + b"x" * SIZE,
        CHUNKED + PIECE * 50 + b"0\r\n\r\n",
    ):
        with connect(port) as link:
            link.sendall(said)
            answer = answer_of(link)
    assert answer.endswith(b"%d bytes" % (50 * 0x10000))
