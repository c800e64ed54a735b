"""``make run``: seconds to the first and the second start, and its memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.processes import cpu_seconds, memory, started_by
from tests.bench.rows import Row, Site
from tests.system.stack import ROOT, free_port

SETTLE = 8.0  # seconds until nothing of the start is left to be done
PATIENCE = 60.0  # seconds


def rows(site: Site) -> Iterator[Row]:
    for name, goal in (("first", ""), ("second", "2 s, 450 MB")):
        said = measure(site.folder / "start")
        yield Row(f"`make run`, {name} start", said, goal=goal)


def measure(folder: Path) -> str:
    """Seconds until it says that it is ready; a while later its processes' memory."""
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
        size = sum(memory(pid, "Pss") for pid in pids) / 1e6
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
    said = f"**{took:.1f} s**, {cpu:.1f} s of CPU; idle {size:.0f} MB"
    return f"{said} in {len(pids)} processes"
