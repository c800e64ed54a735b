"""
Run a command that ends when the parent ends, even when that is killed outright.

    python -I -S parent_watch.py FDS COMMAND [ARGUMENT ...]

Standard input is a pipe whose other end only the parent has. When it closes, the
parent is gone: the whole process group gets SIGTERM and, after ``PATIENCE``,
SIGKILL. A byte in it asks for SIGKILL to the command at once. SIGTERM and SIGHUP
are passed on to the command, and its exit status is the parent watch's. FDS are
descriptors, joined by commas, that the parent watch holds until its end and the command
does not get: a lock on them lasts as long as anything is left.

It runs as a file, without ``site`` and without the package, to stay small: there
is one for every child.
"""

import os
import signal
import sys
import threading
import time

PATIENCE = 3.0  # seconds between SIGTERM and SIGKILL once the parent is gone
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)


orphaned = threading.Event()


def main(held: str, command: list[str]) -> int:
    for number in filter(None, held.split(",")):
        os.set_inheritable(int(number), False)
    # A signal that comes before the child is there waits until it can be passed on.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = start(command)
    for each in PASSED_ON:
        signal.signal(each, lambda number, _: pass_on(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    threading.Thread(target=end_with_parent, args=(child,), daemon=True).start()
    _, status = os.waitpid(child, 0)
    if orphaned.is_set():
        os.killpg(0, signal.SIGKILL)  # what is left, and the parent watch itself
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def start(command: list[str]) -> int:
    return os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
        setsigmask=(),
        setsigdef=(*PASSED_ON, signal.SIGPIPE),
    )


def pass_on(child: int, number: int) -> None:
    if not orphaned.is_set():  # else the whole group has got it
        os.kill(child, number)


def end_with_parent(child: int) -> None:
    while os.read(0, 64):
        os.kill(child, signal.SIGKILL)
    orphaned.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(PATIENCE)
    os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
