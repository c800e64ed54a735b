"""A way to MongoDB on which each operation takes long, or that leads nowhere."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.databases import at_port

MOST = 65_536  # bytes that are passed on at once


class Way:
    """
    A port that leads to the MongoDB at *uri*.

    Attributes:
        delay: Seconds that each request waits on its way; None: for ever.
    """

    def __init__(self, uri: str, delay: float | None = 0.0) -> None:
        self.delay = delay
        self._behind = uri
        self._target = urlsplit(uri).port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        port = self._listener.getsockname()[1]
        return at_port(self._behind, port)

    def close(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for each in (client, server):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [client, server]
                args = client, server
                threading.Thread(target=self._talk, args=args, daemon=True).start()

    def _talk(self, client: socket.socket, server: socket.socket) -> None:
        args = server, client, False
        threading.Thread(target=self._pass, args=args, daemon=True).start()
        self._pass(client, server, True)

    def _pass(self, near: socket.socket, far: socket.socket, is_asking: bool) -> None:
        with suppress(OSError):
            while content := near.recv(MOST):
                if is_asking:
                    if self.delay is None:
                        continue
                    time.sleep(self.delay)
                far.sendall(content)


@contextmanager
def way_to(uri: str, delay: float | None = 0.0) -> Iterator[Way]:
    made = Way(uri, delay)
    try:
        yield made
    finally:
        made.close()
