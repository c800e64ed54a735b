"""A way to a server that loses an answer: the request arrives, and then it breaks."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

MOST = 65_536  # bytes that are passed on at once


class CuttingWay:
    """
    A port that leads to another, and cuts its first connections.

    Args:
        cuts: How many of them.
        until: What is waited for before a connection is cut; None for the first byte
            of the answer.
        answer: What is sent in place of the answer before that, as a proxy does.

    Attributes:
        connections: How many there were.
    """

    def __init__(
        self,
        port: int,
        *,
        cuts: int = 1,
        until: Callable[[], object] | None = None,
        answer: bytes = b"",
    ) -> None:
        self.connections = 0
        self._target, self._cuts, self._until = port, cuts, until
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for each in self._open:
            end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                back = self._pass
                if self.connections <= self._cuts:
                    back = self._cut
                for work, args in (
                    (self._pass, (client, server)),
                    (back, (server, client)),
                ):
                    threading.Thread(target=work, args=args, daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while content := near.recv(MOST):
                far.sendall(content)
        end(far)

    def _cut(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError, AssertionError):
            if self._until is None:
                server.recv(1)
            else:
                self._until()
            client.sendall(self._answer)
        end(client)
        end(server)


def end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextmanager
def cutting_way(port: int, **how) -> Iterator[CuttingWay]:
    made = CuttingWay(port, **how)
    try:
        yield made
    finally:
        made.close()
