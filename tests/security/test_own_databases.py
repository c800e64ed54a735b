"""The databases of ``make run``: nobody else gets in; who can write runs no code."""

import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import bson
import pytest
from huey.api import Huey
from huey.consumer import Scheduler, Worker
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from jimeng import jobs
from jimeng.documents import Generation, State
from jimeng.errors import outages
from jimeng.jobs.queue import dispatch
from jimeng.local.embedded import Redis, is_open, store_port
from tests.databases import Mongo
from tests.each import for_each
from tests.test_core import create, result
from tests.waiting import wait_for

# Tries what may be read in directories, and tells what is said at ports.
STRANGER = """
import glob, json, os, socket, sys
folders, links = json.load(sys.stdin)
told = {"uid": os.getuid(), "opened": [], "said": []}
for path in folders + [f for each in folders for f in glob.glob(each + "/*")]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path).close()
        told["opened"].append(path)
    except OSError:
        pass
for port, message in links:
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        link.sendall(bytes.fromhex(message))
        told["said"].append(link.recv(65536).hex())
json.dump(told, sys.stdout)
"""
NOBODY = 65534
UNAUTHORIZED = 13  # mongod's error_codes.yml
ASKED = ({"listDatabases": 1, "$db": "admin"}, {"find": "things", "$db": "test"})


def stranger_sees(mongo: Mongo, redis_server: Redis) -> dict:
    """What another user of this machine opens, and is told by both servers."""
    head = b"\0" * 8 + (2013).to_bytes(4, "little") + b"\0" * 5
    asked = [head + bson.encode(each) for each in ASKED]
    links = [
        (mongo.port, ((len(each) + 4).to_bytes(4, "little") + each).hex())
        for each in asked
    ]
    links.append((redis_server.port, b"KEYS *\r\n".hex()))
    folders = [str(mongo.data_dir), str(redis_server.data_dir)]
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin") or sys.executable
    is_root = os.getuid() == 0
    ran = subprocess.run(
        [python, "-I", "-c", STRANGER],
        input=json.dumps([folders if is_root else [], links]),
        user=NOBODY if is_root else None,
        group=NOBODY if is_root else None,
        extra_groups=[] if is_root else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ran.stdout)
    assert not is_root or told["uid"] == NOBODY
    *of_mongo, of_redis = map(bytes.fromhex, told["said"])
    answers = [bson.decode(each[21:]) for each in of_mongo]
    return {"opened": told["opened"], "mongo": answers, "redis": of_redis.decode()}


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that everybody may look into."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield Path(path)


@pytest.fixture
def mongo(home) -> Iterator[Mongo]:
    server = Mongo(home / "mongo")
    yield server
    server.stop()


@pytest.fixture
def redis_server(home) -> Iterator[Redis]:
    server = Redis(home / "redis")
    yield server
    server.stop()


def test_databases_are_nobody_elses(mongo, redis_server):
    mongo.start()
    redis_server.start()
    with MongoClient(mongo.uri) as client:
        client.test.things.insert_one({"_id": "secret"})

    found = stranger_sees(mongo, redis_server)

    assert found["opened"] == []
    assert {each["code"] for each in found["mongo"]} == {UNAUTHORIZED}
    assert found["redis"].startswith("-NOAUTH")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True)
    of_redis = redis_server.data_dir / "password"
    for file in (mongo.data_dir / "password", mongo.data_dir / "keyfile", of_redis):
        assert file.read_text() not in listed.stdout + mongo.log.read_text()
        assert file.stat().st_mode & 0o777 == 0o600
    assert (redis_server.data_dir / "redis.conf").stat().st_mode & 0o777 == 0o600
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.2", redis_server.port))  # free, so it is not on 0.0.0.0


def test_first_on_the_machine_makes_no_user(mongo):
    """Who comes before the server has its user is a stranger, too."""
    mongo.data_dir.mkdir(parents=True)
    mongo.port = store_port(mongo.port_file)
    mongo.spawn()
    wait_for(lambda: is_open(mongo.port))

    with MongoClient(port=mongo.port, directConnection=True) as stranger:
        for command in ("createUser", "replSetInitiate"):
            with pytest.raises(OperationFailure) as refused:
                stranger.admin.command(command, "me", pwd="x", roles=["root"])
            assert refused.value.code == UNAUTHORIZED


@pytest.mark.parametrize(
    "lost", ["password", pytest.param("keyfile", marks=pytest.mark.system)]
)
def test_mongo_moves_house(mongo, home, lost):
    """Under another name, on another port, with a file lost on the way."""
    mongo.start()
    with MongoClient(mongo.uri) as client:
        client.test.things.insert_one({"_id": 1})
    mongo.stop()
    there = home / "another place"
    mongo.data_dir.rename(there)
    (there / lost).unlink()
    (there / "port").unlink()

    moved = Mongo(there)
    moved.start()

    try:
        with MongoClient(moved.uri) as client:
            assert client.test.things.count_documents({}) == 1
    finally:
        moved.stop()


NAME = "jimeng.jobs.queue.dispatch"


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def worker() -> Worker:
    return Worker(jobs.huey, threading.Event(), 0.01, 0.01, 1.0)


@pytest.fixture
def push(database):
    """Put bytes into the queue, as somebody who can write to Redis does."""
    storage = jobs.huey.storage
    return lambda data: storage.conn.lpush(storage.queue_key, data)


@pytest.fixture
def alarms(monkeypatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(outages, "failed", lambda what, error: told.append(what))
    return told


def test_pickle_is_not_read(push, tmp_path, alarms):
    """In the queue, on the schedule, and where Huey looks for revoked jobs."""
    trap = pickle.dumps(Trap(tmp_path / "ran"))
    storage, lane = jobs.huey.storage, dispatch.s("a:b")
    push(trap)
    storage.add_to_schedule(trap, datetime.fromtimestamp(0))
    for key in Huey._revoke_keys(jobs.huey, lane):
        storage.put_data(key, trap)
    jobs.huey.enqueue(lane)

    for _ in range(2):
        worker().loop()
    Scheduler(jobs.huey, threading.Event(), 1, False).loop()

    assert not (tmp_path / "ran").exists()
    assert storage.queue_size() == 0
    assert alarms == ["queue"]


@for_each(
    "data",
    [
        *(b"", b"\0", b"{}", b"[]", b"null", b'"a"', b"[" * 900, b"\xff\xfe"),
        *(b"NaN", b"[1]", json.dumps([NAME, 1]).encode(), b"[[]]"),
        json.dumps([NAME, {"$gt": ""}]).encode(),
        json.dumps([NAME, "a\nb"]).encode(),
        json.dumps([NAME, "\ud800"]).encode(),
        json.dumps([NAME, "a" * 2000]).encode(),
        json.dumps(["os.system", "id"]).encode(),
        json.dumps(["jimeng.jobs.queue.continue_after", "a"]).encode(),
        pickle.dumps([NAME, "a:b"]),
    ],
)
def test_what_is_no_job_is_dropped(push, data, alarms):
    """With an alarm, and the worker goes on to the next at once."""
    push(data)

    assert jobs.huey.dequeue() is None
    assert (alarms.pop(), alarms) == ("queue", [])
    assert jobs.huey.storage.queue_size() == 0


def test_forged_job_moves_nothing(client, push, lane, provider):
    """Of what is under way; who can write to Redis does not know MongoDB's tokens."""
    create(client)
    push(json.dumps([NAME, lane]).encode())
    worker().loop()
    assert len(provider.requests) == 1
    row = Generation.collection().find_one({"state": State.GENERATING.value})

    name = NAME.replace("dispatch", "advance")
    for token in ("", "forged", row["_id"]):
        push(json.dumps([name, row["_id"], token]).encode())
        worker().loop()

    assert provider.polled == []
    assert Generation.collection().find_one({"_id": row["_id"]}) == row


def test_lost_jobs_are_found_by_the_pump(client, push, work_off):
    """Whatever was dropped, or written by another release."""
    task_id = create(client)["task_id"]
    jobs.huey.storage.flush_queue()
    push(b"rubbish")
    worker().loop()

    work_off()

    assert result(client, task_id)["status"] == "completed"
