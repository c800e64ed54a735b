"""A database that is full, stands still or takes no writes: the probe says which."""

import os
import signal
from contextlib import contextmanager

import pytest

from jimeng import documents, jobs
from jimeng.documents import Worker, indexes, utcnow
from jimeng.local.embedded import Redis
from jimeng.monitoring import readiness
from tests.databases import Mongo
from tests.readiness.conftest import ask
from tests.rest import client_with
from tests.waiting import wait_for


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    """A Redis that may be broken."""
    server = Redis(tmp_path_factory.mktemp("own_redis"))
    server.start()
    yield server
    server.stop()


@contextmanager
def beside(config, registry, **changes):
    with client_with(config, registry, **changes) as client:
        yield client


@pytest.fixture
def over_redis(own_redis, config, registry, worker, monkeypatch):
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    with client_with(config, registry, REDIS_URL=own_redis.url) as client:
        yield client, jobs.huey.storage.conn


def test_redis_that_is_full_is_told(over_redis):
    """It answers, and takes nothing."""
    client, redis = over_redis
    assert ask(client)["missing"] == []

    redis.config_set("maxmemory", "1mb")
    try:
        full = ask(client)
    finally:
        redis.config_set("maxmemory", "0")

    assert full["missing"] == ["redis_full"]
    assert ask(client)["missing"] == []


def test_redis_that_is_a_replica_is_told(over_redis):
    """It can be read only."""
    client, redis = over_redis

    redis.replicaof("127.0.0.1", 9)
    try:
        replica = ask(client)
    finally:
        redis.replicaof("NO", "ONE")

    assert replica["missing"] == ["redis_read_only"]
    assert ask(client)["missing"] == []


def test_redis_that_refuses_writes_is_told(over_redis):
    """For whatever other reason: here it wants replicas that are not there."""
    client, redis = over_redis

    redis.config_set("min-replicas-to-write", "1")
    try:
        refusing = ask(client)
    finally:
        redis.config_set("min-replicas-to-write", "0")

    assert refusing["missing"] == ["redis_refuses"]


def test_redis_that_hangs_is_told(over_redis, own_redis):
    """It takes connections and says nothing."""
    client, _ = over_redis

    with stopped(own_redis):
        hanging = ask(client)

    assert hanging["missing"] == ["redis"]
    assert ask(client)["missing"] == []


@contextmanager
def stopped(server):
    os.killpg(server.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.child.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def own_mongo(tmp_path_factory):
    """A MongoDB that may be broken."""
    server = Mongo(tmp_path_factory.mktemp("own_mongo"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def over_mongo(own_mongo, database, config, registry, monkeypatch):
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    with client_with(config, registry, MONGODB_URI=own_mongo.uri) as client:
        indexes.build()
        now = utcnow()
        Worker.collection().replace_one(
            {"_id": "w"}, {"started_at": now, "seen_at": now}, upsert=True
        )
        yield client


def test_mongodb_that_hangs_is_told(over_mongo, own_mongo):
    """Within two seconds, however often it is asked, and no more once it is back."""
    assert ask(over_mongo)["missing"] == []

    with stopped(own_mongo):
        hanging = [ask(over_mongo)["missing"] for _ in range(3)]

    assert hanging == [["mongodb"]] * 3
    until_ready(over_mongo)


def until_ready(client) -> None:
    wait_for(lambda: ask(client)["missing"] == [], what="it is ready")


def test_mongodb_that_takes_no_writes_is_told(over_mongo):
    """It can be read, as a secondary or one without room can."""
    admin = documents.base.mongoengine.get_connection().admin
    assert ask(over_mongo)["missing"] == []

    admin.command("replSetStepDown", 20, force=True)
    try:
        refusing = ask(over_mongo)
    finally:
        admin.command("replSetFreeze", 0)

    assert refusing["missing"] == ["mongodb_refuses"]
    until_ready(over_mongo)
