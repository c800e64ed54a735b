"""A file with pieces put in between, which is nowhere in memory as a whole."""

from collections.abc import Sequence
from typing import BinaryIO

from jimeng.pictures.stores.store import SeekableFile

HEAD = 256 * 1024  # bytes in which all that stands in front of the pixels has to be
# Bytes of its own, or a range of those of the file.
Part = bytes | range


class Spliced(SeekableFile):
    """
    A file that can be read and sought in.

    Args:
        source: Closed with it.
        parts: In order.
    """

    def __init__(self, source: BinaryIO, parts: Sequence[Part]) -> None:
        self._source = source
        self._parts = [part for part in parts if len(part)]
        self.length = sum(map(len, self._parts))

    def _piece(self, most: int) -> bytes:
        begin = 0
        for part in self._parts:
            inside = self._at - begin
            if inside < len(part):
                break
            begin += len(part)
        else:
            return b""
        if isinstance(part, bytes):
            return part[inside : inside + most]
        place = part.start + inside
        # Where it is a request of its own nobody wants to look for where one is.
        if self._source.tell() != place:
            self._source.seek(place)
        return self._source.read(min(most, len(part) - inside))

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
