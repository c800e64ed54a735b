"""Send a response: at once, late, slowly, in chunks, truncated, or not at all."""

import select
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler

from simulator.visual_responses import Answer

PIECES = 20  # into which a slow body is split
PADDING = b" " * 65_536
ZEROS = bytes(65_536)
MAX_PADDING = 4096  # repetitions, after which the connection is closed


def send(
    handler: BaseHTTPRequestHandler, answer: Answer, stopping: threading.Event
) -> None:
    """
    Send *answer*; do not wait any more once *stopping* is set.

    Raises:
        ConnectionError: the client disconnected.
    """
    if answer.delay > 0:
        stopping.wait(answer.delay)
    if answer.ending == "reset":
        reset(handler)
        return
    chunked = answer.ending in ("unended", "endless")
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.content_type)
    for name, value in answer.headers:
        handler.send_header(name, value)
    if chunked:
        handler.send_header("Transfer-Encoding", "chunked")
    else:
        handler.send_header("Content-Length", str(answer.length))
    handler.end_headers()
    if answer.ending:
        handler.close_connection = True
    if handler.command == "HEAD":
        return
    sent = answer.length // 2 if answer.ending in ("cut", "stalled") else answer.length
    parts = pieces(answer, sent)
    for i, part in enumerate(parts):
        if i and answer.spread:
            stopping.wait(answer.spread / (len(parts) - 1))
        handler.wfile.write(chunk(part) if chunked else part)
    zero(handler, sent - len(answer.body), stopping)
    if answer.ending == "endless":
        pad(handler, stopping)
    if answer.ending == "stalled":
        stall(handler, stopping)


def pieces(answer: Answer, sent: int) -> list[bytes]:
    body = answer.body[:sent]
    if not answer.spread:
        return [body]
    step = max(1, -(-len(body) // PIECES))
    return [body[i : i + step] for i in range(0, len(body), step)]


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def pad(handler: BaseHTTPRequestHandler, stopping: threading.Event) -> None:
    """Send spaces until the client disconnects."""
    for _ in range(MAX_PADDING):
        if stopping.is_set():
            return
        handler.wfile.write(chunk(PADDING))


def zero(
    handler: BaseHTTPRequestHandler, count: int, stopping: threading.Event
) -> None:
    """Send *count* zero bytes."""
    while count > 0 and not stopping.is_set():
        handler.wfile.write(ZEROS[:count])
        count -= len(ZEROS)


def stall(handler: BaseHTTPRequestHandler, stopping: threading.Event) -> None:
    """Send nothing until the client disconnects."""
    handler.wfile.flush()
    while not stopping.wait(0.1):
        if select.select([handler.connection], [], [], 0)[0]:
            return


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Close with RST instead of FIN, by SO_LINGER with zero seconds."""
    handler.close_connection = True
    option = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
    handler.connection.close()
