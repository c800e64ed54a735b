"""A server starts only where it is safe, and says why when it does not."""

import os
import runpy
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jimeng.config import Config
from jimeng.config.server import warn_without_proxies
from jimeng.errors import ConfigError
from jimeng.http.auth import require_access
from jimeng.local.supervisor.plan import check_access
from tests.test_config import ROOT
from tests.waiting import PATIENCE_S

OPEN = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1"}


def test_without_sign_in_each_starts_as_the_example_says():
    """`make run` on loopback alone; a server for others never without a word."""
    with pytest.raises(ConfigError, match="ALLOW_OPEN_ACCESS=1"):
        require_access(Config(AUTH="off"))
    require_access(Config(AUTH="off", ALLOW_OPEN_ACCESS=True))
    require_access(Config(SECRET_KEY=secrets.token_hex(32)))
    example = (ROOT / ".env.example").read_text("utf-8")
    (host,) = [each for each in example.splitlines() if "The host to listen" in each]

    check_access(Config(AUTH="off", SERVER_HOST="localhost"))
    with pytest.raises(ConfigError, match="SERVER_HOST=localhost"):
        check_access(Config(AUTH="off", SERVER_HOST="0.0.0.0"))
    with pytest.raises(ConfigError, match="on loopback"):
        require_access(Config(AUTH="off", SERVER_HOST="localhost"))
    assert "`make run` wants loopback, wsgi.py ALLOW_OPEN_ACCESS=1 on any" in host


def test_package_without_the_simulator_asks_for_keys(tmp_path):
    """In one sentence, before anything is started; with keys it is not missed."""
    for name in ("app.py", "jimeng"):
        (tmp_path / name).symlink_to(ROOT / name)
    code = "import sys; sys.path.insert(0, '.'); " + (
        "from jimeng.local.supervisor import plan; from jimeng.config import Config; "
        "plan.check_provider(Config(VOLCENGINE_ACCESS_KEY='k', "
        "VOLCENGINE_SECRET_KEY='s')); print('may start'); plan.check_provider(Config())"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.stdout == "may start\n"
    assert "VOLCENGINE_SECRET_KEY (or ARK_API_KEY) are missing" in done.stderr
    assert "the simulator" in done.stderr.splitlines()[-1]


def test_packages_that_cannot_be_installed_are_said_with_the_way_out(tmp_path):
    """As without a network at the first start."""
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.touch()

    done = subprocess.run(
        ["make", "install", f"VENV={tmp_path}", "PIP=false"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert "set PIP_INDEX_URL" in done.stderr.splitlines()[0]
    assert not (tmp_path / "installed").exists()


def test_ctrl_c_while_it_still_loads_prints_no_traceback():
    code = """
import os, runpy, signal, sys
class CtrlC:
    def find_spec(name, path, target=None):
        if name == "jimeng.config":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC)
signal.signal(signal.SIGINT, signal.default_int_handler)  # where it was ignored, too
runpy.run_path("app.py", run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_supervisor_does_not_load_the_application():
    """It runs as long as its children, and needs none of what they do."""
    code = (
        "import runpy, sys; from jimeng.local import supervisor; "
        "supervisor.main = lambda **_: print({'flask', 'mongoengine', 'jimeng.web'} "
        "& sys.modules.keys()); runpy.run_path('app.py', run_name='__main__')"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "-m flask --app app simulator --port 9000 --access-key demo --secret-key demo",
        "-m jimeng.local.simulator --port 9000",
    ],
)
def test_old_commands_of_the_simulator_say_the_new_one(command):
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode != 0
    assert done.stderr.endswith("python -m simulator\n")


@pytest.mark.parametrize(
    "env, words",
    [
        ({}, "SECRET_KEY"),  # of sessions: sign-in is on unless switched off
        ({"AUTH": "on"}, "SECRET_KEY"),
        ({"ALLOW_OPEN_ACCESS": "1"}, "SECRET_KEY"),
        ({"AUTH": "off"}, "ALLOW_OPEN_ACCESS=1"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be 32"),
        ({"SECRET_KEY": "your-secret"}, "SECRET_KEY is still the placeholder"),
        ({**OPEN, "SERVER_PORT": "x"}, "SERVER_PORT"),
        ({**OPEN, "MONGODB_URI": "x://hidden"}, "MONGODB_URI"),
        ({**OPEN, "ARK_CONCURRENCY": "0"}, "ARK_CONCURRENCY must be"),
    ],
)
def test_server_that_cannot_start_says_why_in_one_sentence(
    tmp_path, monkeypatch, capsys, env, words
):
    """No traceback: one line with the variable to set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", env)

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "wsgi.py"))

    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 4  # after any other Gunicorn tries for ever
    assert line.startswith("jimeng does not start: ")
    assert words in line and "hidden" not in line


def test_server_starts_without_its_databases(tmp_path):
    """Nothing is connected at the start, so nothing that is away prevents it."""
    env = {"MONGODB_URI": "mongodb://127.0.0.1:9", "REDIS_ADDR": "127.0.0.1:9", **OPEN}
    script = "import wsgi; print(wsgi.app.name, wsgi.huey.name)"

    ended = load(tmp_path, script, env)

    assert (ended.returncode, ended.stdout) == (0, "app jimeng-json\n")


def load(folder: Path, script: str, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run *script* in *folder* with these settings alone."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "PYTHONPATH": str(ROOT), **env},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize(
    ("env", "lines"),
    [
        ({"SERVER_HOST": "0.0.0.0"}, 1),
        ({"SERVER_HOST": "::"}, 1),
        ({"PORT": "8080"}, 1),  # the platform connects from outside
        ({"PORT": "8080", "SERVER_HOST": "127.0.0.1"}, 0),
        ({}, 0),
        ({"SERVER_HOST": "0.0.0.0", "TRUSTED_PROXIES": "1"}, 0),
        ({"SERVER_HOST": "0.0.0.0", "TRUSTED_PROXIES": "0"}, 0),  # so it is meant
    ],
)
def test_public_server_that_says_nothing_of_proxies_is_warned(caplog, env, lines):
    warn_without_proxies(Config.from_env(env), env)

    assert caplog.text.count("TRUSTED_PROXIES=0") == lines


@pytest.mark.parametrize("module", ["jimeng.config.server", "wsgi"])
def test_who_sets_what_is_no_setting_any_more_is_told(tmp_path, module):
    """Gunicorn's master says so, and each consumer; the others do not matter."""
    (tmp_path / ".env").write_text(
        "POLL_INTERVAL=soon\nMAX_LONG_POLLS=5\nWAIT_SECONDS=9\n"
    )
    script = f"import runpy; runpy.run_module({module!r}, run_name='__main__')"

    ended = load(tmp_path, script, OPEN)

    (line,) = ended.stderr.splitlines()
    assert line.endswith("without effect: POLL_INTERVAL, MAX_LONG_POLLS")


@pytest.mark.parametrize(
    ("module", "lines"), [("jimeng.config.server", 1), ("wsgi", 0)]
)
def test_warning_comes_once(tmp_path, module, lines):
    """Before Gunicorn's workers, and not of consumers and commands."""
    (tmp_path / ".env").write_text("SERVER_HOST=0.0.0.0\n")
    script = f"import runpy; runpy.run_module({module!r}, run_name='__main__')"

    ended = load(tmp_path, script, OPEN)

    assert ended.stderr.count("TRUSTED_PROXIES=0") == lines, ended.stderr
    assert len(ended.stderr.splitlines()) == lines
