"""What is left to do after the write that decides: it changes no answer any more."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import InvalidBSON
from pymongo.errors import PyMongoError

log = logging.getLogger(__name__)


@contextmanager
def left_over(what: str) -> Iterator[None]:
    """
    Do what belongs to something that is done already.

    Where MongoDB does not let it be done, somebody else does it later: the janitor,
    or whoever comes upon it.

    Args:
        what: For the log.
    """
    try:
        yield
    except (PyMongoError, InvalidBSON) as error:
        log.warning("%s left for later: %s: %s", what, type(error).__name__, error)
