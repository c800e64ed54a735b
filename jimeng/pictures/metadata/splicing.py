"""A file with inserted parts, which is never in memory as a whole."""

from collections.abc import Sequence
from typing import BinaryIO

from jimeng.pictures.stores.store import SeekableFile

HEAD = (
    256 * 1024
)  # bytes at the beginning that must contain everything before the pixels
# Inserted bytes, or a range of the source file.
Part = bytes | range


class Spliced(SeekableFile):
    """
    A seekable file, composed of parts.

    Args:
        source: The source file; closed with this one.
        parts: The parts, in order.
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
        # Seeking in an object store costs a request, so avoid it.
        if self._source.tell() != place:
            self._source.seek(place)
        return self._source.read(min(most, len(part) - inside))

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
