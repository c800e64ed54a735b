"""The product's commands, as an operator gives them in a terminal, and others."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.forks import Forked
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S

BASH = ["bash", "-euo", "pipefail", "-c"]
PYTHON = [sys.executable, "-c"]
NODE = ["node", "--input-type=module", "-e"]


def run(words: Sequence[str | Path], folder: Path | None = None, **environ: str) -> str:
    """What a program prints; it succeeds."""
    done = subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_printed(
    code: str, by: list[str], url: str, folder: Path | None = None, **environ: str
) -> str:
    """The same for what a page prints, *by* one of the above, at another server."""
    return run([*by, code.replace("http://localhost:8080", url)], folder, **environ)


def flask(stack: Stack, *words: str) -> str:
    """Run ``flask`` with the stack's settings; what it printed."""
    output, errors = stack.folder / "flask.out", stack.folder / "flask.err"
    output.unlink(missing_ok=True)
    errors.unlink(missing_ok=True)
    command = ["-m", "flask", "--app", "wsgi", *words]
    done = Forked(
        command, cwd=stack.folder, env=stack.env, output=output, errors=errors
    )
    assert done.wait(PATIENCE_S) == 0, errors.read_text()
    return output.read_text()
