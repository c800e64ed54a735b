"""``python -m tests.chaos``: a long run, with a report; exit status 1 if it failed."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--monkey", type=float, default=0.0005, metavar="CHANCE")
    parser.add_argument("--only", default="", help="faults with this in their names")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jimeng-chaos-") as folder:
        report = run(
            Path(folder),
            tasks=args.tasks,
            faults=args.faults,
            seed=args.seed,
            monkey=args.monkey,
            only=args.only,
            say=print,
        )
    print(report.text())
    return 1 if report.verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
