"""Read the settings, then become the web server or a consumer."""

import os
import sys
from collections.abc import Sequence

from jimeng.config import Config, given, logs
from jimeng.documents import migrations
from jimeng.errors import ConfigError
from jimeng.serve import web

USAGE = "usage: python -m jimeng.serve web [GUNICORN'S OPTIONS] | worker\n"


def main(argv: Sequence[str]) -> int:
    """
    Be one of the two until SIGTERM; the exit status.

    Returns:
        2 if it is not said which, 4 with a sentence on standard error when a
        setting, or the database of a later release, keeps it from starting.
    """
    kind, *options = argv or [""]
    if kind not in {"web", "worker"} or (kind == "worker" and options):
        sys.stderr.write(USAGE)
        return 2
    try:
        told = given()
        config = Config.from_env(told)
        migrations.check_before_start(config)
    except ConfigError as error:
        return logs.refuse(error)
    # Gunicorn's master and the front of its workers read no settings.
    os.environ["LOG_FORMAT"] = config.LOG_FORMAT
    os.environ["TRUSTED_PROXIES"] = str(config.TRUSTED_PROXIES)
    if kind == "worker":
        # Which loads all that jobs need: the web server has no use for it here.
        from jimeng.serve import consumer

        consumer.run(config)
    web.allow_open_files(config)
    # A process of its own, which has next to nothing of jimeng in it: its workers are
    # made by forking, and what was imported before stays when they are renewed.
    words = ["-m", "jimeng.serve.master", *web.options(config, told), *options]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
