"""``make run``: seconds to the first and the second start, and its memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import cpu_seconds, own_memory, started_by
from tests.bench.rows import Row, Site
from tests.system.stack import ROOT, free_port

SETTLE = 8.0  # seconds until nothing of the start is left to be done
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Found:
    """
    Attributes:
        seconds: From the command to the line that says that it is ready.
        cpu: Seconds of it that all processes used until then.
        memory: Command of a process -> bytes that it has of its own, shared ones by
            their share, a while later.
    """

    seconds: float
    cpu: float
    memory: list[tuple[str, int]]


def measure(folder: Path) -> Found:
    """Start it with its data in *folder*, look, and stop it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env |= {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    env |= {"DATA_DIR": str(folder), "SERVER_PORT": str(free_port())}
    env |= {"LOG_LEVEL": "warning"}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        took = time.monotonic() - began
        if not line.startswith(b"jimeng: "):
            raise RuntimeError(f"it does not start: {line!r}")
        cpu = sum(cpu_seconds(process.pid, *started_by(process.pid)))
        time.sleep(SETTLE)
        pids = [process.pid, *started_by(process.pid)]
        memory = [(name_of(pid), own_memory(pid)) for pid in pids]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    return Found(took, cpu, memory)


def name_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return " ".join(Path(word).name for word in words[:5])[:60]


def rows(site: Site) -> Iterator[Row]:
    for name, goal in (("first", ""), ("second", "2 s, 450 MB")):
        found = measure(site.folder / "start")
        total = sum(memory for _, memory in found.memory) / 1e6
        said = (
            f"**{found.seconds:.1f} s**, {found.cpu:.1f} s of CPU; idle {total:.0f} MB"
        )
        said += f" in {len(found.memory)} processes"
        yield Row(f"`make run`, {name} start", said, goal=goal)
