"""Another host, with pictures and traps."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Host:
    """Another host, with pictures and traps; `asked` are the paths it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.answers[self.path](self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return f"http://{self.name}{path}"


def gives(content: bytes, status: int = 200, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def drips(request: BaseHTTPRequestHandler) -> None:
    """A byte now and then, and no end."""
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        try:
            request.wfile.write(b"x")
        except OSError:
            return
        time.sleep(0.05)


def floods(request: BaseHTTPRequestHandler) -> None:
    """More than any picture has."""
    request.send_response(200)
    request.end_headers()
    for _ in range(40):
        try:
            request.wfile.write(bytes(2**20))
        except OSError:
            return
