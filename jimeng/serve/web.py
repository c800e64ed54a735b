"""The application in Gunicorn's gevent worker, as `gunicorn.conf.py` sets it up."""

import json
import logging
import secrets
import socket
from collections.abc import Mapping

import gevent
from flask import Flask, Response, request
from gunicorn.http.errors import ParseException
from gunicorn.http.message import Request
from werkzeug.exceptions import BadRequest

from jimeng.accounts import password_hashing
from jimeng.http import long_polls, waiters
from jimeng.i18n import MESSAGES
from jimeng.jobs.insertion import batcher

log = logging.getLogger(__name__)

CODES = {414: "uri_too_long", 431: "headers_too_large"}
shut_down = long_polls.shut_down
is_configured = False  # by `gunicorn.conf.py`


def check_configured() -> None:
    if not is_configured:
        log.error(
            "Gunicorn runs without gunicorn.conf.py or its worker class: requests that "
            "wait hold up the others; start `gunicorn wsgi:app` in this directory"
        )


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
    long_polls.configure(app.config["JIMENG"])
    batcher.open()
    gevent.spawn(waiters.report_forever)


def write_error(sock: socket.socket, status: int, reason: str, detail: str) -> None:
    """
    Gunicorn's own error response, in the format of the API's errors.

    The request has not been parsed then, so its language is unknown, and the message is
    Chinese.
    """
    code = CODES.get(status, "internal" if status >= 500 else "bad_request")
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
