"""Fixtures: a server that lacks nothing, and a picture that was forgotten."""

import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from jimeng import jobs
from jimeng.documents import Worker, utcnow
from jimeng.i18n import MESSAGES
from jimeng.monitoring import readiness
from tests.rest import create, refused

LONG_AGO = timedelta(minutes=5)


@pytest.fixture
def worker(database):
    """A consumer that counts as seen just now, however long a test takes."""
    beat = {"started_at": utcnow(), "seen_at": utcnow() + LONG_AGO}
    Worker.collection().insert_one({"_id": "w", **beat})


@pytest.fixture
def probe(client, worker, monkeypatch):
    """Asks anew each time."""
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    return lambda: ask(client)


def ask(client) -> dict:
    answer = client.get("/health/ready", headers={"Accept-Language": "en"})
    if answer.status_code == 200:
        return {"missing": [], "names": {}, **answer.json}
    found = refused(answer, 503, "not_ready")
    codes = [each["code"] for each in found["reasons"]]
    assert codes == found["missing"]
    for each in found["reasons"]:
        assert each["message"] == MESSAGES[f"ready.{each['code']}"][1]
    return {
        **found,
        "names": {each["code"]: each["names"] for each in found["reasons"]},
    }


@pytest.fixture
def wait_long(monkeypatch) -> Callable[[], None]:
    """Moves the clock on by more than jobs may wait while no worker runs any."""
    passed = 0.0

    def wait() -> None:
        nonlocal passed
        passed += readiness.UNTAKEN_S + 1

    now = SimpleNamespace(monotonic=lambda: time.monotonic() + passed, sleep=time.sleep)
    monkeypatch.setattr(readiness, "time", now)
    return wait


@pytest.fixture
def forgotten(client, database, lane):
    """A picture that has waited for minutes in a lane with free slots."""
    create(client)
    jobs.huey.storage.conn.flushdb()
    database.generations.update_many({}, {"$set": {"created_at": utcnow() - LONG_AGO}})
