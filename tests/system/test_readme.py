"""The commands of the README do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def blocks(name: str) -> list[str]:
    text = (ROOT / name).read_text("utf-8")
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.system
@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_first_picture_by_curl(live_server, tmp_path, name):
    """One call gets it, and asking again goes on from there."""
    asking = [block for block in blocks(name) if "result.json" in block]
    assert [block.count("curl") for block in asking] == [2, 1]
    script = "".join(asking)
    route = f'connect-to = "localhost:8080:127.0.0.1:{live_server.port}"\n'
    (tmp_path / ".curlrc").write_text(route)

    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env={**os.environ, "CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.system
@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_ways_in(closed_server, ada, name):
    """The command that invites prints a link, and a key opens the API."""
    script = "".join(
        block
        for block in blocks(name)
        if "users invite" in block or "JIMENG_API_KEY" in block
    )
    somebody_new = f"{name.lower()}@example.com"  # Ada has been here for long
    script = script.replace("invite ada@example.com", f"invite {somebody_new}")
    given = {"JIMENG_API_KEY": ada.key, "JIMENG_URL": closed_server.url}

    done = subprocess.run(
        [
            "bash",
            "-euc",
            script.replace(".venv/bin/flask", f"{sys.executable} -m flask"),
        ],
        cwd=closed_server.folder,
        env={**closed_server.env, **given},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "/invitations/" in done.stdout
    assert '"doubao-seedream-3.0-t2i"' in done.stdout


@pytest.mark.parametrize("name", ["README.md", "README.en.md"])
def test_make_targets_exist(name):
    """Every `make` command that is printed is one."""
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / name).read_text("utf-8")))

    assert named >= {"run", "test", "help", "dev"}
    assert [t for t in named if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


def test_both_languages_have_the_same_commands():
    """Nothing is said in one language only."""
    ours, theirs = (
        [re.findall(r"^[^#\n]*", b, re.MULTILINE)[0] for b in blocks(name)]
        for name in ("README.md", "README.en.md")
    )

    assert ours == theirs


def test_commands_of_the_go_version_are_there():
    """Whoever comes from it finds each command, and `make help` names it."""
    listed = subprocess.run(
        ["make", "-C", str(ROOT), "--no-print-directory", "help"],
        capture_output=True,
        text=True,
    )

    for target in (
        *("install", "dev", "run", "build", "test", "fmt", "lint", "help"),
        *("docker-build", "docker-run", "build-linux", "deploy"),
        *("redis-queue-status", "redis-queue-clear", "redis-queue-clear-force"),
    ):
        assert f"make {target} " in listed.stdout, target
