"""``python app.py``: starts everything or says why not, and leaves nothing behind."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.waiting import wait_for

ROOT = Path(__file__).parents[1]
NO_DATABASES = {
    "MONGODB_URI": "mongodb://db.invalid",
    "REDIS_URL": "redis://db.invalid",
}
OWN_KEYS = {"VOLCENGINE_ACCESS_KEY": "AK", "VOLCENGINE_SECRET_KEY": "SK"}

APP = """
import sys
from http.client import HTTPException
from pathlib import Path
from jimeng.local.supervisor import main

sys.exit(main(root=Path(__file__).parent))
"""
# Stands in for the real one: says who it is and what it was given. Each process
# that runs it keeps the FIFO open for writing as long as it lives.
WSGI = """
import json, os, time
from huey import MemoryHuey

VERSION = 1
alive = open("alive", "w")
huey = MemoryHuey()

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(60)
    start_response("200 OK", [("Content-Type", "application/json")])
    about = {"version": VERSION, "pid": os.getpid(), "parent": os.getppid()}
    return [json.dumps(about | {"env": dict(os.environ)}).encode()]
"""


@dataclass
class Site:
    """A directory with the stand-in, from which jimeng can be run."""

    path: Path
    port: int
    alive: int  # the FIFO's reading end

    @contextlib.contextmanager
    def start(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen]:
        """Run it with these settings; it is killed at the end, if it still runs."""
        inherited = {
            name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
        }
        settings = {"PYTHONPATH": str(ROOT), "SERVER_PORT": str(self.port)}
        with (
            (self.path / "log").open("ab") as log,
            subprocess.Popen(
                [sys.executable, str(self.path / "app.py"), *arguments],
                env={**inherited, **settings, **env},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def refusal(self, **env: str) -> str:
        """Standard error of a start that ends with status 2."""
        before = self.log()
        with self.start(**env) as process:
            assert process.wait(20) == 2, self.log()
        return self.log().removeprefix(before)

    def log(self) -> str:
        path = self.path / "log"
        return path.read_text() if path.exists() else ""

    def ask(self, path: str = "/") -> dict:
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            return bool(self.ask())
        except (OSError, HTTPException):
            return False

    def is_empty(self) -> bool:
        """Whether no process that runs ``wsgi.py`` is left."""
        try:
            return os.read(self.alive, 1) == b""
        except BlockingIOError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_line(process: subprocess.Popen) -> str:
    """The line that says it is ready."""
    ready, _, _ = select.select([process.stdout], [], [], 20)
    assert ready, "no line within 20 s"
    return process.stdout.readline()


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "a site"
    path.mkdir()
    (path / "app.py").write_text(APP)
    (path / "wsgi.py").write_text(WSGI)
    os.mkfifo(path / "alive")
    alive = os.open(path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    yield Site(path, free_port(), alive)
    os.close(alive)


@pytest.fixture
def running(site):
    """The stand-in, up and running without databases or demo provider."""
    with site.start(**NO_DATABASES, **OWN_KEYS) as process:
        assert first_line(process) == f"jimeng: http://localhost:{site.port}\n"
        yield process
    wait_for(site.is_empty)


REFUSALS = [
    ({"SERVER_HOST": "0.0.0.0"}, "ALLOW_OPEN_ACCESS=1"),
    ({"SERVER_HOST": "192.0.2.1", "ALLOW_OPEN_ACCESS": "1"}, "cannot listen"),
    ({"POLL_INTERVAL": "soon"}, "POLL_INTERVAL must be a number"),
    ({"DATA_DIR": "/dev/null/x"}, "DATA_DIR /dev/null/x cannot be used"),
]


@pytest.mark.parametrize(("env", "said"), REFUSALS)
def test_what_keeps_it_from_starting_is_one_sentence(site, env, said):
    """A setting that does not do is named, in one line, with status 2."""
    refusal = site.refusal(**env)

    assert said in refusal
    assert refusal.startswith("jimeng does not start: ")
    assert refusal.count("\n") == 1


def test_a_broken_dotenv_is_one_sentence(site):
    """The line that is wrong is named."""
    (site.path / ".env").write_text("POLL_INTERVAL\n")

    assert "no = after POLL_INTERVAL" in site.refusal()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_a_taken_port_is_named_with_the_way_out(site, host):
    """Also one that only browsers would run into: IPv6's localhost."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((host, site.port))
        other.listen()

        refusal = site.refusal(**NO_DATABASES, **OWN_KEYS)

    assert f"port {site.port} is taken" in refusal
    assert "SERVER_PORT=" in refusal


@pytest.mark.system
def test_children_get_the_settings_and_end_with_sigterm(site, running):
    """The web server is open to this machine only; after SIGTERM nothing is left."""
    env = site.ask()["env"]
    assert env["AUTH"] == "off"
    assert env["ALLOW_OPEN_ACCESS"] == "1"
    assert env["MONGODB_URI"] == NO_DATABASES["MONGODB_URI"]
    assert "JIMENG_DEMO" not in env

    running.terminate()

    assert running.wait(20) == 0
    assert site.is_empty()


@pytest.mark.system
def test_sign_in_gets_a_secret_that_stays(site):
    """Made at the first start, kept for the next ones, nobody else's to read."""
    secrets_seen = []
    for _ in range(2):
        with site.start(AUTH="on", **NO_DATABASES, **OWN_KEYS) as process:
            first_line(process)
            env = site.ask()["env"]
            process.terminate()
            process.wait(20)
        secrets_seen.append(env["SECRET_KEY"])
        assert env["AUTH"] == "on" and "ALLOW_OPEN_ACCESS" not in env

    assert secrets_seen[0] == secrets_seen[1]
    assert len(secrets_seen[0]) == 64
    assert (site.path / ".data/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.system
def test_a_second_start_names_the_first(site, running):
    """Two on the same data are refused, also on another port."""
    refusal = site.refusal(SERVER_PORT=str(free_port()), **NO_DATABASES, **OWN_KEYS)

    assert f"already running on {site.path}/.data, pid {running.pid}" in refusal


@pytest.mark.system
def test_a_killed_child_is_started_again(site, running):
    """Kill Gunicorn: another answers after a moment."""
    os.kill(site.ask()["parent"], signal.SIGKILL)

    wait_for(lambda: "web ended status=137, starting again in 0.5 s" in site.log())
    wait_for(site.answers)


@pytest.mark.system
def test_the_second_ctrl_c_waits_for_nothing(site, running):
    """A request under way holds up the first Ctrl-C, but not the second."""
    with socket.create_connection(("127.0.0.1", site.port)) as link:
        link.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        running.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.5)

        running.send_signal(signal.SIGINT)

        assert running.wait(3) == 130
    assert site.is_empty()


@pytest.mark.system
def test_dev_mends_what_was_broken(site):
    """A mistake in a source ends the web server; mending it brings it back."""
    with site.start("--dev", **NO_DATABASES, **OWN_KEYS) as process:
        first_line(process)

        (site.path / "wsgi.py").write_text("here is a mistake")
        wait_for(lambda: "web ended" in site.log())
        (site.path / "wsgi.py").write_text(WSGI)

        wait_for(site.answers)


@pytest.mark.system
def test_dev_follows_the_sources(site):
    """A changed file is served soon, without a moment in which nothing answers."""
    with site.start("--dev", **NO_DATABASES, **OWN_KEYS) as process:
        first_line(process)
        parent = site.ask()["parent"]

        (site.path / "wsgi.py").write_text(WSGI.replace("VERSION = 1", "VERSION = 22"))

        wait_for(lambda: site.ask()["version"] == 22)  # asking must not fail
        assert site.ask()["parent"] == parent
        process.terminate()
        assert process.wait(20) == 0


@pytest.mark.system
def test_sigkill_leaves_nothing_and_loses_nothing(site):
    """Databases, demo provider and all end with it; the next start has their data."""
    with site.start() as process:
        line = first_line(process)
        assert line.startswith(f"jimeng: http://localhost:{site.port} ")
        assert "demo provider" in line
        env = site.ask()["env"]
        process.kill()
    assert env["JIMENG_DEMO"] == "1"

    with site.start() as process:  # at once, while the first ones are still ending
        first_line(process)
        again = site.ask()["env"]
        kept = ["MONGODB_URI", "REDIS_URL", "VOLCENGINE_ENDPOINT"]
        kept += ["VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"]
        assert [again[name] for name in kept] == [env[name] for name in kept]
        process.kill()

    wait_for(site.is_empty)
    for name in ("mongodb/port", "redis/port", "simulator.port"):
        port = int((site.path / ".data" / name).read_text())
        wait_for(lambda port=port: not is_listening(port))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
