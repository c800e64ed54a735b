"""``python -m simulator``: the simulator as its own process."""

import argparse
import json
import logging
import os
import sys
from datetime import UTC, datetime

from simulator.server import run
from simulator.settings import WANTED, parse


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def main() -> None:
    """Parse the command line; keys may also be set in the environment."""
    parser = argparse.ArgumentParser(prog="python -m simulator")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument(
        "--access-key", default=os.environ.get("VOLCENGINE_ACCESS_KEY", "")
    )
    parser.add_argument(
        "--secret-key", default=os.environ.get("VOLCENGINE_SECRET_KEY", "")
    )
    parser.add_argument("--ark-key", default=os.environ.get("ARK_API_KEY", ""))
    parser.add_argument(
        "--account",
        dest="accounts",
        metavar=WANTED,
        type=parse,
        action="append",
        default=[],
        help="one more, with a limit of its own",
    )
    parser.add_argument("--limit", type=int, default=2, help="running tasks")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds, median")
    parser.add_argument("--sigma", type=float, default=0.0, help="log-normal spread")
    parser.add_argument("--state", default=":memory:", metavar="FILE")
    args = parser.parse_args()
    if not (args.access_key and args.secret_key):
        parser.error(
            "needs a key pair: --access-key and --secret-key, or "
            "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY"
        )
    level = os.environ.get("LOG_LEVEL", "info").upper()
    if level not in logging.getLevelNamesMapping():
        parser.error("LOG_LEVEL is debug, info, warning or error")
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)-7s %(name)s %(message)s"
    )
    if os.environ.get("LOG_FORMAT") == "json":
        logging.getLogger().handlers[0].setFormatter(JsonFormatter())
    try:
        run(**vars(args))
    except OSError as error:
        sys.exit(f"the simulator cannot listen on {args.port}: {error}")


if __name__ == "__main__":
    main()
