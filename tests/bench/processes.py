"""CPU seconds, which tell more than rates where the machine does other things too."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(*pids: int) -> list[float]:
    """What each of these has used of a processor so far."""
    found = []
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found.append((int(fields[11]) + int(fields[12])) / TICKS)
    return found


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
