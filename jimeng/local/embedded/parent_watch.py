"""
Run a command that is terminated when its parent process exits, even by SIGKILL.

    python -I -S parent_watch.py FDS COMMAND [ARGUMENT ...]

Standard input is a pipe whose write end only the parent holds. When it closes, the
parent has exited: the whole process group gets SIGTERM and, ``KILL_TIMEOUT_S`` seconds
later, SIGKILL. A byte read from the pipe requests an immediate SIGKILL of the command.
SIGTERM and SIGHUP are forwarded to the command, and its exit status becomes that of the
parent watch. FDS are comma-separated descriptors that the parent watch keeps open until
it exits and that the command does not inherit: a file lock on them lasts as long as any
process of the group.

It runs as a script, without ``site`` and without the package, to use little memory:
every child has its own parent watch.
"""

import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress

KILL_TIMEOUT_S = 3.0  # between SIGTERM and SIGKILL once the parent is gone
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
# MongoDB opens a file for each connection, collection and index, and aborts at the
# limit, which is 1,024 in most shells. Source: its manual, "UNIX ulimit Settings".
OPEN_FILES = 64_000


orphaned = threading.Event()


def main(held: str, command: list[str]) -> int:
    for number in filter(None, held.split(",")):
        os.set_inheritable(int(number), False)
    allow_open_files()
    # Block signals until the child exists, so that they can be forwarded to it.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    child = start(command)
    for each in PASSED_ON:
        signal.signal(each, lambda number, _: pass_on(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    threading.Thread(target=end_with_parent, args=(child,), daemon=True).start()
    _, status = os.waitpid(child, 0)
    if orphaned.is_set():
        os.killpg(0, signal.SIGKILL)  # remaining processes, and this one
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def allow_open_files() -> None:
    """Raise the limit of open files, as far as the system grants it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # macOS has a limit beside this one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
    if not orphaned.is_set():  # else the whole group has received it
        os.kill(child, number)


def end_with_parent(child: int) -> None:
    while os.read(0, 64):
        os.kill(child, signal.SIGKILL)
    orphaned.set()
    os.killpg(0, signal.SIGTERM)
    time.sleep(KILL_TIMEOUT_S)
    os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
