"""Fixtures: another database, and a copy."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import pytest
from mongoengine import get_db

from app import create_app
from jimeng import documents, jobs, lanes
from jimeng.operations import backup
from jimeng.operations.backup import dumping
from tests.databases import filled

# Of this process alone: those of a run share a MongoDB.
RESTORED = f"jimeng_restored_{os.environ.get('PYTEST_XDIST_WORKER', '')}"
WAITS = ("preparing", "delayed", "queued", "starting", "submitting")


@pytest.fixture
def elsewhere(config, registry, database):
    """Connects this process to another database, and back."""
    names = []

    @contextmanager
    def connected(name: str = RESTORED):
        names.append(name)
        there = replace(config, MONGODB_DATABASE=name)
        client = create_app(there).test_client()
        documents.connect(there, timeout=documents.WORKER_TIMEOUT)
        jobs.configure(there, registry)
        lanes.clear_switch_cache()
        try:
            yield client
        finally:
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
            jobs.configure(config, registry)
            lanes.clear_switch_cache()

    yield connected
    for name in names:  # with its indexes, which take longer than most tests
        there = get_db().client[name]
        for each in filled(there):
            there[each].delete_many({})


@pytest.fixture
def copied(tmp_path):
    """Writes a backup, and where it is."""

    def copied():
        path = tmp_path / "jimeng.tar"
        backup.dump(path)
        return path

    return copied


@pytest.fixture
def meanwhile(monkeypatch):
    """Has something done when a backup has read a collection."""
    read = dumping.dump_collection

    def meanwhile(name: str, act: Callable[[], object]) -> None:
        def slowly(source, collection, writer, session) -> int:
            count = read(source, collection, writer, session)
            if collection == name:
                act()
            return count

        monkeypatch.setattr(dumping, "dump_collection", slowly)

    return meanwhile


@pytest.fixture
def restored(copied, elsewhere):
    """Writes a backup, and connects this process to what is restored of it."""

    @contextmanager
    def restored():
        path = copied()
        with elsewhere() as client:
            backup.restore(path)
            yield client

    return restored
