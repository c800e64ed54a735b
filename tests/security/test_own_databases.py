"""The databases of ``make run``: nobody else on this machine gets in."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from jimeng.local.embedded import Redis, is_open, store_port
from tests.databases import Mongo
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
    with socket.create_connection(("127.0.0.1", port), 5) as link:
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
    """Another user of this machine reads no file and is answered by neither server."""
    mongo.start()
    redis_server.start()
    with MongoClient(mongo.uri) as client:
        client.test.things.insert_one({"_id": "secret"})

    found = stranger_sees(mongo, redis_server)

    assert found["opened"] == []
    assert {each["code"] for each in found["mongo"]} == {UNAUTHORIZED}
    assert found["redis"].startswith("-NOAUTH")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True)
    for name in ("password", "keyfile"):
        secret = (mongo.data_dir / name).read_text()
        assert secret not in listed.stdout
        assert secret not in mongo.log.read_text()
        assert (mongo.data_dir / name).stat().st_mode & 0o777 == 0o600


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
