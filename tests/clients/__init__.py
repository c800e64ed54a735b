"""
Clients of others, as they are published: where they are installed, and what they do.

They have a place of their own (``make install-all``): some need packages that would not
go together with this server's.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE_S

PLACE = Path(sys.prefix) / "clients"
HERE = Path(__file__).parent


def python(script: str, url: str, **env: str) -> str:
    """Run one of the scripts beside this with Python; what it printed."""
    return run([str(PLACE / "python/bin/python"), str(HERE / script)], url, **env)


def node(script: str, url: str, **env: str) -> str:
    """The same with Node."""
    return run(["node", str(HERE / script)], url, **env)


def run(words: list[str], url: str, **env: str) -> str:
    assert (PLACE / "installed").exists(), "make install-all installs the clients"
    done = subprocess.run(
        words,
        env={
            **{"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
            **{"URL": url, "CLIENTS": str(PLACE), "KEY": "unused", **env},
        },
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,  # some import for seconds on a machine with no work
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
