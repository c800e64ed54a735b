"""The Procfile's own lines, run with settings from the environment, good and wrong."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jimeng.config import Config
from jimeng.serve import web
from tests.each import for_each
from tests.standin import ROOT, free_port
from tests.system.asking import answers
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

PROCFILE = dict(
    re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
)
OPEN = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1"}
PLAIN = {
    # Of two workers the second may refuse while Gunicorn stops because of the first,
    # and then its status and its last words are others: `serve.master` mends that.
    "web": f"{sys.executable} -m gunicorn -w 1 wsgi:app -b 127.0.0.1:0",
    "worker": f"{sys.executable} -m huey.bin.huey_consumer wsgi.huey",
}


@contextmanager
def running(folder: Path, line: str, **env: str) -> Iterator[subprocess.Popen]:
    """A line of a Procfile, in a shell of its own, as platforms run it."""
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            ["sh", "-c", f"exec {line}"],
            cwd=folder,
            env={**kept, "PATH": path, "PYTHONPATH": str(ROOT), **env},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def log_of(folder: Path) -> str:
    return (folder / "log").read_text()


@for_each(
    "given, told",
    [
        ({"PORT": "81"}, "0.0.0.0:81"),
        ({"PORT": "81", "SERVER_PORT": "1"}, "0.0.0.0:81"),
        ({"PORT": "81", "SERVER_HOST": "127.0.0.1"}, "127.0.0.1:81"),
        ({"SERVER_PORT": "81"}, "localhost:81"),
        ({"SERVER_PORT": "81", "SERVER_HOST": "0.0.0.0"}, "0.0.0.0:81"),
    ],
)
def test_address_is_the_one_that_is_told(given, told):
    """PORT is what a platform asks at from outside; without it nobody else may ask."""
    assert web.address(Config.from_env(given), given) == told


@pytest.mark.parametrize(
    ("name", "elsewhere"), [("PORT", True), ("SERVER_PORT", False)]
)
def test_web_listens_where_it_is_told(tmp_path, name, elsewhere):
    """And nowhere else."""
    port = free_port()
    env = {name: str(port)}

    with running(tmp_path, f"{PROCFILE['web']} --workers 1", **OPEN, **env) as process:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"))
        there = answers(f"http://127.0.0.2:{port}/health", Host="localhost")
        assert there == elsewhere
        process.terminate()

        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)


@pytest.mark.parametrize("kind", ["web", "worker"])
def test_every_line_of_the_log_is_json(tmp_path, servers, kind):
    """Gunicorn's lines and Huey's as well as ours, from the first to the last."""
    env = {"MONGODB_URI": servers.mongodb_uri, "REDIS_URL": servers.redis_url(9)}
    env |= {"LOG_FORMAT": "json", "LOG_LEVEL": "debug", "PORT": str(free_port())}
    begun = {"web": "Booting worker", "worker": "pump started"}[kind]

    with running(tmp_path, PROCFILE[kind], **OPEN, **env) as process:
        wait_for(lambda: begun in log_of(tmp_path))
        process.terminate()
        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)

    lines = log_of(tmp_path).splitlines()
    assert lines
    assert all(
        {"time", "level", "message"} <= json.loads(line).keys() for line in lines
    )


def test_worker_stops_while_the_databases_are_away(tmp_path):
    """What still waits for an answer holds nothing, and keeps nobody."""
    nowhere, grace = f"127.0.0.1:{free_port()}", 5
    env = {"MONGODB_URI": f"mongodb://{nowhere}", "REDIS_URL": f"redis://{nowhere}/0"}
    env["SHUTDOWN_GRACE"] = str(grace)

    with running(tmp_path, PROCFILE["worker"], **OPEN, **env) as process:
        wait_for(lambda: "pump started" in log_of(tmp_path))
        process.terminate()

        assert process.wait(2 * grace) == 0, log_of(tmp_path)


MISSING = ({}, "SECRET_KEY is missing")
NO_NUMBER = ({**OPEN, "POLL_INTERVAL": "soon"}, "POLL_INTERVAL must be a number")
IN_JSON = ({**NO_NUMBER[0], "LOG_FORMAT": "json"}, NO_NUMBER[1])
NO_FILE = ({**OPEN, "MODELS_FILE": "no.json"}, "MODELS_FILE no.json")


# Each start is a second: each line of each kind, and each setting, once at least.
@pytest.mark.parametrize(
    ("lines", "kind", "wrong"),
    [
        (PROCFILE, "web", MISSING),
        (PLAIN, "web", NO_NUMBER),
        (PROCFILE, "worker", IN_JSON),
        (PLAIN, "worker", NO_FILE),
    ],
)
def test_wrong_setting_ends_it(tmp_path, lines, kind, wrong):
    """It does not start workers for ever: a sentence, and a status that is not 0."""
    env, said = wrong
    with running(tmp_path, lines[kind], PORT=str(free_port()), **env) as process:
        assert process.wait(PATIENCE_S) == 4, log_of(tmp_path)

    sentence = "jimeng does not start: "
    assert sentence in log_of(tmp_path) and said in log_of(tmp_path)
    assert "Traceback" not in log_of(tmp_path)
    if wrong is IN_JSON:  # who reads lines by program reads this one, too
        (line,) = log_of(tmp_path).splitlines()
        assert said in json.loads(line)["message"]


REFUSING = """
import os, signal, sys

try:
    os.mkdir("first")
except FileExistsError:
    signal.pause()  # until the first one's refusal stops the server
sys.exit(4)
"""


def test_workers_that_refuse_together_end_it_once(tmp_path):
    """The second refusal, while the first one stops the server, changes nothing."""
    (tmp_path / "refusing.py").write_text(REFUSING)
    line = "python -m jimeng.serve.master --workers 2 --bind 127.0.0.1:0 refusing:app"

    with running(tmp_path, line) as process:
        assert process.wait(PATIENCE_S) == 4, log_of(tmp_path)

    assert "Traceback" not in log_of(tmp_path)


STOPPED_EARLY = """
import os, signal

def post_fork(server, worker):
    os.kill(os.getppid(), signal.SIGTERM)
    server.SIG_QUEUE.get(timeout=60)  # the master's, to this worker: it goes unheard
"""


def test_server_that_is_stopped_as_it_starts_ends(tmp_path):
    """And does not wait for a worker that was told before it listened."""
    (tmp_path / "early.py").write_text(STOPPED_EARLY)
    line = f"{PROCFILE['web']} --workers 1 --config early.py"
    env = {**OPEN, "PORT": str(free_port()), "SHUTDOWN_GRACE": "60"}

    with running(tmp_path, line, **env) as process:
        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)


@pytest.mark.parametrize("words", ["", "both", "worker --fast"])
def test_what_is_neither_is_told_how(tmp_path, words):
    """A wrong word is not taken for one of the two."""
    with running(tmp_path, f"python -m jimeng.serve {words}") as process:
        assert process.wait(PATIENCE_S) == 2

    assert log_of(tmp_path).startswith("usage: ")
