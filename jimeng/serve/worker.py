"""
Gunicorn's gevent worker, with limits for its clients.

All requests of a process share one thread: waiting for a client, a picture or a
database costs almost nothing, and long computations must run in native threads. Limits
on time and memory are in `sockets`, those on bodies in `bodies`; here are those on
connections, and how they are closed. A buffering proxy does this better; see
``docs/deployment.md``.
"""

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from urllib.parse import urlsplit

import gevent
from gevent import monkey
from gevent.lock import BoundedSemaphore
from gunicorn import util
from gunicorn.http.errors import InvalidRequestLine, NoMoreData
from gunicorn.http.message import Request
from gunicorn.workers.ggevent import GeventWorker

from jimeng.config import logs
from jimeng.serve import sockets
from jimeng.serve.bodies import RequestParser, read_small
from jimeng.serve.error_responses import write_error
from jimeng.serve.sockets import BufferedBytes, ClientSocket, ClientTooSlow

MAX_PER_PEER = 256  # concurrent connections of an address, in each process
# Requests in progress at a time, without those that wait for a client or a picture.
# With more of them, each would wait for the shared thread for longer than the database
# timeouts.
MAX_WORKING = 32
LINGER_S = 2.0  # for a client to read the last response, or to finish sending
STOP_IDLE_S = 2.0  # idle time after which a connection is closed on shutdown
SWEEP_S = 0.5  # between two checks for shutdown
LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
util.write_error = write_error  # Gunicorn has no setting for it


class Worker(GeventWorker):
    """The worker described above: gevent's, with limits for its clients."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        # Behind a proxy all connections have the proxy's address.
        self._by_peer = os.environ.get("TRUSTED_PROXIES", "0") == "0"
        self._buffered = BufferedBytes()
        self._peers: Counter[str] = Counter()  # connections by address
        self._idle: dict[ClientSocket, float] = {}  # since when, oldest first
        self._working = BoundedSemaphore(MAX_WORKING)

    @classmethod
    def check_config(cls, cfg, log) -> None:
        if cfg.is_ssl:
            raise RuntimeError("HTTPS is for a proxy to speak; leave --certfile out")
        if not monkey.is_module_patched("socket"):
            raise RuntimeError("start it by python -m jimeng.serve web")

    def patch(self) -> None:
        """Only replace the sockets: `libraries.load` has patched everything else."""
        self.sockets: list = [
            gevent.socket.socket(
                each.FAMILY, socket.SOCK_STREAM, fileno=each.sock.detach()
            )
            for each in self.sockets
        ]

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # The application's settings; the application of a test may have none.
        usual = import_module("jimeng.config").Config()
        config = getattr(self.wsgi, "config", {}).get("JIMENG", usual)
        self.wsgi: Callable = partial(answer, self._working, self.wsgi)
        self.cfg.set("sendfile", False)  # it has no timeout for a slow client
        # Gunicorn looks settings up twenty times per request: make these plain
        # attributes.
        self.cfg.__dict__.update({k: v.get() for k, v in self.cfg.settings.items()})
        # Imported late: the master must not hold code that restarted workers load
        # again.
        self._long_polls = import_module("jimeng.http.long_polls")
        self._long_polls.configure(config, self._without_permit)
        self._waiters = import_module("jimeng.http.waiters")
        import_module("jimeng.jobs.insertion").batcher.open()

    @contextmanager
    def _without_permit(self) -> Iterator[None]:
        """Release the request's permit while it waits inside this context."""
        self._working.release()
        try:
            yield
        finally:
            self._working.acquire()

    def run(self) -> None:
        gevent.spawn(self._sweep)
        gevent.spawn(self._report_waiters)
        super().run()

    def _report_waiters(self) -> None:
        while True:
            gevent.sleep(self._waiters.REPORT_EVERY_S)
            self._waiters.report()

    def _sweep(self) -> None:
        """On shutdown, end the long polls and close idle connections."""
        while self.alive:
            gevent.sleep(SWEEP_S)
        stopped = time.monotonic()
        self._long_polls.shut_down()
        while True:
            gevent.sleep(SWEEP_S)
            for client, since in list(self._idle.items()):
                rested = time.monotonic() - max(since, stopped)
                if rested > STOP_IDLE_S and client.is_silent():
                    client.cut_off()

    def handle(self, listener, accepted, addr) -> None:
        """Process the requests of a connection, in its own greenlet."""
        peer = str(addr[0]) if self._by_peer and isinstance(addr, tuple) else ""
        if not self._can_connect(peer):
            accepted.close()
            return
        self._peers[peer] += 1
        client = ClientSocket(accepted, peer, self._buffered)
        try:
            self._answer_all(listener.getsockname(), client, addr)
            self._linger(client)
        finally:
            client.close()
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    def _can_connect(self, peer: str) -> bool:
        """Whether *peer* may connect; closes an idle connection if necessary."""
        if self._peers.total() >= self.worker_connections - 1:
            self._end_idle(*self._idle)
        if not self._by_peer or self._peers[peer] < MAX_PER_PEER:
            return True
        return self._end_idle(*(each for each in self._idle if each.peer == peer))

    def _end_idle(self, *clients: ClientSocket) -> bool:
        for client in clients:
            del self._idle[client]
            client.cut_off()
            return True
        return False

    def _answer_all(self, server, client: ClientSocket, addr) -> None:
        parser = RequestParser(self.cfg, client, addr)
        seconds, req = sockets.HEAD_TIMEOUT_S, None
        try:
            while (buffered := parser.unreader.buf.tell()) or self._await(
                client, seconds
            ):
                logs.clear()  # drop the log context of the previous request
                client.begin_request(buffered)
                req = None
                req = next(parser)
                check_target(req)
                read_small(req, client, self._without_permit)
                try:
                    self.handle_request(server, req, client, addr)
                finally:
                    client.end_answer()
                seconds = self.cfg.keepalive
        except (StopIteration, NoMoreData):
            pass
        except ClientTooSlow as error:
            self.log.debug("Client too slow with %s: %s", error, addr)
            if client.received and str(error) == "a request":
                with suppress(OSError):
                    client.sendall(LATE)
        except OSError as error:
            self.log.debug("Client gone: %s: %s", addr, error)
        except Exception as error:
            self.handle_error(req, client, addr, error)

    def _await(self, client: ClientSocket, seconds: float) -> bool:
        """Wait for a request; return whether one begins within *seconds*."""
        self._idle[client] = time.monotonic()
        try:
            return client.await_data(seconds)
        finally:
            self._idle.pop(client, None)

    def _linger(self, client: ClientSocket) -> None:
        """
        Close the connection after the client has. Closing earlier could discard an
        response that the client has not read yet: few clients read while they send, and
        the body of a refused request may be large.
        """
        began = time.monotonic()
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)
            client.settimeout(LINGER_S)
            while True:
                allowed = sockets.BODY_TIMEOUT_S if self.alive else LINGER_S
                if time.monotonic() - began > allowed:
                    return
                if not gevent.socket.socket.recv(client, sockets.SEND_BYTES):
                    return


def answer(working: BoundedSemaphore, app: Callable, environ, start_response):
    """Call *app*, and iterate over its response, each under a permit of *working*."""
    with working:
        pieces = app(environ, start_response)
    if isinstance(pieces, environ["wsgi.file_wrapper"]):
        return pieces
    return Pieces(working, pieces)


class Pieces:
    """The pieces of a response, each produced under a permit and sent without one."""

    def __init__(self, working: BoundedSemaphore, pieces: Iterable[bytes]) -> None:
        self._working, self._pieces = working, pieces
        self._remaining = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._working:
            return next(self._remaining)

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            with self._working:
                self._pieces.close()


def check_target(req: Request) -> None:
    """
    Check the request target.

    Raises:
        InvalidRequestLine: the host of an absolute URL differs from the Host header.
    """
    if req.uri.startswith("/") or req.uri == "*":
        return
    host = next((value for name, value in req.headers if name == "HOST"), "")
    if urlsplit(req.uri).netloc.lower() != host.lower():
        raise InvalidRequestLine(f"{req.method} {req.uri[:100]}")
