"""Read the settings, then become the web server or a consumer."""

import os
import sys
from collections.abc import Sequence

from jimeng.config import Config, logs, read_environment
from jimeng.documents import migrations
from jimeng.errors import ConfigError
from jimeng.serve import web

USAGE = "usage: python -m jimeng.serve web [GUNICORN'S OPTIONS] | worker\n"


def main(argv: Sequence[str]) -> int:
    """
    Run the web server or a consumer until SIGTERM, and return the exit status.

    Returns:
        2 for wrong arguments; 4, with a message on standard error, if a setting or a
        database migrated by a later release prevents the start.
    """
    kind, *options = argv or [""]
    if kind not in {"web", "worker"} or (kind == "worker" and options):
        sys.stderr.write(USAGE)
        return 2
    try:
        environment = read_environment()
        config = Config.from_env(environment)
        migrations.check_before_start(config)
    except ConfigError as error:
        return logs.refuse(error)
    # Gunicorn's master and our worker class read these from the environment.
    os.environ["LOG_FORMAT"] = config.LOG_FORMAT
    os.environ["TRUSTED_PROXIES"] = str(config.TRUSTED_PROXIES)
    if kind == "worker":
        # Imported here, since it loads all that jobs need.
        from jimeng.serve import consumer

        consumer.run(config)
    web.allow_open_files(config)
    # Replace this process by one that has imported almost nothing of jimeng: workers
    # are forked from it, and would keep old code when they are restarted for a new
    # release.
    arguments = [
        "-m",
        "jimeng.serve.master",
        *web.options(config, environment),
        *options,
    ]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
