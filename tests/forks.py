"""
Processes of the product, forked from one that has imported it already.

Importing takes most of what a start takes, and hashing most of what a sign-in takes:
they hash passwords with a hundredth of the work. With `PATIENT` in their environment
they wait for databases as long as a busy machine takes: a web process gives up after a
second, and answers with 503 what a test asks that is about something else. `constants`
sets what is no setting. Gunicorn is started in full, by `tests.served`. Whatever is
about starting, or looks at a process from outside, starts it in full:
`subprocess.Popen`.
"""

import gc
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from jimeng.accounts import password_hashing
from jimeng.documents import connection, indexes
from jimeng.process import broker
from tests import again

MODULES = (
    "app",
    "flask.cli",
    "huey.bin.huey_consumer",
    "simulator.server",
)
LIGHT = "scrypt:256:8:1"  # for passwords
PATIENT = "TESTS_PATIENT"
PATIENCE = 30.0  # seconds
CONSTANTS = "TESTS_CONSTANTS"
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(list(MODULES))


class Forked:
    """
    Like `subprocess.Popen` of ``python -m MODULE ARGUMENTS``, in a session of its own.

    Args:
        words: What would follow ``python``: ``-m``, the module, its arguments.
        output: A file for what it prints, appended to.
        errors: The same for its errors; by default they go there too.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        output: Path,
        errors: Path | None = None,
    ) -> None:
        told = (list(words), cwd, dict(env), output, errors or output)
        self._process = SERVER.Process(target=become, args=told, daemon=True)
        self._process.start()
        self.pid: int = self._process.pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def become(
    words: list[str], cwd: Path, env: dict[str, str], output: Path, errors: Path
) -> None:
    """In the forked process: be what a new one would be, and run."""
    gc.freeze()  # what is imported stays
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    for path, number in ((output, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.path.insert(0, str(cwd))
    if words[1] == "gunicorn":
        os.execv(sys.executable, [sys.executable, "-m", "tests.served", *words])
    adjust()
    run(words)


def constants(values: Mapping[str, object]) -> dict[str, str]:
    """The environment of processes in which these constants have other values."""
    return {CONSTANTS: json.dumps(values)}


def adjust() -> None:
    """Make of this process one of the tests', as its environment says."""
    if again.FOLDER in os.environ:
        again.begin()
    password_hashing.METHOD = LIGHT
    if PATIENT in os.environ:
        connection.WEB_TIMEOUT = indexes.MAX_WAIT_S = PATIENCE
        broker.connect = partial(broker.connect, timeout=PATIENCE)
    for name, value in json.loads(os.environ.get(CONSTANTS, "{}")).items():
        module, _, constant = name.rpartition(".")
        setattr(importlib.import_module(module), constant, value)


def run(words: Sequence[str]) -> None:
    option, module, *arguments = words
    assert option == "-m", words
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
