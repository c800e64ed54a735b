"""What the documents print runs as printed, on a clone in which nothing is set."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from app import create_app
from jimeng.config import Config
from tests.printed import blocks
from tests.standin import ROOT, free_port, is_open
from tests.system.asking import answers
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

OURS = (
    "VOLCENGINE_",
    "ARK_",
    "MONGODB_",
    "REDIS_",
    "SERVER_",
    "JIMENG_",
    "AUTH",
    "ADM",
)
PAGES = [*ROOT.glob("README*.md"), *ROOT.glob("docs/*.md")]


def printed(word: str) -> set[str]:
    """Every line of a shell block in the documents that has *word* in it."""
    found: set[str] = set()
    for page in PAGES:
        for block in blocks(str(page), "bash|sh"):
            found |= {line for line in block.splitlines() if word in line}
    return {line.partition("  #")[0].strip() for line in found}


@dataclass
class Clone:
    """A checkout in which `make run` runs."""

    folder: Path
    env: dict[str, str]
    port: int

    def run(self, line: str, *, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Give a line to a shell, and *answer* to what it asks."""
        return subprocess.run(
            ["bash", "-euc", line],
            cwd=self.folder,
            env=self.env,
            input=answer,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )


def check_out(folder: Path) -> None:
    """The files that are or may become the repository's, and the packages at hand."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(names).split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy(ROOT / name, target)
            os.utime(target, (0, 0))  # older than what was installed for them
    (folder / ".venv").symlink_to(sys.prefix)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Iterator[Clone]:
    folder = tmp_path_factory.mktemp("clone")
    check_out(folder)
    unset = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    made = Clone(folder, {**unset, "LC_ALL": "C.UTF-8"}, free_port())
    with open(folder / "log", "wb") as log:
        words = ["make", "run", f"SERVER_PORT={made.port}"]
        running = subprocess.Popen(
            words, cwd=folder, env=made.env, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{made.port}/health/ready"
    try:
        wait_for(lambda: answers(url), what="`make run` is ready")
        yield made
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(PATIENCE_S)


def test_queue_is_shown_and_cleared(clone):
    """By the old names, which run those of `make`; one that is none changes nothing."""
    script = "./scripts/clear_redis_queue.sh"
    shown = clone.run(f"{script} --show-only")

    assert printed("redis-queue-status") == {"make redis-queue-status"}
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^pending +0$", shown.stdout, re.MULTILINE), shown.stdout
    for options, answer, status in ("--all", "", 2), ("", "y\n", 0), ("--force", "", 0):
        done = clone.run(f"{script} {options}", answer=answer)
        assert done.returncode == status, done.stdout + done.stderr
        assert ("tasks cancelled: 0" in done.stdout) == (status == 0)


def command_of(
    program: click.Group, words: list[str]
) -> tuple[click.Command, list[str]]:
    """The command that they name, and what is left of them."""
    found, rest = program.commands[words[0]], words[1:]
    return command_of(found, rest) if isinstance(found, click.Group) else (found, rest)


def test_commands_of_the_program(clone):
    """
    Each line with ``flask`` in it works, or says what is not there yet. Each is a whole
    process: of a command's lines the first is run, and the others are understood.
    """
    lines = printed(".venv/bin/flask")

    assert {re.split(r"--app \w+ ", line)[-1].split()[0] for line in lines} == {
        *("backup", "doctor", "indexes", "migrate", "prices", "provider", "queue"),
        *("restore", "retention", "storage", "users", "webhooks"),
    }
    # A server needs more settings than a laptop is given, whatever it is told to do.
    served = {line for line in lines if "--app wsgi" in line}
    refused = clone.run(min(served))
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "SECRET_KEY is missing" in refused.stderr
    # What is paused goes on again, and what is restored was written before.
    program = create_app(Config(AUTH="off", ALLOW_OPEN_ACCESS=True)).cli
    known = set()
    for line in sorted(lines, key=lambda each: (" restore " in each, len(each))):
        words = line.rpartition(" --app ")[2].split()[1:]
        command, options = command_of(program, words)
        if command in known:
            command.make_context("", options)  # is understood
            continue
        known.add(command)
        done = clone.run(line.replace("--app wsgi", "--app app"))
        if "provider check" in line:
            # Without keys the demo provider is asked, which is what it says.
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
            assert "VOLCENGINE_ACCESS_KEY" in done.stdout
            continue
        assert done.returncode == 0, line + done.stdout + done.stderr
        if line not in served:
            assert "/invitations/" in done.stdout


def test_parts_of_the_tests_are_run(clone):
    """By each line for contributors but the first, which is for all of them."""
    (block,) = blocks("CONTRIBUTING.md", "bash")
    everything, *parts = [line.partition("  ")[0] for line in block.splitlines()]

    assert everything == "make test" and len(parts) == 5
    for line in parts:
        done = clone.run(line)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"\b[1-9]\d* passed in ", done.stdout), done.stdout


def running(clone: Clone, line: str) -> contextlib.AbstractContextManager:
    return subprocess.Popen(line.split(), cwd=clone.folder, env=clone.env)


def test_simulator_runs_alone(clone):
    """At the port that is printed, or another one."""
    (line,) = printed(" simulator ")
    port = free_port()
    with running(clone, line.replace("9000", str(port))) as process:
        try:
            wait_for(lambda: is_open(port), what="the simulator listens")
            assert process.poll() is None
        finally:
            process.terminate()


def test_stranger_uses_the_simulator(clone, tmp_path):
    """By its own page alone, with nothing else of the repository."""
    shutil.copytree(ROOT / "simulator", tmp_path / "simulator")
    alone = dataclasses.replace(clone, folder=tmp_path)
    start, use = blocks("simulator/README.md", "bash")[:2]
    *install, line = start.splitlines()
    port = str(free_port())

    done = alone.run("\n".join(install))
    assert done.returncode == 0, done.stdout + done.stderr
    with running(alone, f"{line} --port {port}") as process:
        try:
            wait_for(lambda: is_open(int(port)), what="the simulator listens")
            told = alone.run(use.replace("8099", port)).stdout
        finally:
            process.terminate()
    assert f"http://localhost:{port}/image/" in told
    assert '"billed":1,' in told
