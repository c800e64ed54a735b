"""
The commands of the two servers, and what Gunicorn's own settings depend on.

``python -m jimeng.config.server`` prints the latter as JSON for ``gunicorn.conf.py``,
which may load nothing of jimeng; its exit status is 4 if a setting is wrong.
"""

import json
import math
import sys
from collections.abc import Mapping

from jimeng.config import Config, logs, read_environment
from jimeng.errors import ConfigError

# What follows ``python``; the same as in the Procfile. The consumer has eight threads,
# runs no periodic tasks of Huey's, and finishes its jobs on SIGTERM.
WEB = ("-m", "gunicorn", "wsgi:app")
WORKER = ("-m", "huey.bin.huey_consumer", "wsgi.huey", "-w", "8", "-n", "-g", "TERM")
MAX_OTHER_CONNECTIONS = 1000  # of a process, besides long polls and event streams


def settings(environ: Mapping[str, str]) -> dict[str, str | int]:
    """
    Gunicorn's settings.

    A platform that sets ``PORT`` connects from outside: listen on all interfaces then,
    unless ``SERVER_HOST`` is set.

    Raises:
        ConfigError: a setting of ours is wrong.
    """
    config = Config.from_env(environ)
    is_everywhere = environ.get("PORT") and not environ.get("SERVER_HOST")
    waiting = config.MAX_LONG_POLLS + config.MAX_EVENT_STREAMS
    return {
        "bind": f"0.0.0.0:{config.SERVER_PORT}" if is_everywhere else config.address,
        "worker_connections": waiting + MAX_OTHER_CONNECTIONS,
        "graceful_timeout": math.ceil(config.SHUTDOWN_GRACE),
        "loglevel": config.LOG_LEVEL,
        "log_format": config.LOG_FORMAT,
    }


if __name__ == "__main__":
    try:
        found = settings(read_environment())
    except ConfigError as error:
        sys.exit(logs.refuse(error))
    sys.stdout.write(json.dumps(found))
