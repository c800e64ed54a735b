"""A real server of objects, and what stands before it and makes trouble."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.standin import free_port, is_open
from tests.waiting import wait_for

FAULT = "<?xml version='1.0'?><Error><Code>{}</Code><Message>no</Message></Error>"


@dataclass(frozen=True)
class Trouble:
    """
    Attributes:
        on: Methods that meet it; the others pass.
        code: Answered with this, and *status*, instead of asking the store.
        delay: Seconds before the answer begins.
        takes: Bytes of the request that are read before the connection ends.
        gives: Bytes of the answer's body that come before it ends.
    """

    on: tuple[str, ...] = ("GET", "PUT", "DELETE")
    code: str = ""
    status: int = 403
    delay: float = 0.0
    takes: int | None = None
    gives: int | None = None


class Front:
    """
    Passes everything on, but for the `trouble` that it makes.

    Attributes:
        seen: Method and path of each request, in order.
        headers: Those of each.
    """

    def __init__(self, port: int) -> None:
        self.behind = port
        self.trouble: Trouble | None = None
        self.seen: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
        self._server.front = self
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()

    def count(self, method: str) -> int:
        return sum(each == method for each, _ in self.seen)

    def close(self) -> None:
        """Nobody listens any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def make_bucket(self, name: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.behind)
        connection.request("PUT", f"/{name}")
        assert connection.getresponse().status == 200
        connection.close()


class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def pass_on(self) -> None:
        front, trouble = self.server.front, self.server.front.trouble
        front.seen.append((self.command, self.path))
        front.headers.append(dict(self.headers.items()))
        if trouble is None or self.command not in trouble.on:
            trouble = Trouble()
        length = int(self.headers.get("Content-Length", 0))
        if trouble.takes is not None:
            self.rfile.read(min(trouble.takes, length))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        body = self.rfile.read(length)
        time.sleep(trouble.delay)
        if trouble.code:
            self.answer(trouble.status, {}, FAULT.format(trouble.code).encode())
        else:
            self.answer(*self.asked(body), gives=trouble.gives)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

    def asked(self, body: bytes) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.front.behind)
        connection.request(self.command, self.path, body, dict(self.headers.items()))
        found = connection.getresponse()
        content = found.read()
        connection.close()
        hop = {"content-length", "connection", "transfer-encoding", "server", "date"}
        kept = {k: v for k, v in found.getheaders() if k.lower() not in hop}
        return found.status, kept, content

    def answer(
        self, status: int, headers: dict, body: bytes, *, gives: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if gives is None else body[:gives])
        if gives is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def moto() -> Iterator[int]:
    """The port of an object store of one's own."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"S3_UPLOAD_PART_MIN_SIZE": "1"}  # short parts
    with subprocess.Popen(command, env=environment, **quiet) as process:
        try:
            wait_for(lambda: is_open(port))
            yield port
        finally:
            process.kill()
