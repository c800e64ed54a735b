"""The Procfile's own lines, run with settings from the environment, good and wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from jimeng.config import Config, server
from tests.each import for_each
from tests.standin import CONF, ROOT, free_port
from tests.system.asking import answers
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

PROCFILE = dict(
    re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
)
OPEN = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1"}
OLDER = {kind: f"python -m jimeng.serve {kind}" for kind in ("web", "worker")}


@contextmanager
def running(folder: Path, line: str, **env: str) -> Iterator[subprocess.Popen]:
    """A line of a Procfile, in a shell of its own, as platforms run it."""
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    (folder / CONF.name).symlink_to(CONF)
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
    assert server.settings(Config.from_env(given), given)["bind"] == told


def test_procfile_has_the_commands_of_make_run():
    """There they run without a shell, by the interpreter that runs already."""
    names = {"huey.bin.huey_consumer": "huey_consumer"}
    lines = {"web": server.WEB, "worker": server.WORKER}

    found = {
        kind: " ".join([names.get(module, module), *options])
        for kind, (_, module, *options) in lines.items()
    }

    assert {kind: PROCFILE[kind] for kind in found} == found


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


AT_WORK = """
import os, time
from huey import MemoryHuey
from jimeng.process.broker import JsonHuey

class OwnHuey(MemoryHuey):
    config, exit_status = JsonHuey.config, JsonHuey.exit_status
    create_consumer = JsonHuey.create_consumer

huey = OwnHuey()

@huey.task()
def work():
    os.mkdir("begun")
    while not os.path.exists("go on"):
        time.sleep(0.01)
    os.mkdir("finished")

work()
"""


def test_worker_finishes_its_jobs_however_often_it_is_told_to_stop(tmp_path):
    """A second signal is normal: of systemd, and of a parent that forwards it."""
    (tmp_path / "at_work.py").write_text(AT_WORK)
    line = PROCFILE["worker"].replace("wsgi.huey", "at_work.huey")

    with running(tmp_path, line) as process:
        wait_for((tmp_path / "begun").exists)
        for _ in range(5):
            process.terminate()
            time.sleep(0.2)
        (tmp_path / "go on").touch()
        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)

    assert (tmp_path / "finished").exists()


MISSING = ({}, "SECRET_KEY is missing")
NO_NUMBER = ({**OPEN, "WAIT_SECONDS": "soon"}, "WAIT_SECONDS must be a number")
IN_JSON = ({**NO_NUMBER[0], "LOG_FORMAT": "json"}, NO_NUMBER[1])
NO_FILE = ({**OPEN, "MODELS_FILE": "no.json"}, "MODELS_FILE no.json")


# Each start is a second: each line of each kind, and each setting, once at least.
@pytest.mark.parametrize(
    ("lines", "kind", "wrong"),
    [
        (PROCFILE, "web", MISSING),
        (OLDER, "web", NO_NUMBER),
        (PROCFILE, "web", NO_FILE),
        (PROCFILE, "worker", IN_JSON),
        (OLDER, "worker", NO_FILE),
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
    line = "gunicorn refusing:app --bind 127.0.0.1:0"

    with running(tmp_path, line) as process:
        assert process.wait(PATIENCE_S) == 4, log_of(tmp_path)

    assert "Traceback" not in log_of(tmp_path)


STOPPED_EARLY = """
import os, runpy, signal, time

globals().update(runpy.run_path("gunicorn.conf.py"))
usual = post_fork

def post_fork(server, worker):
    usual(server, worker)
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(600)  # the master's own signal comes before the worker has begun
"""


def test_server_that_is_stopped_as_it_starts_ends(tmp_path):
    """And does not wait for a worker that was told before it listened."""
    (tmp_path / "early.py").write_text(STOPPED_EARLY)
    line = f"{PROCFILE['web']} --workers 1 --config early.py"
    env = {**OPEN, "PORT": str(free_port()), "SHUTDOWN_GRACE": "60"}

    with running(tmp_path, line, **env) as process:
        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)

    assert "SIGKILL" not in log_of(tmp_path)


OF_TODAY = """
from flask import Flask
from jimeng.config import Config
from release import TEXT

app = Flask(__name__)
app.config["JIMENG"] = Config()
app.add_url_rule("/health", "health", lambda: TEXT)
"""


def test_reload_loads_new_code(tmp_path):
    """After SIGHUP, as when a release was unpacked over the one before."""
    port = free_port()
    (tmp_path / "wsgi.py").write_text(OF_TODAY)
    (tmp_path / "release.py").write_text("TEXT = 'the first'")

    def answer() -> str:
        with suppress(OSError):
            return urlopen(f"http://127.0.0.1:{port}/health").read().decode()
        return ""

    with running(tmp_path, "gunicorn wsgi:app", PORT=str(port)) as process:
        wait_for(lambda: answer() == "the first")
        (tmp_path / "release.py").write_text("TEXT = 'the second one'")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: answer() == "the second one")


def test_master_loads_nothing_of_ours():
    """A worker would keep it after SIGHUP; and gevent has to patch first."""
    script = f"""if True:
        import runpy, sys
        runpy.run_path({str(CONF)!r})
        print([name for name in sys.modules if name.split(".")[0] in sys.argv[1:]])
    """
    words = [sys.executable, "-c", script, "jimeng", "pymongo", "redis", "requests"]

    assert subprocess.check_output(words, cwd=ROOT, text=True).strip() == "[]"


def test_stop_does_not_wait_for_idle_connections(tmp_path):
    """Neither for one that has been answered, nor for one that never asked."""
    port = free_port()
    env = {**OPEN, "PORT": str(port), "SHUTDOWN_GRACE": "600"}

    with running(tmp_path, PROCFILE["web"], **env) as process, ExitStack() as links:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health"))
        for asks in (True, True, False, False):
            link = socket.create_connection(("127.0.0.1", port))
            links.enter_context(link)
            if asks:
                link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert link.recv(12) == b"HTTP/1.1 200"
        process.terminate()

        assert process.wait(PATIENCE_S) == 0, log_of(tmp_path)


@pytest.mark.parametrize("options", ["--config /dev/null", "--worker-class gthread"])
def test_another_worker_class_is_an_error_in_the_log(tmp_path, options):
    """It works, but each request that waits holds a thread."""
    line = f"{PROCFILE['web']} --bind 127.0.0.1:{free_port()} {options}"

    with running(tmp_path, line, **OPEN) as process:
        wait_for(lambda: "runs without gunicorn.conf.py" in log_of(tmp_path))
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.mark.parametrize("words", ["", "both", "worker --fast"])
def test_older_command_with_wrong_words_says_the_new_ones(tmp_path, words):
    with running(tmp_path, f"python -m jimeng.serve {words}") as process:
        assert process.wait(PATIENCE_S) == 1

    assert log_of(tmp_path).startswith("usage: gunicorn wsgi:app")
