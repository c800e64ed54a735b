"""The product's commands, as an operator gives them in a terminal."""

import subprocess
import sys

from tests.system.stack import Stack


def flask(stack: Stack, *words: str) -> str:
    """Run ``flask`` with the stack's settings; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=stack.folder,
        env=stack.env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
