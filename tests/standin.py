"""A site with a stand-in for the product, for tests of what starts and ends it."""

import contextlib
import itertools
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[1]
CONF = ROOT / "gunicorn.conf.py"
NO_DATABASES = {
    "MONGODB_URI": "mongodb://db.invalid",
    "REDIS_URL": "redis://db.invalid",
}
OWN_KEYS = {"VOLCENGINE_ACCESS_KEY": "AK", "VOLCENGINE_SECRET_KEY": "SK"}

APP = """
import sys
from pathlib import Path
from jimeng.local.supervisor import main

sys.exit(main(root=Path(__file__).parent))
"""
# Stands in for the real one: says who it is and what it was given. Each process
# that runs it keeps the FIFO open for writing as long as it lives.
WSGI = """
import json, os, time
from flask import Flask
from huey import MemoryHuey
from jimeng.config import Config

VERSION = 1
alive = open("alive", "w")
huey = MemoryHuey()
app = Flask(__name__)
app.config["JIMENG"] = Config()

def respond(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        open("slow", "w").close()
        time.sleep(600)
    start_response("200 OK", [("Content-Type", "application/json")])
    about = {"version": VERSION, "pid": os.getpid(), "parent": os.getppid()}
    return [json.dumps(about | {"env": dict(os.environ)}).encode()]

app.wsgi_app = respond
"""


@dataclass
class Site:
    """A directory with the stand-in, from which jimeng can be run."""

    path: Path
    port: int
    alive: int  # the FIFO's reading end

    @contextlib.contextmanager
    def start(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen]:
        """Run it with these settings; it is killed at the end, if it still runs."""
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
        }
        settings = {"PYTHONPATH": str(ROOT), "SERVER_PORT": str(self.port)}
        with (
            (self.path / "log").open("ab") as log,
            subprocess.Popen(
                [sys.executable, str(self.path / "app.py"), *arguments],
                env={**inherited, **settings, **env},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # Who runs the tests in the background has Ctrl-C ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def say(self, **settings: str) -> None:
        """Write ``.env``."""
        self.put(".env", "".join(f"{k}={v}\n" for k, v in settings.items()))

    def put(self, name: str, content: str) -> None:
        """Write a file at one stroke: half of it would be something else."""
        written = self.path / "new"
        written.write_text(content)
        written.replace(self.path / name)

    def refusal(self, **env: str) -> str:
        """Standard error of a start that ends with status 2."""
        before = self.log()
        with self.start(**env) as process:
            assert process.wait(PATIENCE_S) == 2, self.log()
        return self.log().removeprefix(before)

    def log(self) -> str:
        path = self.path / "log"
        return path.read_text() if path.exists() else ""

    def ask(self, path: str = "/") -> dict:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            return bool(self.ask())
        except (OSError, HTTPException):
            return False

    def is_empty(self) -> bool:
        """Whether no process that runs ``wsgi.py`` is left."""
        try:
            return os.read(self.alive, 1) == b""
        except BlockingIOError:
            return False


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ports() -> Iterator[int]:
    """Those of this process: what one has been given, and does not serve yet, no other
    process of the run is given, and nobody here until all have had their turn."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + 1_000 * (worker % 10)
    for number in itertools.count(secrets.randbelow(1_000)):
        yield first + number % 1_000


PORTS = ports()


def free_port() -> int:
    """One that no outgoing connection takes before it is served."""
    for port in PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there are always more")


def first_line(process: subprocess.Popen) -> str:
    """The line that says it is ready."""
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    assert ready, f"no line within {PATIENCE_S:g} s"
    return process.stdout.readline()


@contextlib.contextmanager
def made(path: Path) -> Iterator[Site]:
    """A site in the new directory *path*."""
    path.mkdir()
    (path / "app.py").write_text(APP)
    (path / "wsgi.py").write_text(WSGI)
    (path / CONF.name).symlink_to(CONF)
    os.mkfifo(path / "alive")
    alive = os.open(path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield Site(path, free_port(), alive)
    finally:
        os.close(alive)
