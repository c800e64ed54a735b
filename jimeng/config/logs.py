"""Logging: one line per event, with the ids of request, task and user."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from textwrap import indent
from typing import TYPE_CHECKING

from jimeng.errors.outages import Folding

if TYPE_CHECKING:  # a reload does not reload modules that Gunicorn's master imported
    from jimeng.config import Config

FIELDS = ("request", "address", "door", "task", "user")
# Exit status at which Gunicorn stops; after any other it restarts the worker forever.
REFUSED = 4
# Credentials, wherever they appear: API keys, secret paths, and signatures.
GIVES_ACCESS = re.compile(r"(\bjm_|/(?:i|in|s|invitations)/|X-Amz-Signature=)[\w%~-]+")
SHORTEST_SECRET = 8  # characters; masking shorter ones would hit ordinary words
LINE_ENDS = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}

_secrets = re.compile("(?!)")  # secret values of the settings
_bound: ContextVar[dict[str, str]] = ContextVar("bound")


@contextmanager
def bound(**ids: str | None) -> Iterator[None]:
    """Add *ids* (`FIELDS`) to every line logged in this context."""
    token = _bound.set({**_bound.get({}), **{k: v for k, v in ids.items() if v}})
    try:
        yield
    finally:
        _bound.reset(token)


def bind(**ids: str | None) -> None:
    """Like `bound`, until the end of the current context, such as a request."""
    _bound.set({**_bound.get({}), **{k: v for k, v in ids.items() if v}})


def clear() -> None:
    """Remove the ids, which a thread would carry over to its next request."""
    _bound.set({})


def one_line(text: str) -> str:
    """Escape everything in *text* that could start a new log line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def masked(text: str) -> str:
    """Mask credentials in *text*, both users' and those of services."""
    return _secrets.sub("***", GIVES_ACCESS.sub(r"\1…", text))


class TextFormatter(logging.Formatter):
    """``time level module message request=… task=… user=…``"""

    def format(self, record: logging.LogRecord) -> str:
        ids = "".join(f" {k}={one_line(v)}" for k, v in _bound.get({}).items())
        text = (
            f"{moment(record)} {record.levelname.lower():7} {record.name} "
            f"{one_line(masked(record.getMessage()))}{ids}"
        )
        if record.exc_info:
            # Indented, so that no text in it can pose as a log line.
            text += "\n" + indent(masked(self.formatException(record.exc_info)), "    ")
        return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
            **_bound.get({}),
        }
        if record.exc_info:
            entry["traceback"] = masked(self.formatException(record.exc_info))
        text = json.dumps(entry, ensure_ascii=False)
        # Valid in JSON strings, but some line readers break lines at them.
        return text.translate(LINE_ENDS)


def moment(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def formatter(kind: str) -> logging.Formatter:
    """The formatter for a ``LOG_FORMAT``."""
    return JsonFormatter() if kind == "json" else TextFormatter()


def refuse(error: Exception) -> int:
    """Print why the process does not start; return the exit status."""
    text = f"jimeng does not start: {error}"
    if os.environ.get("LOG_FORMAT") == "json":
        record = logging.LogRecord("jimeng", logging.ERROR, "", 0, text, None, None)
        text = JsonFormatter().format(record)
    sys.stderr.write(f"{text}\n")
    return REFUSED


def setup(config: "Config") -> None:
    """Send the log to standard error only; may be called again."""
    global _secrets
    long = [re.escape(x) for x in sorted(config.secrets) if len(x) >= SHORTEST_SECRET]
    _secrets = re.compile("|".join(long) or "(?!)", re.IGNORECASE)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(config.LOG_FORMAT))
    handler.addFilter(Folding())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.LOG_LEVEL.upper())
    # Their lines per job and connection repeat what our own lines say.
    for name in ("huey", "urllib3", "pymongo", "werkzeug", "boto3", "botocore"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.WARNING)
