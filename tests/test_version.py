"""Version and commit: known however jimeng is deployed, and said everywhere."""

import json
import re
import runpy
import subprocess
import tarfile
from pathlib import Path

import pytest

from jimeng.config import version
from jimeng.documents import Worker, utcnow
from jimeng.jobs import pump

ROOT = Path(__file__).parent.parent
SHA, OTHER = "1a" * 20, "2b" * 20


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.cd"]
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path):
    """A repository with the module that says the version, and one commit."""
    folder = tmp_path / "checkout"
    (folder / "jimeng/config").mkdir(parents=True)
    for name in ("jimeng/config/version.py", ".gitattributes"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def test_checkout_knows_its_commit(checkout, monkeypatch):
    """Whatever the environment says, which may be about something else."""
    head = git(checkout, "rev-parse", "HEAD").strip()

    assert version.find_commit(checkout, {"SOURCE_VERSION": SHA}) == head
    assert version.ROOT == ROOT  # not a folder of it, which has no repository
    monkeypatch.setenv("PATH", "")
    assert version.find_commit(checkout, {}) == "unknown"


def test_archive_knows_its_commit(checkout, tmp_path, monkeypatch):
    """What `make build-linux` packs, and a code host's archive, has no repository."""
    monkeypatch.setenv("SOURCE_VERSION", SHA)
    head = git(checkout, "rev-parse", "HEAD").strip()
    git(checkout, "archive", "--output", str(tmp_path / "pack.tar"), "HEAD")
    with tarfile.open(tmp_path / "pack.tar") as pack:
        pack.extractall(tmp_path / "pack", filter="data")

    found = runpy.run_path(str(tmp_path / "pack/jimeng/config/version.py"))

    assert found["COMMIT"] == head
    assert found["RELEASE"] == f"{version.VERSION} ({head[:12]})"


@pytest.mark.parametrize(
    "told, found",
    [
        ({"SOURCE_VERSION": SHA}, SHA),
        ({"SOURCE_VERSION": "", "HEROKU_SLUG_COMMIT": SHA}, SHA),
        ({"HEROKU_BUILD_COMMIT": SHA}, SHA),
        ({"GIT_REV": SHA}, SHA),
        ({"SOURCE_VERSION": "v12 or so", "GIT_REV": OTHER}, OTHER),
        ({}, "unknown"),
    ],
)
def test_platform_says_the_commit(tmp_path, told, found):
    """Where there is no repository; what is no commit is not taken for one."""
    assert version.find_commit(tmp_path, told) == found


def test_image_takes_the_commit_from_its_build():
    """By the command that builds it, and by compose."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert "ARG SOURCE_VERSION=\nENV SOURCE_VERSION=$SOURCE_VERSION\n" in dockerfile
    assert "SOURCE_VERSION: ${SOURCE_VERSION:-}" in (ROOT / "compose.yaml").read_text()
    made = subprocess.run(
        ["make", "--dry-run", "docker-build", "docker-run"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.count('SOURCE_VERSION="$(git rev-parse HEAD)"') == 2


def test_release_is_said(app, client, tmp_path):
    """By commands, of workers, of a backup, by the doctor, a page, and the metrics."""
    run = app.test_cli_runner().invoke
    pump.write_heartbeat("host:1:x", utcnow())

    assert run(args=["version"]).output == (
        f"jimeng {version.VERSION}, commit {version.COMMIT}\n"
    )
    assert f" s ago, {version.RELEASE}\n" in run(args=["queue", "status"]).output
    assert Worker.find_one({}).release == version.RELEASE
    line = rf"^ok +jimeng +{re.escape(version.RELEASE)}$"
    assert re.search(line, run(args=["doctor"]).output, re.MULTILINE)
    path = tmp_path / "jimeng.tar"
    assert run(args=["backup", str(path)]).exit_code == 0
    with tarfile.open(path) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))
    assert manifest["version"] == version.VERSION
    assert manifest["commit"] == version.COMMIT
    line = f'jimeng_info{{commit="{version.COMMIT}",version="{version.VERSION}"}} 1.0'
    assert version.RELEASE in client.get("/admin/queue").text
    assert line in client.get("/metrics").text.splitlines()
