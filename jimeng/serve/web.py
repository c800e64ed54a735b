"""What Gunicorn is told."""

import math
from collections.abc import Mapping

from jimeng.config import Config

# Longer than any client or proxy keeps a connection that it has no use for: whoever
# closes first must not be the server, which cannot know that a request is coming.
KEEP_ALIVE = 75  # seconds
THREADS = 64  # in each process, beside one for each that may wait for a task


def options(config: Config, given: Mapping[str, str]) -> list[str]:
    """Gunicorn's options; those that come after them are stronger."""
    return [
        *("--bind", address(config, given)),
        *("--worker-class", "jimeng.serve.threads.Worker"),
        *("--workers", "2", "--threads", str(threads(config))),
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


def threads(config: Config) -> int:
    """Those of a process; they are started when they are needed."""
    return THREADS + config.MAX_LONG_POLLS + config.MAX_EVENT_STREAMS


def address(config: Config, given: Mapping[str, str]) -> str:
    """
    ``host:port`` to listen on.

    A platform that gives ``PORT`` asks from outside: unless ``SERVER_HOST`` says
    otherwise, it is listened on everywhere.
    """
    if given.get("PORT") and not given.get("SERVER_HOST"):
        return f"0.0.0.0:{config.SERVER_PORT}"
    return config.address
