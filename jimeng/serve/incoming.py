"""
A request while it comes in: is it all there?

It is only looked at here. What it says is for Gunicorn's parser, which gets every
byte: a wrong guess here costs a thread some seconds and no more.
"""

import re
import time

HEAD_ENDS = b"\r\n\r\n"
MOST_LINE = 8190  # bytes of the first line; Gunicorn's --limit-request-line
MOST_HEAD = 64 * 1024  # bytes
MOST_BODY = 1024 * 1024  # bytes; more the application refuses without reading it,
MOST_LARGE = 16 * 1024 * 1024  # but not where pictures come in,
LARGE = re.compile(
    rb"POST /*(/api/v1/uploads|/api/v1/ai/(image/task|tasks)|/api/v1/batches"
    rb"|/v1/images/(edits|generations)|/batches/(new|preview)"
    rb"|/inputs|/tasks|/composer(?:/file)?|/prompts/new|/pictures/[^/ ?]+/edit)[ ?]"
)
PLACES = 8  # for such bodies, in each process; `jimeng.http.bodies` has as many
WITHIN = 10.0  # seconds from one packet of such a body to the next
HEAD_WITHIN = 10.0  # seconds from a request's first byte, or from connecting
ALL_WITHIN = 60.0  # seconds, and no slower than
SLOWEST = 1024  # bytes a second, after the first `HEAD_WITHIN`
JUDGED_AFTER = 3.0  # seconds, by its pace, whether a large body can be in time
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
MOST_DIGITS = 18  # of a length: a longer one is too long by its first
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
FORWARDED = re.compile(rb"\r\nx-forwarded-for:[ \t]*([^\r\n]*)", re.IGNORECASE)
EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-f]+)[ \t]*(;.*)?", re.IGNORECASE | re.DOTALL)


class Incoming:
    """
    The bytes of a request so far.

    Attributes:
        data: These, and whatever came after them.
        is_too_long: Its body is not to be waited for.
        is_large: Its body has pictures, and needs a place.
        forwarded: Where it comes from, as proxies tell, the nearest last.
        awaits_leave: The client holds its body back until it is told to go on.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.is_too_long = False
        self.is_large = False
        self.forwarded: list[bytes] = []
        self.awaits_leave = False
        self._began = self._latest = time.monotonic()
        self._most = MOST_BODY
        self._searched = 0  # bytes in which no end of the head, or of trailers, is
        self._at = 0  # where the body begins, or its next chunk; 0 within the head
        self._end = 0  # where the body ends; 0 if that is for its chunks to say

    def add(self, data: bytes) -> None:
        self.data += data
        self._latest = time.monotonic()

    def is_overdue(self, now: float) -> bool:
        """Whether it should be there by now, or come faster."""
        allowed = HEAD_WITHIN
        if self.is_large and now - self._latest > WITHIN:
            return True
        if self._at:
            allowed = min(ALL_WITHIN, HEAD_WITHIN + len(self.data) / SLOWEST)
        return now - self._began > allowed

    def is_hopeless(self, now: float) -> bool:
        """Whether a large body comes too slowly to be there within `ALL_WITHIN`."""
        took, size = now - self._began, max(self._end, MOST_BODY)
        return took > JUDGED_AFTER and len(self.data) * ALL_WITHIN < size * took

    @property
    def is_head_too_large(self) -> bool:
        return not self._at and len(self.data) > MOST_HEAD

    def is_whole(self) -> bool:
        """Whether all of it is there, or enough to refuse it."""
        if not self._at and not self._find_end_of_head():
            return self._is_line_too_long()
        if self._end:
            return self.is_too_long or len(self.data) >= self._end
        return self._have_chunks_ended()

    def _is_line_too_long(self) -> bool:
        return len(self.data) > MOST_LINE + 2 and b"\r\n" not in self.data[:MOST_LINE]

    def _find_end_of_head(self) -> bool:
        found = self.data.find(HEAD_ENDS, max(self._searched - 3, 0))
        self._searched = len(self.data)
        if found < 0:
            return False
        head, expected = EXPECT.subn(b"", bytes(self.data[: found + 2]))
        self.data[: found + 2] = head
        self._searched = 0
        self._at = len(head) + 2
        if LARGE.match(head):
            self._most = MOST_LARGE
        self.forwarded = b",".join(FORWARDED.findall(head)).split(b",")
        self.awaits_leave = bool(expected)
        if not CHUNKED.search(head):
            length = LENGTH.search(head)
            size = int(length[1].lstrip(b"0")[:MOST_DIGITS] or b"0") if length else 0
            self._end = self._at + size
            self.is_too_long = size > self._most
            self.is_large = MOST_BODY < size <= self._most
        return True

    def _have_chunks_ended(self) -> bool:
        most = MOST_HEAD + 2 * self._most  # with the framing of very small chunks
        self.is_too_long = len(self.data) > most
        is_more = len(self.data) > MOST_HEAD + MOST_BODY
        self.is_large = is_more and self._most > MOST_BODY
        while not self.is_too_long:
            ends = self.data.find(b"\r\n", self._at, self._at + MOST_LINE)
            if ends < 0:
                self.is_too_long = len(self.data) - self._at > MOST_LINE
                break
            size = CHUNK_SIZE.fullmatch(self.data[self._at : ends])
            if size is None:
                return True  # which the parser refuses
            if int(size[1], 16) == 0:
                found = self.data.find(HEAD_ENDS, max(self._searched - 3, ends))
                self._searched = len(self.data)
                return found >= 0
            following = ends + 2 + int(size[1], 16) + 2
            if following > len(self.data):
                self.is_too_long = following > most
                break
            self._at = following
        return self.is_too_long
