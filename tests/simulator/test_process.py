"""The simulator as a process: how it starts, and what its death leaves."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from jimeng.config import Config
from jimeng.local.supervisor.plan import demo_environment
from tests.simulator.caller import ACCESS_KEY, ARK_KEY, SECRET_KEY, Caller
from tests.standin import free_port, is_open
from tests.waiting import PATIENCE_S, wait_for

port = pytest.fixture(free_port)


@pytest.fixture
def start(port: int, tmp_path) -> Iterator[Callable[[], subprocess.Popen]]:
    """Starts the process, its keys in the environment, and waits for it."""
    started = []
    keys = {"VOLCENGINE_ACCESS_KEY": ACCESS_KEY, "VOLCENGINE_SECRET_KEY": SECRET_KEY}
    keys["ARK_API_KEY"] = ARK_KEY
    command = [sys.executable, "-m", "simulator", "--port", str(port)]
    command += ["--state", str(tmp_path / "ledger")]

    def start() -> subprocess.Popen:
        process = subprocess.Popen(
            command, env={**os.environ, **keys}, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        wait_for(lambda: is_open(port))
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_its_death_loses_no_accepted_task_and_sigterm_ends_it_in_order(start, port):
    process = start()
    task_id = Caller(port).accepted()
    process.kill()
    process.wait()
    process, caller = start(), Caller(port)
    rows = caller.get("/_simulator/ledger").json["rows"]
    assert [row["task_id"] for row in rows] == [task_id]
    assert (caller.ark().status, caller.ark(key="wrong").status) == (200, 401)
    caller.accepted()
    connection = http.client.HTTPConnection(caller.host, timeout=60)
    connection.request("GET", "/_simulator/settings")
    connection.getresponse().read()

    process.send_signal(signal.SIGTERM)
    _, written = process.communicate(timeout=PATIENCE_S)
    connection.close()

    assert process.returncode == 0
    assert "simulator stopped" in written
    assert "task accepted" in written
    assert SECRET_KEY not in written
    assert ARK_KEY not in written


@pytest.mark.parametrize("missing", ["VOLCENGINE_SECRET_KEY", "LOG_LEVEL"])
def test_wrong_setting_is_named(missing):
    keys = {"VOLCENGINE_ACCESS_KEY": ACCESS_KEY, "VOLCENGINE_SECRET_KEY": SECRET_KEY}
    env = {**os.environ, **keys, missing: "" if "KEY" in missing else "loud"}

    done = subprocess.run(
        [sys.executable, "-m", "simulator"], env=env, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert missing in done.stderr.splitlines()[-1]


def test_it_logs_as_make_run_is_told(port):
    """In JSON and at the level, though it does not read `.env` itself."""
    keys = {"access": ACCESS_KEY, "secret": SECRET_KEY, "ark": ARK_KEY}
    config = Config(LOG_FORMAT="json", LOG_LEVEL="debug")
    env = {**os.environ, **demo_environment(config, port, keys)}
    command = [sys.executable, "-m", "simulator", "--port", str(port)]

    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as ran:
        wait_for(lambda: is_open(port))
        ran.send_signal(signal.SIGTERM)
        _, written = ran.communicate(timeout=PATIENCE_S)

    lines = [json.loads(line) for line in written.splitlines()]
    assert lines[-1]["message"] == "simulator stopped"
    assert env["LOG_LEVEL"] == "debug"
