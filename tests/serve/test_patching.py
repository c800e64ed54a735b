"""What runs on gevent does so from its first import on, and nothing else does."""

import subprocess
import sys

import pytest

from tests.serving import ask, front

SAYS = """
import threading
from gevent import monkey

def app(environ, start_response):
    said = [monkey.is_module_patched(name) for name in ("socket", "threading", "time")]
    said.append("gevent" in type(threading.Lock()).__module__)
    start_response("200 OK", [("Content-Length", str(len(str(said))))])
    return [str(said).encode()]
"""
UNPATCHED = (
    *("jimeng.serve.consumer", "wsgi", "jimeng.local.supervisor"),
    *("jimeng.serve.master", "jimeng.serve.worker"),  # which tests import
)


@pytest.mark.system
def test_web_runs_on_gevent(tmp_path):
    """Where a lock were the system's, one request could stop all others for good."""
    with front(tmp_path, "--workers", "1", app=SAYS) as port:
        assert ask(port).endswith(b"[True, True, True, True]")


def test_nothing_else_does():
    """Consumers have threads, which compute beside each other."""
    lines = ["from gevent.monkey import is_anything_patched"]
    for module in UNPATCHED:
        lines += [f"import {module}", f"assert not is_anything_patched(), {module!r}"]
    env = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1", "PYTHONPATH": "."}

    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=env, check=True)
