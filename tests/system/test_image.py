"""The steps of the Dockerfile in a plain folder, its processes by a Procfile runner."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from simulator import Simulator
from tests.standin import ROOT, free_port
from tests.system.asking import answers, ask
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

BIN = Path(sys.executable).parent
# Honcho, which by itself kills the one five seconds after the other has ended.
RUNNER = f"""
from honcho import command, manager

manager.KILL_WAIT = {PATIENCE_S}
command.main()
"""
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """What the Dockerfile copies, and no more: no tests, no docs, no simulator."""
    folder = tmp_path_factory.mktemp("image")
    steps = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    for words in re.findall(r"^COPY (.+)$", steps, re.MULTILINE):
        *sources, target = words.split()
        for each in map(ROOT.joinpath, sources):
            if each.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(each, folder / target, ignore=ignored)
            else:
                shutil.copy(each, folder / target)
    return folder


@pytest.fixture(scope="module")
def settings(servers):
    with Simulator(access_key="k", secret_key="s", duration=0.2) as simulator:
        yield {
            "HOME": os.environ.get("HOME", "/"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "MONGODB_URI": servers.mongodb_uri,
            "MONGODB_DATABASE": servers.database("jimeng_image"),
            "REDIS_URL": servers.redis_url(13),
            "VOLCENGINE_ACCESS_KEY": "k",
            "VOLCENGINE_SECRET_KEY": "s",
            "VOLCENGINE_ENDPOINT": simulator.url,
            "ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
            "AUTH": "off",
            "ALLOW_OPEN_ACCESS": "1",
        }


def is_healthy(port: int) -> bool:
    """What the health check of compose.yaml says of the server at *port*."""
    kind, *words = COMPOSE["web"]["healthcheck"]["test"]
    assert kind == "CMD"
    words[0] = sys.executable
    words[-1] = words[-1].replace(":8080", f":{port}")
    return subprocess.run(words, capture_output=True).returncode == 0


def test_a_release_draws_and_ends(image, settings, tmp_path):
    """Its release step, then both processes until told to stop: nothing is missing."""
    port = free_port()
    release = shlex.split(COMPOSE["release"]["command"])
    subprocess.run(release, cwd=image, env=settings, check=True, capture_output=True)
    env = {**settings, "PORT": str(port), "SERVER_HOST": "127.0.0.1"}
    words = [sys.executable, "-c", RUNNER, "start", "--no-prefix", "web", "worker"]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            words, cwd=image, env=env, stdout=log, stderr=log, start_new_session=True
        ) as runner,
    ):
        try:
            url = f"http://localhost:{port}/health/ready"
            wait_for(lambda: answers(url), 2 * PATIENCE_S, "both are ready")
            wait_for(lambda: is_healthy(port), what="its health check says so")
            assert status_of_a_picture(port) == "completed"
            assert requests.get(f"http://localhost:{port}/", timeout=60).ok
            runner.send_signal(signal.SIGTERM)
            runner.wait(PATIENCE_S)
        finally:
            if runner.poll() is None:
                os.killpg(runner.pid, signal.SIGKILL)

    said = (tmp_path / "log").read_text()
    assert not is_healthy(port)
    assert "Traceback" not in said, said
    assert "exit code" not in said.replace("exit code 0", ""), said


def status_of_a_picture(port: int) -> str:
    """Ask for one as the first page of the documentation does, and await its end."""
    base = f"http://localhost:{port}/api/v1/ai/image"
    asked = {"prompt": "一只猫", "user_id": "ada"}

    def taken() -> dict | None:
        """Unless it is 503: databases have but a second."""
        status, told = ask("POST", f"{base}/task", asked)
        assert status in {202, 503}, told
        return told if status == 202 else None

    path = f"{base}/result/{wait_for(taken)['data']['task_id']}"

    def ended() -> str | None:
        status, told = ask("GET", path)
        found = told["data"]["status"] if status == 200 else ""
        return found if found in {"completed", "failed"} else None

    return wait_for(ended)
