"""The host of finished videos, and what its links do."""

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Meanwhile = Callable[[], None]
ETAG = '"same"'


class VideoHost:
    """
    Attributes:
        files: Path -> content.
        status: Of each answer, unless it is 200.
        breaks: After so many bytes of each of the next answers the connection ends.
        claimed: The length that answers claim, if it is not the real one.
        meanwhile: Called before an answer begins.
        asked: The paths, each with the first byte that was asked for.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.status = 200
        self.breaks: list[int] = []
        self.claimed: int | None = None
        self.meanwhile: Meanwhile = lambda: None
        self.asked: list[tuple[str, int]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(host, self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02])
        self._thread.start()

    def url(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(host: VideoHost, request: BaseHTTPRequestHandler) -> None:
    content = host.files[request.path]
    found = re.match(r"bytes=(\d+)-", request.headers.get("Range", ""))
    is_part = found is not None and request.headers.get("If-Range") == ETAG
    begin = int(found[1]) if found and is_part else 0
    host.asked.append((request.path, int(found[1]) if found else 0))
    host.meanwhile()
    if host.status != 200:
        request.send_response(host.status)
        request.send_header("Content-Length", "0")
        request.end_headers()
        return
    length = host.claimed or len(content)
    request.send_response(206 if is_part else 200)
    if is_part:
        where = f"bytes {begin}-{length - 1}/{length}"
        request.send_header("Content-Range", where)
    request.send_header("ETag", ETAG)
    request.send_header("Content-Length", str(length - begin))
    request.end_headers()
    end = begin + host.breaks.pop(0) if host.breaks else len(content)
    with suppress(OSError):  # whoever asked has had enough
        request.wfile.write(content[begin:end])
