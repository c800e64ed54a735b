"""What the database says of itself: how far it is, and which code it needs."""

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
    """This release's code cannot work on a database that a later one has changed."""

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
        schema: The number of the last step that was done to its end.
        min_code: Only code below this is refused.
        step: The one under way; that it has ended is told by `schema`.
        after: The key of the last document that it has done.
    """

    schema: int = steps.FIRST
    min_code: int = 0
    step: int = 0
    after: str = ""


def rows() -> Collection:
    """Beside what else is of this installation; no backup holds it."""
    return get_db()["installations"]


def read() -> Record:
    """As it is now; a database that no step was done on says nothing."""
    found = rows().find_one(MINE) or {}
    known = Record.__dataclass_fields__
    return Record(**{name: value for name, value in found.items() if name in known})


def change(update: dict) -> None:
    rows().update_one(MINE, update, upsert=True)


def begin_at(schema: int) -> None:
    """Say how far documents are that have just been put into this database."""
    made = {"schema": schema, "min_code": steps.needed(schema), "step": 0, "after": ""}
    rows().replace_one(MINE, made, upsert=True)


def is_too_old() -> bool:
    return read().min_code > steps.CODE


def is_known_too_old() -> bool:
    """Whether the latest check has found so."""
    return _min_code > steps.CODE


def check() -> None:
    """
    Refuse to write what the database is too new for, as it said `CHECK_EVERY_S` ago at
    most: another process may migrate it at any time.

    Raises:
        TooOld: see there.
        PyMongoError: it was time to ask, and MongoDB does not answer.
    """
    global _next_check, _min_code
    now = time.monotonic()
    if now >= _next_check:
        _next_check = now + CHECK_EVERY_S  # the others need not ask as well
        _min_code = read().min_code
    if is_known_too_old():
        raise TooOld(_min_code)


def check_before_start(config: Config) -> None:
    """
    Refuse to work on what this code would misunderstand. A MongoDB that is away
    keeps nothing from starting; readiness tells of it later.

    Raises:
        TooOld: see there.
    """
    documents.connect(config)
    try:
        needed = read().min_code
    except PyMongoError as error:
        log.debug("not known yet which code the database needs: %s", error)
        return
    if needed > steps.CODE:
        raise TooOld(needed)
