"""``python app.py``: starts everything or says why not, and leaves nothing behind."""

import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from types import SimpleNamespace
from unittest.mock import Mock

import bson
import pytest

from jimeng.local.supervisor import datadir, service, source_watch
from jimeng.local.supervisor.service import Service
from tests import standin
from tests.chaos import group_kills
from tests.standin import (
    NO_DATABASES,
    OWN_KEYS,
    ROOT,
    WSGI,
    first_line,
    free_port,
    is_open,
)
from tests.waiting import PATIENCE_S, wait_for


@pytest.fixture
def site(tmp_path):
    with standin.made(tmp_path / "a site") as made:
        yield made


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
    ({"WAIT_SECONDS": "soon"}, "WAIT_SECONDS must be a number"),
    ({"DATA_DIR": "/dev/null/x"}, "DATA_DIR /dev/null/x cannot be used"),
    ({"DATA_DIR": "/dev/null/x"}, "choose another directory with DATA_DIR"),
]


@pytest.mark.parametrize(("env", "said"), REFUSALS)
def test_what_keeps_it_from_starting_is_one_sentence(site, env, said):
    refusal = site.refusal(**env)

    assert said in refusal
    assert refusal.startswith("jimeng does not start: ")
    assert refusal.count("\n") == 1


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


class OldMongo(StreamRequestHandler):
    """Answers as MongoDB 3.6 does."""

    def handle(self) -> None:
        found = {"ismaster": True, "helloOk": True, "minWireVersion": 0, "ok": 1.0}
        body = bson.encode({**found, "maxWireVersion": 6})
        while head := self.rfile.read(16):
            length, number, _, kind = struct.unpack("<iiii", head)
            self.rfile.read(length - 16)
            is_message = kind == 2013
            answer = b"\0" * 5 if is_message else struct.pack("<iqii", 8, 0, 0, 1)
            answer += body
            kind = kind if is_message else 1
            head = struct.pack("<iiii", 16 + len(answer), 1, number, kind)
            self.wfile.write(head + answer)


class LockedRedis(StreamRequestHandler):
    """Answers as a Redis with a password does."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.startswith(b"*"):
                self.wfile.write(b"-NOAUTH Authentication required.\r\n")


@pytest.mark.parametrize(
    ("server", "env", "said"),
    [
        (OldMongo, {"MONGODB_URI": "mongodb://127.0.0.1:{}/"}, "Upgrade it, or leave"),
        (LockedRedis, {"REDIS_URL": "redis://127.0.0.1:{}/0"}, "redis://:PASSWORD@"),
    ],
)
def test_database_that_will_never_do_is_refused(site, server, env, said):
    """Waiting does not make it newer, nor give it a password."""
    with ThreadingTCPServer(("127.0.0.1", 0), server) as listening:
        listening.daemon_threads = True
        Thread(target=listening.serve_forever, daemon=True).start()
        port = listening.server_address[1]
        env = {name: text.format(port) for name, text in env.items()}

        refusal = site.refusal(**{**NO_DATABASES, **OWN_KEYS, **env})
        listening.shutdown()

    assert refusal.startswith("jimeng does not start: ")
    assert said in refusal
    assert refusal.count("\n") == 1


@pytest.mark.system
def test_children_get_the_settings_and_end_with_sigterm(site, running):
    """A second start names the first; a child that is killed is started again."""
    env = site.ask()["env"]
    assert env["AUTH"] == "off"
    assert env["ALLOW_OPEN_ACCESS"] == "1"
    assert env["MONGODB_URI"] == NO_DATABASES["MONGODB_URI"]
    assert "JIMENG_DEMO" not in env
    refusal = site.refusal(SERVER_PORT=str(free_port()), **NO_DATABASES, **OWN_KEYS)
    assert f"already running on {site.path}/.data, pid {running.pid}" in refusal
    os.kill(site.ask()["parent"], signal.SIGKILL)
    wait_for(lambda: "web ended status=137, starting again in 0.5 s" in site.log())
    wait_for(site.answers)

    running.terminate()

    assert running.wait(PATIENCE_S) == 0
    assert site.is_empty()


@pytest.mark.system
def test_sign_in_gets_a_secret_that_stays(site):
    secrets_seen = []
    for _ in range(2):
        with site.start(AUTH="on", **NO_DATABASES, **OWN_KEYS) as process:
            first_line(process)
            env = site.ask()["env"]
            process.terminate()
            process.wait(PATIENCE_S)
        secrets_seen.append(env["SECRET_KEY"])
        assert env["AUTH"] == "on" and "ALLOW_OPEN_ACCESS" not in env

    assert secrets_seen[0] == secrets_seen[1]
    assert len(secrets_seen[0]) == 64
    assert (site.path / ".data/secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.system
def test_the_second_ctrl_c_waits_for_nothing(site, running):
    """A request under way holds up the first Ctrl-C, but not the second."""
    with socket.create_connection(("127.0.0.1", site.port)) as link:
        link.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for((site.path / "slow").exists)
        running.send_signal(signal.SIGINT)
        wait_for(lambda: not is_open(site.port))
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.5)

        running.send_signal(signal.SIGINT)

        assert running.wait(PATIENCE_S) == 130  # the first alone would end with 0
    assert site.is_empty()


@pytest.mark.system
def test_dev_follows_the_sources(site):
    """A changed file is served soon, without a moment in which nothing answers. A
    mistake in one ends the web server; mending it brings it back. Wrong settings are
    named, and what runs goes on running."""
    with site.start("--dev", **NO_DATABASES, **OWN_KEYS) as process:
        first_line(process)
        parent = site.ask()["parent"]

        site.put("wsgi.py", WSGI.replace("VERSION = 1", "VERSION = 22"))

        wait_for(lambda: site.ask()["version"] == 22)  # asking must not fail
        assert site.ask()["parent"] == parent
        site.say(WAIT_SECONDS="soon")
        wait_for(lambda: "settings not taken" in site.log())
        assert "WAIT_SECONDS must be a number" in site.log()
        site.say(DATA_DIR="elsewhere")
        wait_for(lambda: "DATA_DIR has changed; stop jimeng" in site.log())
        assert site.ask()["parent"] == parent
        (site.path / "wsgi.py").write_text("here is a mistake")
        wait_for(lambda: "web ended" in site.log())
        site.put("wsgi.py", WSGI)
        wait_for(site.answers)
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.system
def test_sigkill_leaves_nothing_and_loses_nothing(site):
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
        wait_for(lambda port=port: not is_open(port))


STORM = """
import os, signal
from jimeng.local.supervisor.run import Signals

signals = Signals()
signals.listen()
sender = os.fork()
if not sender:
    for _ in range(50_000):
        os.kill(os.getppid(), signal.SIGTERM)
    os._exit(0)
while not os.waitpid(sender, os.WNOHANG)[0]:
    signals.stop(after=0.0001)
print(signals.stop(), signals.hurry())
"""


def test_signals_that_come_together_do_not_hang():
    """One that comes while another is handled waits for nothing."""
    how = {"cwd": ROOT, "capture_output": True, "text": True, "timeout": PATIENCE_S}
    done = subprocess.run([sys.executable, "-c", STORM], **how)

    assert done.stdout == "True False\n", done.stderr


@pytest.mark.system
@pytest.mark.parametrize("way", group_kills.WAYS)
def test_told_twice_at_once_it_ends(site, way):
    """As make and systemd do it: a signal to each process, and one passed on."""
    with site.start(**NO_DATABASES, **OWN_KEYS) as process:
        first_line(process)

        group_kills.WAYS[way](process.pid)

        assert process.wait(PATIENCE_S) == 0
    wait_for(site.is_empty)


@pytest.mark.system
def test_dev_takes_keys_that_are_added_while_it_runs(site):
    """From the demo provider to the real one without a new start, and back again."""
    with site.start("--dev", **NO_DATABASES) as process:
        assert "demo provider" in first_line(process)
        port = int((site.path / ".data/simulator.port").read_text())

        site.say(**OWN_KEYS)

        assert first_line(process) == f"jimeng: http://localhost:{site.port}\n"
        env = site.ask()["env"]
        assert "JIMENG_DEMO" not in env and "VOLCENGINE_ENDPOINT" not in env

        (site.path / ".env").unlink()

        assert "demo provider" in first_line(process)
        env = site.ask()["env"]
        assert env["VOLCENGINE_ENDPOINT"] == f"http://127.0.0.1:{port}"
        # It fetches pictures by links that this signs.
        assert len(env["SECRET_KEY"]) >= 32


FULL = """
import errno, os
from jimeng.local.embedded import private_files

def no_room(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

private_files.write_private = no_room
"""


def test_a_full_disk_is_one_sentence(site):
    """At the first start, wherever it is that there is no room."""
    (site.path / "app.py").write_text(FULL + standin.APP)

    refusal = site.refusal()

    assert refusal.startswith("jimeng does not start: ")
    assert "No space left on device; free some space there" in refusal
    assert refusal.count("\n") == 1


def test_a_child_that_keeps_ending_is_started_ever_later(monkeypatch):
    """The rests double up to 15 seconds and are short again after a steady time."""
    now, started = [1000.0], []
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def spawn() -> Mock:
        started.append(Mock(**{"status.return_value": None}))
        return started[-1]

    def rest() -> float:
        """End the child; the seconds until another is started."""
        count, began = len(started), now[0]
        started[-1].status.return_value = 1
        flaky.check()
        while len(started) == count:
            now[0] += 0.25
            flaky.check()
        return now[0] - began

    flaky = Service("flaky", spawn, stop_timeout_s=1)
    flaky.check()
    rests = [rest() for _ in range(7)]
    now[0] += 31
    flaky.check()

    assert rests == [0.5, 1, 2, 4, 8, 15, 15]
    assert rest() == 0.5


def test_demo_keys_are_kept_and_private(tmp_path):
    path = tmp_path / "keys"

    made = datadir.demo_keys(path)

    assert datadir.demo_keys(path) == made
    assert datadir.demo_keys(tmp_path / "others") != made
    assert path.stat().st_mode & 0o777 == 0o600


def test_watch_sees_what_changes(tmp_path):
    package = tmp_path / "jimeng"
    (package / "__pycache__").mkdir(parents=True)
    for name in ("changed.py", "removed.py"):
        (package / name).write_text("1")
    seen = source_watch.Watch(tmp_path)

    os.utime(package / "changed.py", (1, 1))
    (package / "added.py").write_text("1")
    (package / "removed.py").unlink()
    (package / "__pycache__" / "changed.pyc").write_text("1")

    names = {path.name for path in seen.changes()}
    assert names == {"changed.py", "added.py", "removed.py"}
    assert seen.changes() == set()


def test_templates_do_not_restart_the_consumer():
    code = Path("jimeng/jobs/pump.py")
    assert source_watch.needs_consumer({code, Path("static/app.css")})
    assert source_watch.needs_consumer({Path("jimeng/i18n/batches.toml")})
    assert not source_watch.needs_consumer({Path("templates/base.html")})


def test_what_no_child_starts_with_ends_it_all(site):
    """Each would only say the same again; with --dev somebody may mend it."""
    (site.path / "wsgi.py").write_text("import sys; sys.exit(4)")

    assert "ended status=4" in site.refusal(**NO_DATABASES, **OWN_KEYS)
