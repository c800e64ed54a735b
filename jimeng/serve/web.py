"""The application in Gunicorn's gevent worker, as `gunicorn.conf.py` sets it up."""

import json
import logging
import secrets
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from weakref import WeakValueDictionary

import gevent
from flask import Flask, Response, request
from gevent.lock import BoundedSemaphore
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from werkzeug.exceptions import BadRequest

from jimeng.accounts import password_hashing
from jimeng.errors import code_of_status
from jimeng.http import long_polls, waiters
from jimeng.i18n import MESSAGES
from jimeng.jobs.insertion import batcher

log = logging.getLogger(__name__)

MAX_WORKING = 32
# Where 300 waits begin at once, others are answered within 80 ms, and within 400 ms
# without this; one client's own requests are answered as fast (`make bench`).
MAX_WORKING_PER_CLIENT = 8
shut_down = long_polls.shut_down
is_configured = False  # by `gunicorn.conf.py`


def check_configured() -> None:
    if not is_configured:
        log.error(
            "Gunicorn runs without gunicorn.conf.py or its worker class: requests that "
            "wait hold up the others; start `gunicorn wsgi:app` in this directory"
        )


class Work:
    """
    Requests that are worked on at the same time: with more, each would wait for the
    shared thread for longer than the database timeouts. One that waits for its client
    or for a picture is not counted. However many one client sends at once, another's
    request has at most `MAX_WORKING_PER_CLIENT` of them before it.
    """

    def __init__(self, app: Callable) -> None:
        self._app = app
        self._free = BoundedSemaphore(MAX_WORKING)
        self._free_of: WeakValueDictionary[str, BoundedSemaphore] = (
            WeakValueDictionary()
        )
        self._counted: dict[gevent.Greenlet, BoundedSemaphore] = {}

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        environ["wsgi.input"] = Input(environ["wsgi.input"], self)
        current = gevent.getcurrent()
        # Not who it is, which the application finds out, but who it says it is.
        client = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_COOKIE")
        free_of_client = self._free_of.setdefault(
            client or environ["REMOTE_ADDR"], BoundedSemaphore(MAX_WORKING_PER_CLIENT)
        )
        with free_of_client, self._free:
            self._counted[current] = free_of_client
            try:
                return self._app(environ, start_response)
            finally:
                del self._counted[current]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let another request be worked on inside this context."""
        free_of_client = self._counted.get(gevent.getcurrent())
        if free_of_client is None:  # such as a stream
            yield
            return
        self._free.release()
        free_of_client.release()
        try:
            yield
        finally:
            free_of_client.acquire()
            self._free.acquire()


@dataclass
class Input:
    """A request's body, which may take its time."""

    body: IO[bytes]
    work: Work

    def read(self, *size: int) -> bytes:
        with self.work.paused():
            return self.body.read(*size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.body, name)


def begin(app: Flask, requests: Mapping[socket.socket, Request]) -> None:
    """
    Set the application up for a process whose requests share one thread.

    Args:
        requests: Gunicorn's requests that are being answered, by their connections.
    """

    def refuse(error: ParseException) -> Response:
        """Malformed chunks: what follows them on the connection cannot be read."""
        requests[request.environ["gunicorn.socket"]].force_close()
        return app.make_response(app.handle_user_exception(BadRequest()))

    app.register_error_handler(ParseException, refuse)
    password_hashing.in_own_thread = gevent.get_hub().threadpool.apply
    app.wsgi_app = work = Work(app.wsgi_app)  # type: ignore[method-assign]
    long_polls.configure(work.paused)
    batcher.open()
    gevent.spawn(waiters.report_forever)


def write_error(sock: socket.socket, status: int, reason: str, detail: str) -> None:
    """
    Gunicorn's own error response, in the format of the API's errors.

    The request has not been parsed then, so its language is unknown, and the message is
    Chinese.
    """
    code = code_of_status(status)
    request_id = secrets.token_hex(12)
    chinese, _ = MESSAGES[f"error.{code}"]
    error = {"success": False, "error": code, "message": chinese}
    body = json.dumps(error | {"request_id": request_id}, ensure_ascii=False).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        "Cache-Control: no-store\r\n"
        f"X-Request-ID: {request_id}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
