"""`python -m tests.clock`: what a process sees on another day."""

import json
import subprocess
import sys
import time

import pytest

from tests.clock.__main__ import DAY_S
from tests.printed import ROOT
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.system  # it takes a C compiler
WAIT_S = 0.2
SCRIPT = """
import ctypes, json, os, subprocess, sys, tempfile, time

libc, wait_s = ctypes.CDLL(None, use_errno=True), float(sys.argv[1])

class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]

def until(now):
    seconds, rest = divmod(now + wait_s, 1)
    return ctypes.byref(Timespec(int(seconds), int(rest * 1e9)))

def waited(wait):
    began = time.monotonic()
    wait()
    return time.monotonic() - began

# Large enough for each of them, and zeros are what their initializers are.
semaphore, mutex, condition = (ctypes.create_string_buffer(128) for _ in range(3))
libc.sem_init(semaphore, 0, 0)
with tempfile.NamedTemporaryFile() as file:
    written = os.stat(file.name).st_mtime
    os.utime(file.name, (86400, 86400))
    print(json.dumps({
        "times": [
            time.time(),
            time.clock_gettime(time.CLOCK_REALTIME),
            libc.time(None),
            int(subprocess.check_output(["date", "+%s"])),
            written,
        ],
        "set": os.stat(file.name).st_mtime,
        "waits": [
            waited(lambda: libc.sem_timedwait(semaphore, until(time.time()))),
            waited(lambda: libc.pthread_cond_timedwait(
                condition, mutex, until(time.time()))),
            waited(lambda: libc.clock_nanosleep(0, 1, until(time.time()), None)),
            waited(lambda: libc.clock_nanosleep(1, 1, until(time.monotonic()), None)),
        ],
    }))
"""


@pytest.mark.parametrize("days", [400, -3])
def test_clock_files_and_waits_are_moved(days):
    """
    Of the process and of those that it starts. Waits until a time of that clock, and of
    the monotonic one, last as long as they should: not 400 days, and not no time.
    """
    command = ["-m", "tests.clock", str(days), sys.executable, "-c", SCRIPT]
    before = int(time.time())

    done = subprocess.run(
        [sys.executable, *command, str(WAIT_S)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=PATIENCE_S,
        check=True,
    )

    seen, after = json.loads(done.stdout), time.time()
    for each in seen["times"]:
        assert before <= each - days * DAY_S <= after
    assert seen["set"] == DAY_S
    assert min(seen["waits"]) >= 0.9 * WAIT_S


def test_exit_status_is_that_of_the_command():
    """A test that fails on another day fails what runs it there."""
    command = [sys.executable, "-m", "tests.clock", "8", "sh", "-c", "exit 3"]

    assert subprocess.run(command, cwd=ROOT).returncode == 3
