"""
The commands of the two servers, and what Gunicorn's own settings depend on.

``python -m jimeng.config.server`` prints the latter as JSON for ``gunicorn.conf.py``,
which may load nothing of jimeng; its exit status is 4 if a setting is wrong.
"""

import json
import logging
import math
import sys
from collections.abc import Mapping

from jimeng.config import WITHDRAWN, Config, logs, read_environment
from jimeng.errors import ConfigError

log = logging.getLogger("jimeng.config.server")

# What follows ``python``; the same as in the Procfile. The consumer has eight threads,
# runs no periodic tasks of Huey's, and finishes its jobs on SIGTERM.
WEB = ("-m", "gunicorn", "wsgi:app")
WORKER = ("-m", "huey.bin.huey_consumer", "wsgi.huey", "-w", "8", "-n", "-g", "TERM")
# Of each web process.
MAX_LONG_POLLS, MAX_EVENT_STREAMS, MAX_OTHER_CONNECTIONS = 300, 500, 1000


def is_on_a_platform(environ: Mapping[str, str]) -> bool:
    """
    Whether a platform sets ``PORT``: it connects from outside, so the server listens on
    all interfaces, unless ``SERVER_HOST`` is set.
    """
    return bool(environ.get("PORT")) and not environ.get("SERVER_HOST")


def settings(config: Config, environ: Mapping[str, str]) -> dict[str, str | int]:
    """
    Gunicorn's settings.

    Args:
        environ: What *config* was read from.
    """
    address = config.address
    if is_on_a_platform(environ):
        address = f"0.0.0.0:{config.SERVER_PORT}"
    waiting = MAX_LONG_POLLS + MAX_EVENT_STREAMS
    return {
        "bind": address,
        "worker_connections": waiting + MAX_OTHER_CONNECTIONS,
        "graceful_timeout": math.ceil(config.SHUTDOWN_GRACE),
        "loglevel": config.LOG_LEVEL,
        "log_format": config.LOG_FORMAT,
    }


def warn_without_proxies(config: Config, environ: Mapping[str, str]) -> None:
    """
    Log one line if the server listens on other addresses than this machine's, and
    `TRUSTED_PROXIES` is not set; in *config* 0 is also the default.
    """
    is_public = is_on_a_platform(environ) or not config.is_loopback
    if is_public and not environ.get("TRUSTED_PROXIES"):
        log.warning(
            "others can reach this server, and TRUSTED_PROXIES is not set: set it to "
            "the number of proxies in front (1 for nginx, Caddy or a platform's "
            "router), which clients are told apart by; or to TRUSTED_PROXIES=0 if "
            "there is none: nothing limits slow clients then, see docs/deployment"
        )


def warn_withdrawn(environ: Mapping[str, str]) -> None:
    """Log one line if settings are set that exist no longer."""
    if found := [name for name in WITHDRAWN if environ.get(name)]:
        log.warning("no longer a setting, and without effect: %s", ", ".join(found))


def main() -> int:
    try:
        environ = read_environment()
        config = Config.from_env(environ)
    except ConfigError as error:
        return logs.refuse(error)
    logs.setup(config)
    warn_without_proxies(config, environ)
    warn_withdrawn(environ)
    sys.stdout.write(json.dumps(settings(config, environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
