"""A socket that takes an answer off its thread's hands, for the client to read."""

import errno
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

PIECE = 256 * 1024  # bytes that are offered to the system at a time
MOST_FOR_ONE = 8 * 1024 * 1024  # bytes held for a connection,
MOST_FOR_PEER = 32 * 1024 * 1024  # for all of an address,
MOST_FOR_ALL = 64 * 1024 * 1024  # and in this process
MOST_WAITERS = 4  # threads of an address that wait for it to read
WINDOW = 20.0  # seconds in which a client has to read
LEAST = 20 * 1024  # bytes at least
LENGTH, ENDS = b"\r\nContent-Length: ", b"\r\n\r\n"
STRAY_WITHIN = 5.0  # seconds for what a thread itself still has to read


class Held:
    """
    What is held for all clients of a process, and which threads wait for them.

    Args:
        by_peer: Whether an address is a client, and not a proxy with many behind it.
        most_waiting: Threads that may wait.
    """

    def __init__(self, *, by_peer: bool, most_waiting: int = 0) -> None:
        self._lock = threading.Lock()
        self._bytes: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._most_waiting = most_waiting
        self._by_peer = by_peer

    def change(self, peer: str, by: int) -> None:
        with self._lock:
            self._bytes[peer] += by
            if not self._bytes[peer]:
                del self._bytes[peer]

    def is_full(self, peer: str) -> bool:
        with self._lock:
            if self._by_peer and self._bytes[peer] > MOST_FOR_PEER:
                return True
            return self._bytes.total() > MOST_FOR_ALL

    @contextmanager
    def waiter(self, peer: str) -> Iterator[None]:
        """
        Inside, a thread may wait for *peer*.

        Raises:
            ConnectionAbortedError: too many do already.
        """
        with self._lock:
            is_many = self._by_peer and self._waiting[peer] >= MOST_WAITERS
            if is_many or self._waiting.total() >= self._most_waiting:
                raise given_up()
            self._waiting[peer] += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting[peer] -= 1
                if not self._waiting[peer]:
                    del self._waiting[peer]


def given_up() -> OSError:
    return ConnectionResetError(errno.ECONNRESET, "the client is too slow")


def is_followed(data: bytes) -> bool:
    """Whether it is the head of an answer, whose body will be sent at once."""
    return data.startswith(b"HTTP/1.1 2") and LENGTH in data and data[-4:] == ENDS


class PatientSocket(socket.socket):
    """
    What is sent goes out at once as far as the system takes it. The rest is held and
    goes when `flush` is called; only when much is held does sending wait.

    Args:
        accepted: Taken over; not to be used any more.
        peer: The address of the client.
    """

    def __init__(self, accepted: socket.socket, peer: str, held: Held) -> None:
        family, kind, proto = accepted.family, accepted.type, accepted.proto
        super().__init__(family, kind, proto, fileno=accepted.detach())
        super().setblocking(False)  # for good
        self.waiting = bytearray()
        self._head = b""  # of an answer, that goes out with the first of its body
        self._peer = peer
        self._held = held
        self._sent = 0  # bytes since `_window` began
        self._window = time.monotonic()
        self._read_by = 0.0

    def setblocking(self, flag: bool) -> None:
        """Nothing: who waits here says for how long."""

    def take(self) -> bytes:
        """
        What has come in, without waiting.

        Raises:
            BlockingIOError: nothing.
        """
        return super().recv(PIECE)

    def begin(self, stray: float) -> None:
        """A thread has the request now, and waits *stray* seconds for more of it."""
        self._read_by = time.monotonic() + stray

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As any socket's, but as long as `begin` said: no thread waits for more."""
        self.settimeout(max(self._read_by - time.monotonic(), 0.001))
        try:
            return super().recv(size, flags)
        except TimeoutError:
            raise given_up() from None
        finally:
            self.settimeout(0)

    def sendall(self, data, flags: int = 0) -> None:
        if is_followed(data):
            self._head += data
            return
        if self._head:
            data, self._head = self._head + data, b""
        rest = memoryview(data)
        if not self.waiting:
            self._window, self._sent = time.monotonic(), 0
            rest = rest[self._offer(rest) :]
        if rest:
            self.waiting += rest
            self._held.change(self._peer, len(rest))
            self._make_room()

    def sendfile(self, file, offset: int = 0, count: int | None = None) -> int:
        file.seek(offset)
        sent = 0
        while data := file.read(PIECE if count is None else min(PIECE, count - sent)):
            self.sendall(data)
            sent += len(data)
        return sent

    def flush(self) -> None:
        """Send of what is held as much as the system takes."""
        if self._head:
            self.sendall(b"")
        while self.waiting:
            with memoryview(self.waiting) as whole, whole[:PIECE] as piece:
                taken = self._offer(piece)
            if not taken:
                return
            self._sent += taken
            del self.waiting[:taken]
            self._held.change(self._peer, -taken)

    def is_overdue(self, now: float) -> bool:
        """Whether the client has read too little for a while."""
        if now - self._window < WINDOW:
            return False
        enough = self._sent >= LEAST
        self._window, self._sent = now, 0
        return not enough

    def forget(self) -> None:
        """Drop what is held; the client has gone."""
        self._held.change(self._peer, -len(self.waiting))
        self.waiting.clear()

    def _offer(self, data: memoryview) -> int:
        try:
            return self.send(data)
        except BlockingIOError:
            return 0

    def _make_room(self) -> None:
        if self._has_room():
            return
        with self._held.waiter(self._peer):
            poll = select.poll()
            poll.register(self, select.POLLOUT)
            while not self._has_room():
                poll.poll(1000)
                self.flush()
                if self.is_overdue(time.monotonic()):
                    raise given_up()

    def _has_room(self) -> bool:
        if len(self.waiting) > MOST_FOR_ONE:
            return False
        return not self.waiting or not self._held.is_full(self._peer)
