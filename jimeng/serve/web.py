"""Gunicorn's options."""

import math
import resource
from collections.abc import Mapping

from jimeng.config import Config

# Longer than clients and proxies keep idle connections: if the server closes first, a
# request may already be on its way.
KEEP_ALIVE_S = 75
MAX_OTHER_CONNECTIONS = 1000  # connections of a process besides long polls and streams
OPEN_FILES = 500  # of a process besides its connections


def options(config: Config, environ: Mapping[str, str]) -> list[str]:
    """Return the default options; later ones on the command line override them."""
    return [
        *("--bind", address(config, environ)),
        *("--worker-class", "jimeng.serve.worker.Worker"),
        *("--workers", "2", "--worker-connections", str(connections(config))),
        *("--keep-alive", str(KEEP_ALIVE_S)),
        *("--graceful-timeout", str(math.ceil(config.SHUTDOWN_GRACE))),
        *("--logger-class", "jimeng.serve.gunicorn_log.GunicornLog"),
        *("--log-level", config.LOG_LEVEL),
        "--no-control-socket",
        # The default of 4 KiB is too short for a page with a hundred unfinished cards.
        *("--limit-request-line", "8190"),
        # By default a proxy on this machine may set the path by headers, and so may any
        # client that sends them through the proxy.
        *("--forwarder-headers", ""),
        "wsgi:app",
    ]


def connections(config: Config) -> int:
    """The maximum number of connections of a process."""
    return config.MAX_LONG_POLLS + config.MAX_EVENT_STREAMS + MAX_OTHER_CONNECTIONS


def address(config: Config, environ: Mapping[str, str]) -> str:
    """
    ``host:port`` to listen on.

    A platform that sets ``PORT`` connects from outside: listen on all interfaces then,
    unless ``SERVER_HOST`` is set.
    """
    if environ.get("PORT") and not environ.get("SERVER_HOST"):
        return f"0.0.0.0:{config.SERVER_PORT}"
    return config.address


def allow_open_files(config: Config) -> None:
    """Raise the limit of open files for the connections; child processes inherit it."""
    wanted = connections(config) + OPEN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
