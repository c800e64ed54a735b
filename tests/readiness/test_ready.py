"""Each reason why a server is not ready, by breaking the thing itself."""

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from jimeng import documents, jobs, lanes
from jimeng.documents import Generation, Lane, Worker, indexes, utcnow
from jimeng.errors import ConfigError
from jimeng.i18n import MESSAGES
from jimeng.jobs import pump
from jimeng.monitoring import readiness
from jimeng.schemas.fields import moment
from jimeng.schemas.reference_texts import translated_text
from jimeng.schemas.responses import Reason
from tests.at_once import at_once
from tests.conftest import run_queue
from tests.databases import Redis, clock_behind
from tests.each import for_each
from tests.rest import client_with, create, refused
from tests.waiting import wait_for

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


REPLICAS = "min-replicas-to-write"


def test_every_reason_has_words():
    """In both languages, and no others are there; the API's description names all."""
    words = {key.removeprefix("ready.") for key in MESSAGES if key.startswith("ready.")}
    assert words == set(readiness.CODES)

    english = Reason().fields["code"].metadata["description"]
    for words in (english, translated_text(english, "zh")):
        _, codes = re.split("：|: ", words)
        assert set(re.split("、|, ", codes)) == set(readiness.CODES)


@pytest.mark.parametrize("label", ["tasks.idem", "generations.slot", "images.gallery"])
def test_missing_index_is_told(probe, database, label):
    index = indexes.declared()[label]
    database[index.collection].drop_index(index.name)

    without = probe()

    assert without["missing"] == ["index_missing"]
    assert without["names"]["index_missing"] == [label]
    indexes.build()
    assert probe()["missing"] == []


def test_each_reason_says_since_when(client, probe, database, monkeypatch):
    """One that was gone in between begins anew; one that came later is younger."""
    now = began = utcnow()
    monkeypatch.setattr(readiness, "utcnow", lambda: now)

    def since(of: str) -> str:
        probe()
        reasons = client.get("/health/ready").json["reasons"]
        return next(each["since"] for each in reasons if each["code"] == of)

    database.workers.delete_many({})
    first = since("worker")
    now += timedelta(minutes=5)
    database.tasks.drop_index("idem")
    assert since("worker") == first == moment(began)
    assert since("index_missing") == moment(began + timedelta(minutes=5))

    indexes.build()
    probe()
    database.tasks.drop_index("idem")
    now += timedelta(minutes=5)
    assert since("index_missing") == moment(began + timedelta(minutes=10))
    assert since("worker") == first
    indexes.build()


def test_due_picture_that_nobody_takes_is_told(client, probe, database):
    """A worker says that it lives, and does nothing. A picture of another release,
    which that one looks after, is none of it: it may have been rolled back."""
    create(client)
    run_queue()
    assert probe()["missing"] == []

    database.generations.update_many({}, {"$set": {"due_at": utcnow() - LONG_AGO}})

    assert probe()["missing"] == ["overdue"]
    database.generations.update_many({}, {"$set": {"state": "upscaling"}})
    assert probe()["missing"] == []
    database.generations.update_many({}, {"$set": {"state": "generating"}})
    pump.tick()
    assert probe()["missing"] == []


def test_queue_that_nobody_takes_from_is_told(client, probe, wait_long):
    """All threads of the worker hang; an idle queue is no fault."""
    probe()
    wait_long()
    create(client)
    assert probe()["missing"] == []
    pump.write_heartbeat("w", utcnow())
    assert probe()["missing"] == []
    wait_long()
    pump.tick()
    pump.write_heartbeat("w", utcnow())

    assert probe()["missing"] == ["jobs_untaken"]
    run_queue()
    assert probe()["missing"] == []


def test_queue_that_is_long_and_worked_on_is_no_fault(client, probe, wait_long):
    """Its jobs all look alike; that some have run is what counts."""
    jobs.enqueue_dispatch("a lane", 9)
    probe()
    for _ in range(3):
        wait_long()
        jobs.huey.execute(jobs.huey.dequeue())
        pump.write_heartbeat("w", utcnow())

        assert probe()["missing"] == []


def test_full_disk_of_a_local_database_is_told(
    probe, client, config, registry, tmp_path, monkeypatch
):
    """Only if the database is on this machine."""
    (tmp_path / "mongodb").mkdir()
    usage = SimpleNamespace(total=2**40, used=2**40, free=0)
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda path: usage)
    assert probe()["missing"] == []

    jobs.configure(replace(config, DATA_DIR=str(tmp_path)), registry)

    assert probe()["missing"] == ["disk"]


def test_probes_do_not_load_the_databases(client, worker, monkeypatch):
    """However many ask, each second sees one look."""
    found = []
    whole = readiness.run_checks
    monkeypatch.setattr(readiness, "run_checks", lambda: found.append(1) or whole())

    at_once(20, lambda _: client.application.test_client().get("/health/ready"))

    assert len(found) == 1


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    """A Redis that may be broken."""
    server = Redis(tmp_path_factory.mktemp("own_redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def over_redis(own_redis, config, registry, worker, monkeypatch):
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    with client_with(config, registry, REDIS_URL=own_redis.url) as client:
        yield client, jobs.huey.storage.conn


@for_each(
    ("command", "broken", "whole", "missing"),
    [
        ("CONFIG SET", ("maxmemory", "1mb"), ("maxmemory", "0"), "redis_full"),
        ("REPLICAOF", ("127.0.0.1", 9), ("NO", "ONE"), "redis_read_only"),
        ("CONFIG SET", (REPLICAS, "1"), (REPLICAS, "0"), "redis_refuses"),
    ],
)
def test_redis_that_takes_nothing_is_told(over_redis, command, broken, whole, missing):
    """It answers: is full, can be read only, or wants replicas that are not there."""
    client, redis = over_redis
    until_ready(client)

    redis.execute_command(command, *broken)
    try:
        wait_for(lambda: ask(client)["missing"] == [missing], what=missing)
    finally:
        redis.execute_command(command, *whole)

    until_ready(client)


def test_redis_that_hangs_is_told(over_redis, own_redis):
    client, _ = over_redis

    with stopped(own_redis):
        hanging = ask(client)

    assert hanging["missing"] == ["redis"]
    until_ready(client)


@contextmanager
def stopped(server):
    os.killpg(server.child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.child.pid, signal.SIGCONT)


def are_built() -> bool:
    with suppress(PyMongoError):  # given up after a second, as by a web process
        return indexes.build() == {}
    return False


@pytest.fixture
def over_mongo(own_mongo, database, config, registry, monkeypatch):
    for name, seconds in (("CACHE_S", 0.0), ("MAX_CHECK_S", 1.2), ("DEADLINE_S", 1.7)):
        monkeypatch.setattr(readiness, name, seconds)  # as the product has the last two
    with client_with(config, registry, MONGODB_URI=own_mongo.uri) as client:
        wait_for(are_built, what="its indexes are built")
        beat = {"started_at": utcnow(), "seen_at": utcnow() + LONG_AGO}
        Worker.collection().replace_one({"_id": "w"}, beat, upsert=True)
        yield client


def test_mongodb_that_hangs_is_told(over_mongo, own_mongo):
    """Within two seconds, however often it is asked, and no more once it is back."""
    until_ready(over_mongo)

    with stopped(own_mongo):
        hanging = [ask(over_mongo)["missing"] for _ in range(3)]

    assert hanging == [["mongodb"]] * 3
    until_ready(over_mongo)


def until_ready(client) -> None:
    wait_for(lambda: ask(client)["missing"] == [], what="it is ready")


def test_mongodb_that_takes_no_writes_is_told(over_mongo):
    """It can be read, as a secondary or one without room can."""
    admin = documents.connection.mongoengine.get_connection().admin
    until_ready(over_mongo)

    admin.command("replSetStepDown", 20, force=True)
    try:
        refusing = ask(over_mongo)
    finally:
        admin.command("replSetFreeze", 0)

    assert refusing["missing"] == ["mongodb_refuses"]
    until_ready(over_mongo)


def test_clock_behind_the_data_is_told(
    database, config, registry, tmp_path, monkeypatch
):
    """And not that MongoDB does not answer, which it does."""
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    with clock_behind(tmp_path) as server:
        with pytest.raises(ConfigError):
            server.start()
        with client_with(config, registry, MONGODB_URI=server.uri) as client:
            told = ["mongodb_clock"]
            wait_for(lambda: ask(client)["missing"] == told, what="the clock")


def test_clock_explains_whatever_else_mongodb_lacks(monkeypatch):
    """A check that came too early, or is late, has nothing else to say."""
    behind = Mock(side_effect=OperationFailure("too far from this clock", 205))
    late = Mock(side_effect=AutoReconnect("no answer"))
    reasons = readiness.Reason("worker"), readiness.Reason("redis")
    early = Mock(return_value=readiness.Readiness(reasons))
    checks = [(early, "mongodb"), (late, "mongodb"), (behind, "mongodb_refuses")]
    monkeypatch.setattr(readiness, "CHECKS", checks)

    found = [each.code for each in readiness.run_checks().reasons]

    assert found == ["mongodb_clock", "redis"]


def test_lane_that_stands_still_is_told(probe, forgotten, lane):
    assert probe()["names"] == {"lane_stalled": [lane]}
    lanes.pause(lanes.SENDING, "root")
    found = probe()  # as the operator wants it
    assert (found["missing"], found["paused"]) == ([], ["sending"])
    lanes.resume(lanes.SENDING)

    pump.tick()
    run_queue()

    assert probe()["missing"] == []


@pytest.mark.parametrize(("field", "seconds"), [("taken_at", 0), ("not_before", 10)])
def test_lane_that_has_just_sent_or_backs_off_does_not_stand_still(
    probe, forgotten, lane, field, seconds
):
    """Busy lanes have a free slot at times, or the provider asked for patience."""
    moved = {"$set": {field: utcnow() + timedelta(seconds=seconds)}}
    Lane.collection().update_one({"_id": lane}, moved, upsert=True)

    assert probe()["missing"] == []


def test_full_lane_does_not_stand_still(probe, forgotten, client, database):
    create(client, n=2)
    pump.tick()
    run_queue()
    database.lanes.update_many({}, {"$unset": {"taken_at": ""}})
    database.generations.update_many(
        {"state": "queued"}, {"$set": {"created_at": utcnow() - LONG_AGO}}
    )
    assert Generation.collection().count_documents({"state": "queued"}) == 1

    assert probe()["missing"] == []


@pytest.mark.parametrize(
    ("states", "missing"),
    [
        (["upscaling", "upscaling"], ["lane_stalled"]),
        (["upscaling", "generating"], []),
        (["generating", "generating"], []),
    ],
)
def test_lane_whose_places_another_release_holds_stands_still(
    probe, forgotten, client, lane, states, missing
):
    """It sends nothing until that release is back; with one place left it goes on.
    While it is paused, the operator wanted it."""
    create(client, n=2)
    rows = Generation.collection().find({"index": {"$gte": 0}}).sort("created_at", -1)
    for slot, (row, state) in enumerate(zip(rows, states, strict=False)):
        held = {"state": state, "slot": slot}
        Generation.collection().update_one({"_id": row["_id"]}, {"$set": held})

    assert probe()["missing"] == missing
    lanes.pause(lanes.SENDING, "root")
    assert probe()["missing"] == []


def test_lane_that_goes_on_between_two_looks_does_not_stand_still(
    probe, forgotten, monkeypatch
):
    """A delay that has just ended looks like a stall for a moment."""

    def meanwhile(seconds: float) -> None:
        pump.tick()
        run_queue()

    monkeypatch.setattr("jimeng.monitoring.readiness.time.sleep", meanwhile)

    assert probe()["missing"] == []
