"""
Gunicorn's threads, for whole requests only.

In Gunicorn's own worker a thread waits while a request trickles in and while its
answer is read: sixteen slow clients, and nobody else is served. Here one loop takes
requests in and hands answers out, for all connections at once, and a thread has a
request only while the application works on it. How long each may take is in
`incoming` and `outgoing`. A proxy that buffers does this better; see
``docs/deployment.md``.
"""

import errno
import importlib
import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import BoundedSemaphore
from types import ModuleType

from gunicorn import util
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from jimeng import logs
from jimeng.serve import libraries  # noqa: F401 - Gunicorn's master loads this file
from jimeng.serve.connection import Connection
from jimeng.serve.incoming import PLACES, Incoming
from jimeng.serve.outgoing import Held, PatientSocket
from jimeng.serve.refusals import write_error

MOST_OF_PEER = 256  # connections of an address at a time, in each process
MAX_WORKING = 64  # requests that are worked on; those that wait for a task do not count
PLACE_TIMEOUT_S = 5.0  # for a large body; longer than `incoming.JUDGED_AFTER`
MOST_WRITERS = 16  # threads that wait for their clients to read
LINGER = 2.0  # seconds in which a client may read its last answer
SWEEP = 0.5  # seconds between two looks at who is late
PASSING = (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK)
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
util.write_error = write_error  # which Gunicorn has no setting for


class Worker(ThreadWorker):
    """See above."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Of whoever stands behind a proxy it is the proxy's address that is seen.
        self._proxies = int(os.environ.get("TRUSTED_PROXIES", "0"))
        self._by_peer = not self._proxies
        self._coming = Held(by_peer=self._by_peer)
        self._going = Held(by_peer=self._by_peer, most_waiting=MOST_WRITERS)
        self._peers: Counter[str] = Counter()  # connections by address
        self._places: Counter[bytes] = Counter()  # taken, by sender
        self._working = BoundedSemaphore(MAX_WORKING)
        self._watched: dict[Connection, None] = {}  # in the order of their coming
        # Connections that wait for a place for their large body, and until when.
        self._queued: dict[Connection, float] = {}
        self._swept = 0.0
        self._stop_by = 0.0  # when those that say nothing are let go, once stopping
        self._waiting: ModuleType | None = None

    @classmethod
    def check_config(cls, cfg, log) -> None:
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise RuntimeError("HTTPS is for a proxy to speak; leave --certfile out")

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # It is read twenty times for each request, by a search every time.
        self.cfg.__dict__.update({k: v.get() for k, v in self.cfg.settings.items()})
        # Not before: the master must not hold what workers read anew.
        self._waiting = importlib.import_module("jimeng.http.waiting")
        # As the application has read them; one of a test may have none.
        usual = importlib.import_module("jimeng.config").Config()
        config = getattr(self.wsgi, "config", {}).get("JIMENG", usual)
        self._waiting.open_room(config, self._aside)
        importlib.import_module("jimeng.jobs.gathering").gathering.open()

    def handle_quit(self, sig, frame) -> None:
        self._send_waiters_on()  # Python does not end before its threads do
        super().handle_quit(sig, frame)

    def _send_waiters_on(self) -> None:
        if self._waiting is not None:
            self._waiting.close()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection in, and what it has said already."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno not in PASSING:
                raise
            return
        peer = str(client[0]) if isinstance(client, tuple) else ""
        if not self._make_room(peer):
            accepted.close()
            return
        self.nr_conns += 1
        self._peers[peer] += 1
        sock = PatientSocket(accepted, peer, self._going)
        server = listener.getsockname()
        self._receive(Connection(self.cfg, sock, client, server, peer, self._left))

    def _make_room(self, peer: str) -> bool:
        """Whether *peer* may connect; who has nothing to say makes room for it."""
        if self.nr_conns >= self.worker_connections - 1:
            self._close_idle(lambda conn: True)
        if not self._by_peer or self._peers[peer] < MOST_OF_PEER:
            return True
        return self._close_idle(lambda conn: conn.peer == peer)

    def _close_idle(self, is_meant: Callable[[Connection], bool]) -> bool:
        for conn in self.keepalived_conns:
            if is_meant(conn):
                self.keepalived_conns.remove(conn)
                self.poller.unregister(conn.sock)
                self._drop(conn)
                return True
        return False

    def _left(self, conn: Connection) -> None:
        self._charge(conn, -conn.charged)
        self._leave_place(conn)
        self._peers[conn.peer] -= 1
        if not self._peers[conn.peer]:
            del self._peers[conn.peer]

    def _charge(self, conn: Connection, size: int) -> None:
        conn.charged += size
        self._coming.change(conn.peer, size)

    def on_client_socket_readable(self, conn: Connection, client) -> None:
        """A connection that rested begins a request, or ends."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.incoming = Incoming()
        self._receive(conn)

    def _receive(self, conn: Connection) -> None:
        try:
            data = conn.sock.take()
        except BlockingIOError:
            return self._watch(conn, selectors.EVENT_READ, self._receive)
        except OSError:
            return self._drop(conn)
        if not data:
            return self._drop(conn)
        conn.incoming.add(data)
        if conn.place_of is None:
            self._charge(conn, len(data))
        if self._coming.is_full(conn.peer):
            return self._drop(conn)
        self._consider(conn)

    def _consider(self, conn: Connection) -> None:
        """Give the request to a thread if it is whole; else wait for the rest."""
        is_whole = conn.incoming.is_whole()
        if conn.incoming.is_large and not self._take_place(conn):
            # Nothing more of it is read; the system tells the client to hold it back.
            self._unwatch(conn)
            self._queued.setdefault(conn, time.monotonic() + PLACE_TIMEOUT_S)
        elif is_whole:
            # From here on it counts as its user's, see `jimeng.http.bodies`.
            self._leave_place(conn)
            self._unwatch(conn)
            self._charge(conn, -conn.charged)
            self.enqueue_req(conn)
        elif conn.incoming.is_head_too_large:
            write_error(conn.sock, 431, "Request Header Fields Too Large", "")
            self._send(conn)
        else:
            if conn.incoming.awaits_leave:
                conn.incoming.awaits_leave = False
                conn.sock.sendall(GO_ON)
            self._watch(conn, selectors.EVENT_READ, self._receive)

    def _admit_queued(self, now: float) -> None:
        """Read on where a place for a large body has become free, in turn."""
        for conn, until in list(self._queued.items()):
            if self._take_place(conn):
                del self._queued[conn]
                self._consider(conn)
            elif now > until:
                del self._queued[conn]
                write_error(conn.sock, 503, "Service Unavailable", "")
                self._send(conn)

    def _take_place(self, conn: Connection) -> bool:
        """Whether a large body may come; it is not counted as the others are."""
        if conn.place_of is None:
            sender = self._sender(conn)
            if not self._is_place_free(sender):  # who is too slow makes room
                now = time.monotonic()
                for other in [each for each in self._watched if each.place_of]:
                    if other.incoming.is_hopeless(now):
                        self._give_up(other)
            if not self._is_place_free(sender):
                return False
            self._places[sender] += 1
            conn.place_of = sender
            self._charge(conn, -conn.charged)
        return True

    def _sender(self, conn: Connection) -> bytes:
        """The address of who sends the request, as far as proxies are believed."""
        told = conn.incoming.forwarded
        if 0 < self._proxies <= len(told):
            return told[-self._proxies].strip() or b"?"
        return conn.peer.encode() or b"?"

    def _is_place_free(self, sender: bytes) -> bool:
        """Whether *sender* would have no more than half of what others leave."""
        left = PLACES - (self._places.total() - self._places[sender])
        return self._places[sender] < (left + 1) // 2

    def _leave_place(self, conn: Connection) -> None:
        if conn.place_of is not None:
            self._places[conn.place_of] -= 1
            if not self._places[conn.place_of]:
                del self._places[conn.place_of]
        conn.place_of = None

    def handle(self, conn: Connection):
        """Answer a request that is whole; in a thread."""
        logs.clear()  # what Gunicorn says first is not of the request before
        conn.begin()
        return super().handle(conn)

    def handle_request(self, req, conn: Connection):
        conn.take_in(req)
        with self._working:
            return super().handle_request(req, conn)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Inside, a request that is worked on waits, and another takes its turn."""
        self._working.release()
        try:
            yield
        finally:
            self._working.acquire()

    def finish_request(self, conn: Connection, future: Future) -> None:
        """A thread has done with it."""
        done = not future.cancelled() and future.exception() is None
        conn.stays = done and bool(future.result())
        self._send(conn)

    def _send(self, conn: Connection) -> None:
        """Hand out the answer as it is read, then go on as the client wishes."""
        try:
            conn.sock.flush()
        except OSError:
            return self._drop(conn)
        if conn.sock.waiting:
            self._watch(conn, selectors.EVENT_WRITE, self._send)
        elif conn.stays:
            self._unwatch(conn)
            self._await_next(conn)
        else:
            self._linger(conn)

    def _await_next(self, conn: Connection) -> None:
        conn.stays = False
        conn.incoming = Incoming(conn.parser.unreader.take_buffered())
        if conn.incoming.data:  # a client that does not wait for answers
            return self._consider(conn)
        conn.set_timeout()
        if not self.alive:
            linger = time.monotonic() + STOP_KEEPALIVE_LINGER
            conn.timeout = min(conn.timeout, linger)
        self.keepalived_conns.append(conn)
        readable = partial(self.on_client_socket_readable, conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def _linger(self, conn: Connection) -> None:
        """Close once the client has: before, it may not have read all yet."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return self._drop(conn)
        until = time.monotonic() + LINGER
        self._watch(conn, selectors.EVENT_READ, self._discard, lambda now: now > until)

    def _discard(self, conn: Connection) -> None:
        try:
            if conn.sock.take():
                return
        except OSError:
            pass
        self._drop(conn)

    def _watch(
        self,
        conn: Connection,
        event: int,
        then: Callable[[Connection], None],
        is_overdue: Callable[[float], bool] | None = None,
    ) -> None:
        is_reading = event == selectors.EVENT_READ
        late = conn.incoming.is_overdue if is_reading else conn.sock.is_overdue
        self._unwatch(conn)
        conn.is_overdue = is_overdue or late
        self._watched[conn] = None
        self.poller.register(conn.sock, event, lambda _sock: then(conn))

    def _unwatch(self, conn: Connection) -> None:
        if conn in self._watched:
            del self._watched[conn]
            self.poller.unregister(conn.sock)

    def _drop(self, conn: Connection) -> None:
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Let go of who is late; called whenever the loop has gone round."""
        now = time.monotonic()
        self._admit_queued(now)
        if not self.alive and not self._stop_by:
            self._stop_by = now + STOP_KEEPALIVE_LINGER
            self._send_waiters_on()
        if now < self._swept + SWEEP:
            return
        self._swept = now
        for conn in list(self._watched):
            is_mute = not (conn.incoming.data or conn.sock.waiting)
            if is_mute and self._stop_by and now > self._stop_by:
                self._drop(conn)
            elif conn.is_overdue and conn.is_overdue(now):
                self._give_up(conn)

    def _give_up(self, conn: Connection) -> None:
        self.log.debug("Client too slow: %s", conn.client)
        if conn.incoming.data and not conn.sock.waiting:
            try:
                conn.sock.send(LATE)
            except OSError:
                self.log.debug("Client gone: %s", conn.client)
        self._drop(conn)
