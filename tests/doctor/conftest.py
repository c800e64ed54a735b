"""Fixtures: a provider and servers that answer as they are told, and the look."""

import threading
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jimeng import documents, jobs
from jimeng.cli.checks import examine
from jimeng.documents import Worker, utcnow
from jimeng.errors import ProviderError
from jimeng.providers import Registry

VISUAL = "volcengine_jimeng"
KEYS = {"VOLCENGINE_ACCESS_KEY": "key", "VOLCENGINE_SECRET_KEY": "secret"}
Usage = namedtuple("Usage", "total used free")


class Service:
    """A provider whose models are fine, but for those that it refuses."""

    label = ("即梦", "Jimeng")

    def __init__(self, address: str, **refused: ProviderError) -> None:
        self.address = address
        self.refused = refused

    def check(self, req_key: str) -> bool:
        if req_key in self.refused:
            raise self.refused[req_key]
        return True


@contextmanager
def answering(
    status: int = 200, ahead: timedelta = timedelta(0), **headers: str
) -> Iterator[str]:
    """A server whose clock is *ahead*, and its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + ahead, usegmt=True)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def connected_again(database, config, registry):
    """Afterwards, whatever else this process was connected to."""
    yield
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)
    jobs.configure(config, registry)


def begin_worker() -> None:
    """One that lives on, however long the look takes."""
    now = utcnow()
    Worker(id="w", started_at=now, seen_at=now + timedelta(hours=1)).save()


@pytest.fixture
def look(app, config, connected_again):
    """All findings, by what was looked at; a worker lives."""
    begin_worker()

    def look(service: Service | None = None, **changes: object) -> dict:
        served = {} if service is None else {VISUAL: service}
        jobs.configure(config, Registry(served, dict.fromkeys(served, 2)))
        keys = KEYS if service else {}
        found = list(examine(replace(config, **keys, **changes)))
        return {each.check: each for each in found}

    return look
