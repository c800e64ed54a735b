"""CPU seconds, which tell more than rates where the machine does other things too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


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


def most_memory(pid: int) -> int:
    """Bytes that it had at the most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(peak)


def own_memory(pid: int) -> int:
    """Bytes that it has now; of those that it shares with others, its share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (share,) = (line.split()[1] for line in lines if line.startswith("Pss:"))
    return 1024 * int(share)


def started_cpu_seconds() -> float:
    """Of all that this process has started, whoever of these started it."""
    return sum(cpu_seconds(*started_by(os.getpid())))


def started_by(pid: int) -> Iterator[int]:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        children = ""
        with suppress(FileNotFoundError):  # it has just ended
            children = (thread / "children").read_text()
        for child in map(int, children.split()):
            yield child
            yield from started_by(child)


@contextmanager
def on_one_core() -> Iterator[None]:
    """
    Let this process, all that it has started and what these start in the meantime share
    one core.
    """
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
