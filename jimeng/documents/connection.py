"""The connection to MongoDB: its timeouts, and what happens if it does not answer."""

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import mongoengine
import pymongo
from bson.errors import InvalidBSON
from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    PyMongoError,
)
from pymongo.monitoring import ServerHeartbeatListener

from jimeng.config import Config
from jimeng.documents.commands import note_silence
from jimeng.documents.database_errors import DUPLICATE_KEY, is_away
from jimeng.errors import DatabaseUnavailable, outages

log = logging.getLogger(__name__)
# Seconds for one operation; a request may run several. Long enough for a slow database,
# and short enough to report an outage within two seconds. While no server is found, the
# driver checks the deadline every half second, so only its multiples are exact.
WEB_TIMEOUT = 1.5
WORKER_TIMEOUT = 30.0
# Longer than the timeout of a database operation, so that no other worker takes over
# during one.
WRITING_LEASE = timedelta(seconds=WORKER_TIMEOUT + 5)


class Heartbeats(ServerHeartbeatListener):
    """Detect the end of an outage from the driver's continuous heartbeats."""

    def started(self, event: object) -> None:
        pass

    def succeeded(self, event: object) -> None:
        outages.works("mongodb")

    def failed(self, event: object) -> None:
        pass


def connect(config: Config, *, timeout: float | None = None) -> None:
    """
    Connect this process to MongoDB, replacing an existing connection.

    Nothing is sent until the first use, so the process starts even if MongoDB is down.
    Writes are acknowledged by a majority and journaled, except through
    ``collection(durable=False)``.

    Args:
        timeout: Seconds for one operation, including server selection; by default
            `WEB_TIMEOUT`.

    Raises:
        DatabaseUnavailable: the host name of a ``mongodb+srv`` address does not
            resolve.
    """
    outages.watch("mongodb", is_away)
    milliseconds = int((timeout or WEB_TIMEOUT) * 1000)
    mongoengine.disconnect()
    try:
        mongoengine.connect(
            db=config.MONGODB_DATABASE,
            host=config.mongodb_uri,
            tz_aware=True,
            uuidRepresentation="standard",
            w="majority",
            journal=True,
            timeoutMS=milliseconds,
            serverSelectionTimeoutMS=milliseconds,
            connectTimeoutMS=milliseconds,
            appname="jimeng",
            event_listeners=[Heartbeats()],
        )
    except ConfigurationError as error:
        raise DatabaseUnavailable(f"MONGODB_URI: {error}") from error


def operation_timeout(seconds: float) -> AbstractContextManager[object]:
    """
    Set a common timeout for the operations in this context, instead of the connection's
    timeout for each of them. Do not wait for anything else inside, such as a client or
    a decoder: the time counts.
    """
    return pymongo.timeout(seconds)


def await_answer(seconds: float) -> None:
    """
    Ping MongoDB.

    Raises:
        ConnectionFailure: MongoDB does not answer within *seconds*.
    """
    with operation_timeout(seconds):
        mongoengine.get_db().command("ping")


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """
    Log and swallow database errors of a follow-up step that must not change the answer.

    If the step fails, the janitor or a later request repeats it. After an operation
    that has timed out it fails without waiting.

    Args:
        what: The step's name in the log.
    """
    note_silence(sys.exception())
    try:
        yield
    except (PyMongoError, InvalidBSON) as error:
        note_silence(error)
        log.warning("%s skipped for now: %s: %s", what, type(error).__name__, error)


@contextmanager
def ignore_duplicates() -> Iterator[None]:
    """Ignore that documents exist already; bulk writes must be unordered."""
    try:
        yield
    except DuplicateKeyError:
        return
    except BulkWriteError as error:
        failed = error.details.get("writeErrors", [])
        others = [each for each in failed if each["code"] != DUPLICATE_KEY]
        if others or not failed or error.details.get("writeConcernErrors"):
            raise
