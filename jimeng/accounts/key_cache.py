"""
Keys that were looked up a moment ago, with whose they are.

A key is looked up for each request, which costs as much as the rest of a look at a
task. Within `KEPT` it is not looked up again as long as nothing has changed that a
key's worth depends on: each such change leaves a new mark in Redis before it is
answered, and each request is told the mark when it is counted there. Where nobody
tells it, nothing is remembered.
"""

import logging
import secrets
from dataclasses import dataclass
from time import monotonic

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.documents import ApiKey, User
from jimeng.limits import ACCESS

log = logging.getLogger(__name__)

# Seconds. Longest that a key is believed where Redis has lost the mark of a change.
CACHE_S = 1.0
MARK_KEPT = 3600  # seconds, which is longer than that
MAX_CACHED_KEYS = 10_000  # keys


@dataclass(frozen=True)
class Known:
    key: ApiKey
    user: User
    mark: bytes
    until: float  # by `monotonic`


_known: dict[str, Known] = {}


def recall(digest: str, mark: bytes | None) -> tuple[ApiKey, User] | None:
    """
    Args:
        mark: As it was when the present request came; None if nobody knows.
    """
    found = _known.get(digest)
    if found is None or found.mark != mark or monotonic() >= found.until:
        return None
    return found.key, found.user


def remember(digest: str, mark: bytes | None, key: ApiKey, user: User) -> None:
    """Keep what was looked up after *mark* was read."""
    if mark is None:
        return
    if len(_known) >= MAX_CACHED_KEYS:
        _known.clear()
    _known[digest] = Known(key, user, mark, monotonic() + CACHE_S)


def access_changed() -> None:
    """Let no process rely on what it knows; after a change, before it is answered."""
    try:
        jobs.huey.storage.conn.set(ACCESS, secrets.token_bytes(12), ex=MARK_KEPT)
    except RedisError as error:
        log.warning("keys are remembered for a moment", exc_info=error)
    _known.clear()
