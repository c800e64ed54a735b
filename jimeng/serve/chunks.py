"""
A body that came in chunks, put together at once.

Gunicorn's own reader copies all that is left for each chunk: a megabyte of tiny ones
took it minutes. What it refuses is refused here, by its own rules.
"""

import re
from io import BytesIO

from gunicorn.http.body import CHUNK_EXT_RE
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
)
from gunicorn.http.message import Request

from jimeng.serve.outgoing import given_up

LINE_ENDS = b"\r\n"
SIZE = re.compile(rb"([0-9a-f]+)([ \t]*;.*)?", re.IGNORECASE | re.DOTALL)


class Unfinished(BytesIO):
    """The beginning of a body whose rest nobody waits for."""

    def read(self, size: int | None = -1) -> bytes:
        got = super().read(size)
        if not got:
            raise given_up()
        return got


def joined(data: bytes, req: Request, *, is_cut: bool) -> tuple[BytesIO, bytes]:
    """
    The body at the beginning of *data*, and what comes after it.

    Args:
        is_cut: There may be less of it than there should be.

    Raises:
        ParseException: that is no body in chunks, or not all of one.
    """
    pieces: list[bytes] = []
    at = 0
    while True:
        ends = data.find(LINE_ENDS, at)
        if ends < 0 and is_cut:
            return Unfinished(b"".join(pieces)), b""
        size = SIZE.fullmatch(data, at, ends) if ends > at else None
        if size is None:
            raise InvalidChunkSize(data[at : at + 20])
        if size[2] and not CHUNK_EXT_RE.fullmatch(size[2].lstrip(b" \t")):
            raise InvalidChunkExtension("invalid chunk extension")
        at, length = ends + 2, int(size[1], 16)
        if not length:
            return BytesIO(b"".join(pieces)), after_trailers(data, at, req)
        pieces.append(data[at : at + length])
        at += length
        if is_cut and at + 2 > len(data):
            return Unfinished(b"".join(pieces)), b""
        if data[at : at + 2] != LINE_ENDS:
            raise ChunkMissingTerminator(data[at : at + 2])
        at += 2


def after_trailers(data: bytes, at: int, req: Request) -> bytes:
    """What follows on the trailers that begin there, which *req* is given."""
    if data[at : at + 2] == LINE_ENDS:
        return data[at + 2 :]
    ends = data.find(LINE_ENDS * 2, at)
    if ends < 0:
        raise ChunkMissingTerminator(b"")
    req.trailers = req.parse_headers(data[at:ends], from_trailer=True)
    return data[ends + 4 :]
