"""``python -m tests.chaos.group_kills``: ends a running site again and again."""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.bench.processes import started_by
from tests.standin import NO_DATABASES, OWN_KEYS, Site, first_line, made
from tests.waiting import wait_for

GRACE = 15.0  # seconds in which all of it has to be gone


def tell_twice(pid: int) -> None:
    """A terminal's signal, and the same one passed on by make."""
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGTERM)


def tell_all(pid: int) -> None:
    """Systemd's: one to each process of the group."""
    for each in [pid, *started_by(pid)]:
        try:
            os.kill(each, signal.SIGTERM)
        except ProcessLookupError:
            continue


WAYS: dict[str, Callable[[int], None]] = {"twice": tell_twice, "all": tell_all}


def strike(site: Site, way: str, wait: float) -> str:
    """Start it, end it after *wait* seconds, and say how it ended."""
    with site.start(**NO_DATABASES, **OWN_KEYS) as process:
        first_line(process)
        time.sleep(wait)
        WAYS[way](process.pid)
        try:
            status = process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "hung"
    try:
        wait_for(site.is_empty)
    except AssertionError:
        return "left something behind"
    return "ended" if status == 0 else f"status {status}"


def run(times: int, seed: int) -> Counter:
    """Strike *times* times at random moments; how often it ended how."""
    choice = random.Random(seed)
    ends: Counter = Counter()
    with tempfile.TemporaryDirectory(prefix="jimeng-kills-") as folder:
        for number in range(times):
            with made(Path(folder) / str(number)) as site:
                way = choice.choice(list(WAYS))
                ends[strike(site, way, choice.uniform(0, 0.3))] += 1
    return ends


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.group_kills")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    ends = run(args.times, args.seed)
    print(f"{args.times} group kills: {dict(ends)}")
    return 0 if ends["ended"] == args.times else 1


if __name__ == "__main__":
    sys.exit(main())
