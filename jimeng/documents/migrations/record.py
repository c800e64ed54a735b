"""The migration record: the database's schema number, and the code that it requires."""

import logging
import time
from dataclasses import dataclass

from mongoengine import get_db
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

from jimeng import documents
from jimeng.config import Config
from jimeng.documents.migrations import steps
from jimeng.errors import ConfigError

log = logging.getLogger(__name__)

MINE = {"_id": "schema"}
CHECK_EVERY_S = 5.0
RETRY_AFTER_S = 5  # by then a process of the later release may answer

_next_check = 0.0  # by `time.monotonic`
_min_code = 0  # as of the latest check


class TooOld(ConfigError):
    """This release is too old for a database that a later release has migrated."""

    code = "release_too_old"
    status = 503

    def __init__(self, min_code: int) -> None:
        super().__init__(
            f"the database was migrated by a later release and needs code {min_code}, "
            f"this is {steps.CODE}: install that release again",
            retry_after=RETRY_AFTER_S,
        )


@dataclass(frozen=True)
class Record:
    """
    Attributes:
        schema: The number of the last completed step.
        min_code: The lowest code number that may use the database.
        step: The step in progress; it has completed once `schema` has reached it.
        after: The key of the last document that the step has processed.
    """

    schema: int = steps.FIRST
    min_code: int = 0
    step: int = 0
    after: str = ""


def rows() -> Collection:
    """Return the collection of this installation's records; backups omit it."""
    return get_db()["installations"]


def read() -> Record:
    """Read the current record; a database without one has not been migrated yet."""
    found = rows().find_one(MINE) or {}
    known = Record.__dataclass_fields__
    return Record(**{name: value for name, value in found.items() if name in known})


def change(update: dict) -> None:
    rows().update_one(MINE, update, upsert=True)


def begin_at(schema: int) -> None:
    """Set the schema number of documents that were just restored into the database."""
    record = {
        "schema": schema,
        "min_code": steps.needed(schema),
        "step": 0,
        "after": "",
    }
    rows().replace_one(MINE, record, upsert=True)


def is_too_old() -> bool:
    return read().min_code > steps.CODE


def check() -> None:
    """
    Refuse to write to a database that is too new for this code.

    The record is read again after `CHECK_EVERY_S`: another process may migrate the
    database at any time.

    Raises:
        TooOld: this code is older than the database requires.
        PyMongoError: the check was due, and MongoDB does not answer.
    """
    global _next_check, _min_code
    now = time.monotonic()
    if now >= _next_check:
        _next_check = now + CHECK_EVERY_S  # other threads skip the check
        _min_code = read().min_code
    if _min_code > steps.CODE:
        raise TooOld(_min_code)


def check_before_start(config: Config) -> None:
    """
    Refuse to start on a database that is too new for this code.

    If MongoDB is unavailable the process starts anyway; readiness reports it later.

    Raises:
        TooOld: this code is older than the database requires.
    """
    documents.connect(config)
    try:
        needed = read().min_code
    except PyMongoError as error:
        log.debug("not known yet which code the database needs: %s", error)
        return
    if needed > steps.CODE:
        raise TooOld(needed)
