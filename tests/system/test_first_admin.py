"""On one's own machine, too, the settings name who signs in first, by what link."""

import os
import secrets
import signal
import subprocess
import sys

import pytest
import requests

from tests.system.commands import run
from tests.system.stack import ROOT, free_port
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

EMAIL = "ada@example.com"


@pytest.fixture
def start(tmp_path):
    """Run the program as ``make run`` does; its address once it says that."""
    running = []

    def begin(password: str, said: list[str] | None = None) -> str:
        port = free_port()
        kept = {name: os.environ[name] for name in ("PATH", "HOME")}
        settings = {
            "AUTH": "on",
            "ADMIN_EMAIL": EMAIL,
            "ADMIN_PASSWORD": password,
            "DATA_DIR": str(tmp_path / "data"),
            "SERVER_PORT": str(port),
        }
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**kept, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.append(process)
        for line in process.stdout:
            if said is not None:
                said.append(line)
            if line.startswith("jimeng: http"):
                return f"http://localhost:{port}"
        raise AssertionError("it has ended")

    yield begin
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)


def answered(method: str, url: str, **more: object) -> int:
    """The status, once it is not 503: databases have but a second."""

    def look() -> int | None:
        how = {"timeout": 60, "allow_redirects": False, **more}
        found = requests.request(method, url, **how).status_code
        return None if found == 503 else found

    return wait_for(look, what=url)


def signs_in(url: str, password: str) -> bool:
    body = {"email": EMAIL, "password": password}
    return answered("POST", f"{url}/sign-in", data=body, headers={"Origin": url}) == 303


def test_admin_of_the_settings_signs_in(start):
    """As soon as the program says where it is."""
    password = secrets.token_urlsafe(16)

    url = start(password)

    assert signs_in(url, password)
    assert not signs_in(url, secrets.token_urlsafe(16))


def test_links_lead_to_the_port_that_it_has(start, tmp_path):
    """The first admin's, and those of commands, which nobody has told the port."""
    said: list[str] = []

    url = start("", said)
    words = [sys.executable, "-m", "flask", "--app", "app", "users", "invite", "b@c.de"]
    invited = run(words, ROOT, DATA_DIR=str(tmp_path / "data"))

    (first,) = [line.strip() for line in said if "/invitations/" in line]
    second = invited.splitlines()[-1]
    assert first.startswith(url) and second.startswith(url)
    assert [answered("GET", link) for link in (first, second)] == [200, 200]
