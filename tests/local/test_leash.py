"""What keeps children on a leash: none outlives the one who started it."""

import os
import signal
import subprocess
import sys

import pytest

from jimeng.local.embedded import Child
from tests.local.test_embedded import ROOT
from tests.waiting import PATIENCE_S, wait_for

# Opens the FIFO for writing in a child and a grandchild, both deaf to SIGTERM.
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
fifo = open(sys.argv[1], "w")
fifo.write("up\\n")
fifo.flush()
time.sleep(600)
"""
# Ends at once and leaves a process behind that has the FIFO open.
DESERTER = """
import os, sys, time
fifo = open(sys.argv[1], "w")
fifo.write("up\\n")
fifo.flush()
if not os.fork():
    time.sleep(600)
"""
PARENT = """
import sys, time
from jimeng.local.embedded import Child
child = Child(sys.argv[1:])
time.sleep(600)
"""


@pytest.fixture
def fifo(tmp_path):
    """A FIFO at whose reading end one sees when the last of its writers has ended."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("script", "status"), [("exit 7", 7), ("kill -KILL $$", 128 + 9)]
)
def test_a_leash_hands_on_the_exit_status(script, status):
    child = Child(["sh", "-c", script])

    wait_for(lambda: child.status() is not None)
    assert child.status() == status


def test_stop_is_gentle_at_first(tmp_path):
    """SIGTERM reaches the command itself, which may end in order."""
    log = tmp_path / "log"
    child = Child(
        [
            "sh",
            "-c",
            "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep .05; done",
        ],
        log=log,
    )
    wait_for(lambda: log.read_text() == "up\n")

    assert child.stop(PATIENCE_S) == 0
    assert log.read_text() == "up\nbye\n"


def test_stop_kills_in_the_end(fifo):
    child = Child([sys.executable, "-c", DEAF, str(fifo)])

    with open(fifo) as reader:
        assert [reader.readline(), reader.readline()] == ["up\n", "up\n"]
        assert child.stop(0.1) == 128 + signal.SIGKILL
        assert reader.read() == ""  # at the end: no writer is left


def test_a_killed_leash_takes_its_child_along(fifo):
    """Whoever ends the leash does not leave the command behind."""
    child = Child([sys.executable, "-c", DEAF, str(fifo)])

    with open(fifo) as reader:
        assert [reader.readline(), reader.readline()] == ["up\n", "up\n"]
        os.kill(child.pid, signal.SIGKILL)
        wait_for(lambda: child.status() is not None)
        assert reader.read() == ""


def test_what_a_command_leaves_behind_goes_too(fifo):
    """When a command has ended, so have the processes that it started."""
    child = Child([sys.executable, "-c", DESERTER, str(fifo)])

    with open(fifo) as reader:
        wait_for(lambda: child.status() == 0)
        assert reader.read() == "up\n"


@pytest.mark.system
def test_children_die_with_a_killed_parent(fifo):
    """Not even SIGKILL to the parent leaves a deaf child or grandchild behind."""
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", DEAF, str(fifo)]
    with subprocess.Popen(command, cwd=ROOT) as parent, open(fifo) as reader:
        assert [reader.readline(), reader.readline()] == ["up\n", "up\n"]

        parent.kill()

        assert reader.read() == ""  # waits until the last of them has ended
