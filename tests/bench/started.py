"""The server that is measured, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jimeng import documents
from jimeng.config import Config
from jimeng.documents import indexes
from tests.bench.rows import Site
from tests.standin import ROOT, free_port
from tests.system.asking import answers
from tests.waiting import wait_for

OURS = "that of gunicorn.conf.py"


@contextmanager
def started(
    site: Site, kind: str = OURS, *, workers: int = 2, **settings: str
) -> Iterator[int]:
    """
    Start it, and tell its port once it answers.

    Args:
        kind: The class of its workers.
    """
    port = free_port()
    name = settings.get("MONGODB_DATABASE", Config.MONGODB_DATABASE)
    prepare(Config(MONGODB_URI=site.mongodb_uri, MONGODB_DATABASE=name))
    env = os.environ | {
        "VOLCENGINE_ACCESS_KEY": "bench",
        "VOLCENGINE_SECRET_KEY": "bench",
        "USER_MAX_PENDING": "1000000",
        "REQUESTS_PER_MINUTE": "1000000",
        "USER_SUBMISSIONS_PER_MINUTE": "1000000",
        "AUTH": "off",
        "ALLOW_OPEN_ACCESS": "1",
        "LOG_LEVEL": "error",
        "MONGODB_URI": site.mongodb_uri,
        "REDIS_URL": site.redis_url,
        **settings,
    }
    words = [sys.executable, "-m", "gunicorn", "-w", str(workers)]
    words += ["-c", str(ROOT / "gunicorn.conf.py")] if kind == OURS else ["-k", kind]
    words += ["--threads", "16", "--keep-alive", "75"]
    words += ["--no-control-socket", "--log-level", "error"]
    words += ["-b", f"127.0.0.1:{port}", "tests.bench.server:app"]
    with running(words, f"http://127.0.0.1:{port}/health", env=env):
        yield port


@contextmanager
def running(words: Sequence[str], url: str, **how: object) -> Iterator[None]:
    """A server that answers at *url*, while inside."""
    with subprocess.Popen(words, **how) as server:
        try:
            wait_for(lambda: answers(url), 100, "the server answers")
            yield
        finally:
            server.terminate()


def prepare(config: Config) -> None:
    """Connect to a database, and wait until it has its indexes."""
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)
    while indexes.build():
        time.sleep(0.5)
