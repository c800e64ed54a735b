"""What is installed is what was chosen, byte for byte."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.audit import ask, pins, vulnerabilities

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")
ENTRY = re.compile(
    r"[\w.\-]+==[^\s;]+( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
)


def entries(file: str) -> list[str]:
    text = (ROOT / file).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


def wanted(file: str) -> set[str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    plain = [re.split(r"[;#]", line)[0].strip() for line in lines]
    return {line for line in plain if line and not line.startswith("-r")}


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_has_its_version_and_hashes(file):
    """Nothing else than what was looked at can be installed."""
    assert [each for each in entries(file) if not ENTRY.fullmatch(each)] == []


@pytest.mark.parametrize("file", LOCKS)
def test_lock_is_of_what_was_asked_for(file):
    """`make lock` was not forgotten."""
    locked = {each.split(" ")[0] for each in entries(file)}

    assert wanted(file.replace(".txt", ".in")) <= locked


def test_locks_agree():
    """Tests run on the versions that production runs on."""
    production = {e.split(" ")[0] for f in LOCKS[:2] for e in entries(f)}

    assert production <= {each.split(" ")[0] for each in entries(LOCKS[2])}


def test_what_is_installed_is_what_is_locked():
    """This environment is not older or newer than the lock."""
    differing = {}
    for name, locked in pins(ROOT).items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # of another platform
        if installed != locked:
            differing[name] = (installed, locked)

    assert differing == {}


def test_vulnerability_would_be_told():
    """The audit reads what PyPI answers; what was withdrawn is no finding."""
    known = {"id": "PYSEC-1", "fixed_in": ["2.0"], "summary": "bad\nand more"}
    old = {"id": "PYSEC-2", "fixed_in": [], "withdrawn": "2026-01-01T00:00:00Z"}
    answer = {"vulnerabilities": [known, old], "urls": [{"yanked": True}]}

    assert list(vulnerabilities(answer, "kit", "1.0")) == [
        "kit 1.0: PYSEC-1, fixed in 2.0: bad",
        "kit 1.0: withdrawn by its authors",
    ]
    assert list(vulnerabilities({"vulnerabilities": [], "urls": []})) == []


ANSWERS = {
    "/good/1.0/json": (200, json.dumps({"vulnerabilities": [], "urls": []})),
    "/bad/1.0/json": (200, json.dumps({"vulnerabilities": [{"id": "PYSEC-1"}]})),
    "/mirror/1.0/json": (200, "<html>a mirror</html>"),
    "/away/1.0/json": (503, ""),
}


class Index(BaseHTTPRequestHandler):
    """Some releases, some of which it cannot tell anything of."""

    def do_GET(self) -> None:
        status, body = ANSWERS.get(self.path, (404, ""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format, *args) -> None:
        """Nobody reads it."""


@pytest.fixture
def index() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_audit_finds_what_can_be_known(index):
    """A release of which nothing is told is named as such, and hides no other."""
    locked = dict.fromkeys(("good", "mirror", "away", "unknown", "bad"), "1.0")

    found, answered, reason = ask(locked, index)

    assert found == ["bad 1.0: PYSEC-1, fixed in none yet: "]
    assert (answered, bool(reason)) == (2, True)


def test_audit_without_a_network_finds_nothing():
    """At once, and the build goes on."""
    found, answered, reason = ask({"good": "1.0"}, "http://127.0.0.1:9")

    assert (found, answered, reason) == ([], 0, "ConnectionError")


def test_audit_that_takes_too_long_ends(index):
    """A build does not wait for a slow index."""
    assert ask({"bad": "1.0"}, index, within=-1) == ([], 0, "it is too slow")


def test_image_does_not_run_as_root():
    """The Dockerfile gives the process a user of its own, and installs by hash."""
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]

    assert users and users[-1] not in {"root", "0"}
    assert lines.index(f"USER {users[-1]}") < next(
        number for number, line in enumerate(lines) if line.startswith("CMD")
    )
    assert any("--require-hashes" in line for line in lines)
    assert "ADD" not in {line.split(" ")[0] for line in lines}
    assert (ROOT / ".dockerignore").read_text("utf-8").startswith("*\n!")
