"""The commands of the README do what it says."""

import os
import re
import subprocess
import sys

import pytest

from tests.each import for_each
from tests.printed import ROOT, blocks
from tests.waiting import PATIENCE_S

README = "README.en.md"


@pytest.mark.system
def test_first_picture_by_curl(live_server, tmp_path):
    """One call gets it, and asking again goes on from there."""
    asking = [block for block in blocks(README, "bash") if "result.json" in block]
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
        timeout=PATIENCE_S,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "picture.jpg").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.system
def test_ways_in(closed_server, ada):
    """The command that invites prints a link, and a key opens the API."""
    script = "".join(
        block
        for block in blocks(README, "bash")
        if "users invite" in block or "JIMENG_API_KEY" in block
    )
    # Ada has been here for long.
    script = script.replace("invite ada@example.com", "invite new@example.com")
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
        timeout=PATIENCE_S,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "/invitations/" in done.stdout
    assert '"doubao-seedream-3.0-t2i"' in done.stdout


@for_each(
    "name, words, some",
    [
        ("README.md", "[a-z-]+", {"run", "test", "help", "dev"}),
        ("README.en.md", "[a-z-]+", {"run", "test", "help", "dev"}),
        ("docs/热重载使用说明.md", "(?:[a-z-]+ ?)+", {"dev", "run", "fmt", "test"}),
    ],
)
def test_make_targets_exist(name, words, some):
    """Every `make` command that is printed is one."""
    makefile, text = (ROOT / "Makefile").read_text(), (ROOT / name).read_text("utf-8")
    found = re.findall(rf"\bmake ({words})", text)
    named = {target for each in found for target in each.split()}

    assert named >= some
    assert [t for t in named if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []


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
