"""Contents of files: bytes that are read by ranges, and never need to be in memory."""

import hashlib
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

PIECE_BYTES = 256 * 1024  # what a slow reader costs
PART_BYTES = 8 * 2**20  # a longer file is written in several requests


class Pieces(Iterator[bytes], Protocol):
    """
    Pieces of a file, in order. The caller closes it: it may have an open connection.
    """

    def close(self) -> None: ...


class Content(ABC):
    """
    Bytes that can be read by ranges, any number of times.

    Attributes:
        length: In bytes.
    """

    length: int

    @abstractmethod
    def pieces(self, start: int = 0, end: int | None = None) -> Pieces:
        """
        Read from byte *start* up to *end*, by default to the end.

        The pieces are of `PIECE_BYTES` or less; only one is in memory.
        """

    def read(self, start: int = 0, end: int | None = None) -> bytes:
        """As `pieces`, at once."""
        with closing(self.pieces(start, end)) as pieces:
            return b"".join(pieces)

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal; unless it is known, all pieces are read."""
        digest = hashlib.sha256()
        with closing(self.pieces()) as pieces:
            for piece in pieces:
                digest.update(piece)
        return digest.hexdigest()


class InMemory(Content):
    """A content in memory."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def pieces(self, start: int = 0, end: int | None = None) -> Pieces:
        end = self.length if end is None else min(end, self.length)
        return (
            self._content[at : min(at + PIECE_BYTES, end)]
            for at in range(start, end, PIECE_BYTES)
        )


class LocalFile(Content):
    """
    A complete file outside the stores. Storing it may move it; the caller deletes
    it, if it still exists.

    Args:
        sha256: If it is known.
    """

    def __init__(self, path: Path, *, sha256: str | None = None) -> None:
        self.path, self.length = path, path.stat().st_size
        if sha256 is not None:
            self.sha256 = sha256

    def pieces(self, start: int = 0, end: int | None = None) -> Pieces:
        file = self.path.open("rb", buffering=0)
        return FilePieces(file, start, self.length if end is None else end)


class FilePieces:
    """Pieces of an open file, which is closed with them."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        self._file, self._remaining_bytes = file, end - start

    def __iter__(self) -> "FilePieces":
        return self

    def __next__(self) -> bytes:
        piece = self._file.read(min(PIECE_BYTES, self._remaining_bytes))
        if not piece:
            self.close()
            raise StopIteration
        self._remaining_bytes -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()
        self._remaining_bytes = 0


def regroup(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of exactly *size*, but for the last."""
    found = bytearray()
    for piece in pieces:
        found += piece
        while len(found) >= size:
            yield bytes(memoryview(found)[:size])
            del found[:size]
    if found:
        yield bytes(found)


class SeekableContent(io.RawIOBase):
    """A content as a seekable file, for parsers."""

    def __init__(self, content: Content) -> None:
        self._content, self._at = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}
        self._at = max(begin[whence] + offset, 0)
        return self._at

    def readinto(self, buffer) -> int:
        end = min(self._at + len(buffer), self._length)
        piece = self._content.read(self._at, end) if self._at < end else b""
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    @property
    def _length(self) -> int:
        return self._content.length
