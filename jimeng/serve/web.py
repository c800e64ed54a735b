"""What Gunicorn is told."""

import math
import resource
from collections.abc import Mapping

from jimeng.config import Config

# Longer than any client or proxy keeps a connection that it has no use for: whoever
# closes first must not be the server, which cannot know that a request is coming.
KEEP_ALIVE = 75  # seconds
FOR_OTHERS = 1000  # connections of a process beside those that wait
OPEN_FILES = 500  # of a process beside its connections


def options(config: Config, given: Mapping[str, str]) -> list[str]:
    """Gunicorn's options; those that come after them are stronger."""
    return [
        *("--bind", address(config, given)),
        *("--worker-class", "jimeng.serve.worker.Worker"),
        *("--workers", "2", "--worker-connections", str(connections(config))),
        *("--keep-alive", str(KEEP_ALIVE)),
        *("--graceful-timeout", str(math.ceil(config.SHUTDOWN_GRACE))),
        *("--logger-class", "jimeng.serve.gunicorn_log.GunicornLog"),
        *("--log-level", config.LOG_LEVEL),
        "--no-control-socket",
        # By default 4 KiB, which a page with a hundred unfinished cards fills.
        *("--limit-request-line", "8190"),
        # By default a proxy on this machine may set the path by headers, and with it
        # whoever sends those through the proxy.
        *("--forwarder-headers", ""),
        "wsgi:app",
    ]


def connections(config: Config) -> int:
    """How many a process may have."""
    return config.MAX_LONG_POLLS + config.MAX_EVENT_STREAMS + FOR_OTHERS


def address(config: Config, given: Mapping[str, str]) -> str:
    """
    ``host:port`` to listen on.

    A platform that gives ``PORT`` asks from outside: unless ``SERVER_HOST`` says
    otherwise, it is listened on everywhere.
    """
    if given.get("PORT") and not given.get("SERVER_HOST"):
        return f"0.0.0.0:{config.SERVER_PORT}"
    return config.address


def allow_open_files(config: Config) -> None:
    """Let this process and those that it starts have as many as connections need."""
    wanted = connections(config) + OPEN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
