"""CPU seconds, which tell more than rates where the machine does other things too."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pymongo.database import Database

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Measures from now on what these processes use, and the whole machine."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._cpu, self._machine = cpu_seconds(*pids), machine_cpu_seconds()
        self._began = time.monotonic()

    def read(self) -> tuple[float, list[float], float]:
        """Seconds that passed, CPU seconds of each process, and busy cores."""
        took = time.monotonic() - self._began
        after = cpu_seconds(*self._pids)
        used = [b - a for a, b in zip(self._cpu, after, strict=True)]
        return took, used, (machine_cpu_seconds() - self._machine) / took


def cpu_seconds(*pids: int) -> list[float]:
    """What each of these has used of a processor so far."""
    found = []
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found.append((int(fields[11]) + int(fields[12])) / TICKS)
    return found


def machine_cpu_seconds() -> float:
    """What all processes of the machine have used so far."""
    user, nice, system, _, _, irq, soft, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / TICKS


def memory(pid: int, kind: str) -> int:
    """
    Bytes that it has: ``VmHWM`` at the most so far, ``VmRSS`` now, ``Pss`` with its
    share of what it shares with others; 0 if it has just ended.
    """
    path = Path(f"/proc/{pid}", "smaps_rollup" if kind == "Pss" else "status")
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = path.read_text().splitlines()
        return 1024 * sum(int(x.split()[1]) for x in lines if x.startswith(f"{kind}:"))
    return 0


def mongod(database: Database) -> int:
    """The process that has it."""
    return database.client.admin.command("serverStatus")["pid"]


def started_cpu_seconds() -> float:
    """Of all that this process has started, whoever of these started it."""
    return sum(cpu_seconds(*started_by(os.getpid())))


def started_by(pid: int) -> Iterator[int]:
    children: list[str] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                children += (thread / "children").read_text().split()
    for child in map(int, children):
        yield child
        yield from started_by(child)


@contextmanager
def on_one_core() -> Iterator[None]:
    """Let this process, and all that comes of it in the meantime, share one core."""
    cores = os.sched_getaffinity(0)
    keep_to({min(cores)})
    try:
        yield
    finally:
        keep_to(cores)


def keep_to(cores: set[int]) -> None:
    for pid in (os.getpid(), *started_by(os.getpid())):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
