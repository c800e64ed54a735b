"""The server that is measured, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from jimeng import documents
from jimeng.config import Config
from jimeng.documents import indexes
from tests.bench.load import ask
from tests.standin import free_port
from tests.waiting import wait_for

OURS = "jimeng.serve.worker.Worker"


@contextmanager
def started(
    mongodb_uri: str,
    redis_url: str,
    kind: str = OURS,
    *,
    workers: int = 2,
    **settings: str,
) -> Iterator[int]:
    """
    Start it, and tell its port once it answers.

    Args:
        kind: The class of its workers.
    """
    port = free_port()
    name = settings.get("MONGODB_DATABASE", Config.MONGODB_DATABASE)
    prepare(Config(MONGODB_URI=mongodb_uri, MONGODB_DATABASE=name))
    settings |= {"MONGODB_URI": mongodb_uri, "REDIS_URL": redis_url}
    server = serve(port, kind, workers, **settings)
    try:
        await_answer(port)
        yield port
    finally:
        server.terminate()
        server.wait()


def prepare(config: Config) -> None:
    """Connect to a database, and wait until it has its indexes."""
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)
    while indexes.build():
        time.sleep(0.5)


def serve(port: int, kind: str, workers: int, **settings: str) -> subprocess.Popen:
    env = os.environ | {
        "VOLCENGINE_ACCESS_KEY": "bench",
        "VOLCENGINE_SECRET_KEY": "bench",
        "USER_MAX_PENDING": "1000000",
        "REQUESTS_PER_MINUTE": "1000000",
        "USER_SUBMISSIONS_PER_MINUTE": "1000000",
        "AUTH": "off",
        "ALLOW_OPEN_ACCESS": "1",
        "LOG_LEVEL": "error",
        **settings,
    }
    master = "jimeng.serve.master" if kind == OURS else "gunicorn"
    words = [master, "-k", kind, "-w", str(workers)]
    words += ["--threads", "16", "--keep-alive", "75"]
    words += ["--no-control-socket", "--log-level", "error"]
    words += ["-b", f"127.0.0.1:{port}", "tests.bench.server:app"]
    return subprocess.Popen([sys.executable, "-m", *words], env=env)


def await_answer(port: int, path: str = "/health") -> None:
    def answers() -> bool:
        with suppress(OSError, ValueError):
            ask(port, "GET", path)
            return True
        return False

    wait_for(answers, 100, "the server answers")
