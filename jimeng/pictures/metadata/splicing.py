"""A file with inserted parts, which is never in memory as a whole."""

from collections.abc import Generator, Sequence

from jimeng.pictures.contents import Content

HEAD = (
    256 * 1024
)  # bytes at the beginning that must contain everything before the pixels
# Inserted bytes, or a range of the source file.
Part = bytes | range


class Spliced(Content):
    """
    A content that is composed of parts.

    Args:
        source: The source file.
        parts: The parts, in order.
    """

    def __init__(self, source: Content, parts: Sequence[Part]) -> None:
        self._source, self._parts = source, parts
        self.length = sum(map(len, self._parts))

    def pieces(
        self, start: int = 0, end: int | None = None
    ) -> Generator[bytes, None, None]:
        end = self.length if end is None else end
        for part in self._parts:
            inside = part[max(start, 0) : max(end, 0)]
            start, end = start - len(part), end - len(part)
            if not inside:
                continue
            if isinstance(inside, bytes):
                yield inside
            else:
                yield from self._source.pieces(inside.start, inside.stop)
