"""
What Gunicorn refuses itself, said in the shape that the API gives all errors.

A line or headers that are too long, or what is no HTTP: nobody has read what was asked
for then, nor in which language, so the words are Chinese.
"""

import importlib
import json
import secrets
import socket

CODES = {414: "uri_too_long", 431: "headers_too_large", 503: "server_busy"}
RETRY_AFTER_S = 2  # seconds, of a 503


def write_error(sock: socket.socket, status: int, reason: str, detail: str) -> None:
    """Gunicorn's `util.write_error`, with JSON in place of a page."""
    code = CODES.get(status, "internal" if status >= 500 else "bad_request")
    # Not before an error: the master must not hold what workers read anew.
    chinese, _ = importlib.import_module("jimeng.i18n").MESSAGES[f"error.{code}"]
    request_id = secrets.token_hex(12)
    body = json.dumps(
        {"success": False, "error": code, "message": chinese, "request_id": request_id},
        ensure_ascii=False,
    ).encode()
    again = f"Retry-After: {RETRY_AFTER_S}\r\n" if status == 503 else ""
    head = (
        f"HTTP/1.1 {status} {reason}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/json\r\n"
        "Cache-Control: no-store\r\n"
        f"X-Request-ID: {request_id}\r\n"
        f"{again}"
        f"Content-Length: {len(body)}\r\n"
        "\r\n"
    )
    sock.sendall(head.encode() + body)
