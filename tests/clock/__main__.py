"""
Run a command on another day: ``python -m tests.clock 8 make test`` is in eight days.

Its processes, and those that they start, see their clock and the times of files moved
by so many days, which may be negative; how is said in ``moved_clock.c``. It takes a
C compiler, and programs that use the system's C library. libfaketime does the same, but
all processes share one lock of it, which makes the tests many times slower.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("moved_clock.c")
DAY_S = 86_400


def build(folder: str) -> Path:
    """
    Compile the library into *folder*, and return its path.

    LD_PRELOAD is split at spaces and colons, so the path must have none: that of the
    checkout may.
    """
    library = Path(folder, "moved_clock.so")
    compiler = os.environ.get("CC", "cc")
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, str(SOURCE), "-o", str(library)], check=True)
    return library


def main(days: str, *command: str) -> int:
    with tempfile.TemporaryDirectory(prefix="jimeng-clock-", dir="/tmp") as folder:
        offset_s = round(float(days) * DAY_S)
        moved = {"LD_PRELOAD": str(build(folder)), "CLOCK_OFFSET_S": str(offset_s)}
        return subprocess.run(command, env={**os.environ, **moved}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
