"""
``python app.py``: run all of jimeng on one machine, in one terminal.

MongoDB, Redis and the demo provider (each only if none is configured), a consumer and a
web server are started in this order, restarted when they exit, and stopped together.
"""

import argparse
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from jimeng.config import Config, logs
from jimeng.errors import ConfigError
from jimeng.local.supervisor import datadir, plan
from jimeng.local.supervisor.run import REFUSED, Run
from jimeng.local.supervisor.source_watch import Watch
from jimeng.local.supervisor.stack import Stack

ROOT = Path(__file__).parents[3]
DISK_ERRORS = {*datadir.FULL, errno.EROFS, errno.EACCES}


def main(
    argv: Sequence[str] | None = None,
    *,
    root: Path = ROOT,
    check: Callable[[Config], object] | None = None,
) -> int:
    """
    Run jimeng until a signal stops it; return the exit status.

    Args:
        argv: The arguments after the program's name.
        root: The directory of ``wsgi.py`` and ``.env``.
        check: Raises `ConfigError` for settings with which no child could start.

    Returns:
        0 after Ctrl-C or SIGTERM, 2 with a message on standard error if it cannot
        start, 130 after a second Ctrl-C.
    """
    parser = argparse.ArgumentParser(prog="app.py", description="Run jimeng here.")
    parser.add_argument(
        "--dev", action="store_true", help="start again when a source file changes"
    )
    args = parser.parse_args(argv)
    os.chdir(root)
    try:
        return supervise(root, check, dev=args.dev)
    except ConfigError as error:
        logs.refuse(error)
        return REFUSED
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        logs.refuse(datadir.unusable(error.filename or "of DATA_DIR", error))
        return REFUSED


def supervise(
    root: Path, check: Callable[[Config], object] | None, *, dev: bool
) -> int:
    def read() -> Config:
        config = Config.load()
        plan.check_access(config)
        plan.check_provider(config)
        if check is not None:
            check(config)
        return config

    config = read()
    logs.setup(config)
    data_dir = root / config.DATA_DIR
    with datadir.locked(data_dir) as lock:
        plan.check_port(config)
        plan.check_databases(config)
        watch = Watch(root) if dev else None
        return Run(Stack(config, data_dir, lock), watch, read).until_stopped()
