"""
A cache of API keys and their users.

Looking up a key costs as much as the rest of a request that polls a task. Within
`CACHE_S` it is not looked up again, unless keys or users have changed: each change
writes a new mark to Redis before it is answered, and each request reads the mark when
the rate limiter counts it. Without a mark nothing is cached.
"""

import logging
import secrets
from dataclasses import dataclass
from time import monotonic

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.documents import ApiKey, User
from jimeng.documents.principal import KeyUse
from jimeng.limits import ACCESS
from jimeng.process.state import remembered

log = logging.getLogger(__name__)

# A revoked key is accepted for this long at most if Redis has lost the change's mark.
CACHE_S = 1.0
MARK_TTL_S = 3600  # seconds; must be longer than `CACHE_S`
MAX_CACHED_KEYS = 10_000  # keys


@dataclass(frozen=True)
class CachedKey:
    key: ApiKey
    user: User
    use: KeyUse
    mark: bytes
    until: float  # by `monotonic`


_cache: dict[str, CachedKey] = remembered({})


def get_cached(digest: str, mark: bytes | None) -> tuple[ApiKey, User, KeyUse] | None:
    """
    Return a cached key, its user and its limits, if cached under the same mark.

    Args:
        mark: As read by the current request; None if Redis was unavailable.
    """
    found = _cache.get(digest)
    if found is None or found.mark != mark or monotonic() >= found.until:
        return None
    return found.key, found.user, found.use


def put(digest: str, mark: bytes | None, key: ApiKey, user: User, use: KeyUse) -> None:
    """Cache a key that was looked up after *mark* was read."""
    if mark is None:
        return
    if len(_cache) >= MAX_CACHED_KEYS:
        _cache.clear()
    _cache[digest] = CachedKey(key, user, use, mark, monotonic() + CACHE_S)


def access_changed() -> None:
    """Invalidate the caches of all processes; call it before answering a change."""
    try:
        jobs.huey.storage.conn.set(ACCESS, secrets.token_bytes(12), ex=MARK_TTL_S)
    except RedisError as error:
        log.warning("key caches not invalidated, they expire", exc_info=error)
    _cache.clear()
