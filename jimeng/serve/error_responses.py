"""
Error responses of Gunicorn itself, in the format of the API's errors.

They are for malformed HTTP, and for a request line or headers that are too long. The
request has not been parsed then, so its language is unknown, and the message is
Chinese.
"""

import importlib
import json
import secrets
import socket

CODES = {414: "uri_too_long", 431: "headers_too_large", 503: "server_busy"}
RETRY_AFTER_S = 2  # of a 503


def write_error(sock: socket.socket, status: int, reason: str, detail: str) -> None:
    """Replace Gunicorn's `util.write_error`: JSON instead of HTML."""
    code = CODES.get(status, "internal" if status >= 500 else "bad_request")
    # Imported late: the master must not hold code that restarted workers load again.
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
