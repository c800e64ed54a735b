"""A small application behind the product's own server, and clients of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jimeng.config import Config
from tests.standin import ROOT, free_port
from tests.system.processes import WEB
from tests.waiting import PATIENCE_S, wait_for

APP = """
import threading
from urllib.parse import parse_qs

from flask import Flask
from jimeng.config import Config

FIRST_HAS_COME = threading.Event()
app = Flask(__name__)
app.config["JIMENG"] = Config()

def respond(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", HEAD_OF_EVENTS)
        return events()
    if environ["PATH_INFO"] == "/first-has-come":
        FIRST_HAS_COME.set()
    body = environ["wsgi.input"].read()
    size = int(parse_qs(environ["QUERY_STRING"]).get("size", ["0"])[0])
    answer = [b"x" * size] if size else [b"%d bytes" % len(body)]
    length = str(sum(map(len, answer)))
    start_response("200 OK", [("Content-Length", length)])
    return answer

HEAD_OF_EVENTS = [
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store, no-transform"),
    ("X-Accel-Buffering", "no"),
]

def events():  # as jimeng.api.events has them
    yield b"data: first\\n\\n"
    FIRST_HAS_COME.wait(60)
    yield b"data: last\\n\\n"

app.wsgi_app = respond
"""


@contextlib.contextmanager
def front(folder: Path, *options: str, app: str = APP, **env: str) -> Iterator[int]:
    """Serve *app* in *folder*; the port."""
    (folder / "wsgi.py").write_text(app)
    port = free_port()
    with (folder / "front.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *WEB, *options],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SERVER_PORT": str(port)}
            | {"SERVER_HOST": "127.0.0.1"}
            | env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(lambda: is_up(port))
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def product(
    config: Config, folder: Path, more: str = "", **env: str
) -> contextlib.AbstractContextManager[int]:
    """The product itself with the tests' databases, and *more* in its program."""
    names = ("MONGODB_URI", "MONGODB_DATABASE", "REDIS_URL")
    env |= {name: getattr(config, name) for name in names}
    app = (ROOT / "wsgi.py").read_text("utf-8") + "\n" + more
    return front(folder, "--workers", "1", app=app, **env)


def is_up(port: int) -> bool:
    try:
        return b"HTTP/1.1 " in ask(port)
    except OSError:
        return False


def connect(port: int, *, receive: int = 0, of: str = "127.0.0.1") -> socket.socket:
    """A connection from the address *of*, whose buffer for answers has *receive* bytes,
    if given."""
    link = socket.socket()
    link.bind((of, 0))
    if receive:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    link.settimeout(PATIENCE_S)
    try:
        link.connect(("127.0.0.1", port))
    except OSError:
        link.close()
        raise
    return link


def ask(port: int, path: str = "/", body: bytes = b"") -> bytes:
    """What a client in no hurry and no delay is answered, head and all."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    with connect(port) as link:
        link.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return read_all(link)


def answer_of(link: socket.socket) -> bytes:
    """One answer of `APP`, which leaves the connection open."""
    got = b""
    while not got.endswith(b" bytes"):
        data = link.recv(4096)
        assert data, "cut off"
        got += data
    return got


def read_all(link: socket.socket) -> bytes:
    return b"".join(iter(lambda: link.recv(65_536), b""))


def check_answers(port: int, times: int = 20) -> None:
    """That many healthy requests are answered, whatever others hold on to."""
    for _ in range(times):
        assert b" 200 " in ask(port)
