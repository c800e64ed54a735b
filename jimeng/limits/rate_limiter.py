"""Rate limiter: windows of a minute, counted in Redis; losing a count is harmless."""

import logging
import secrets
from dataclasses import dataclass

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.errors import QueueUnavailable

log = logging.getLogger(__name__)

MINUTE_S = 60
# The Redis client retries a command whose answer is lost: for so long it counts once.
RESEND_WINDOW_S = 5

# A window begins with its first task. One script, so that concurrent requests cannot
# exceed the limit together, and no count is left without an expiry; and one round trip.
# The third key is an idempotency key of this call.
COUNT_SCRIPT = """
local taken, used, left = 1, 0, 0
if ARGV[1] ~= '0' then
  used = tonumber(redis.call('GET', KEYS[1]) or '0')
  if redis.call('EXISTS', KEYS[3]) == 0 then
    taken = used < tonumber(ARGV[1]) and 1 or 0
    if taken == 1 then
      used = redis.call('INCR', KEYS[1])
      if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
      redis.call('SET', KEYS[3], '', 'PX', ARGV[3])
    end
  end
  left = redis.call('PTTL', KEYS[1])
end
return {taken, used, left, redis.call('LLEN', KEYS[2])}
"""
UNCOUNT_SCRIPT = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
"""


@dataclass(frozen=True)
class WindowCount:
    """
    Attributes:
        allowed: Whether one more was within the limit, and was counted.
        used: How many are counted now.
        left_ms: Milliseconds until the window ends; not positive without a count.
        queued: Jobs that wait in Redis.
    """

    allowed: bool
    used: int
    left_ms: int
    queued: int

    @property
    def resets_in(self) -> int:
        """Seconds until the window ends; a whole window without a count."""
        return -(-(self.left_ms if self.left_ms > 0 else 1000 * MINUTE_S) // 1000)


def count_one(name: str, most: int) -> WindowCount:
    """
    Count one more under *name*, if that is at most *most*; 0 for no limit.

    Raises:
        QueueUnavailable: Redis is away.
    """
    waiting = jobs.huey.storage.queue_key
    keys = [_key(name), waiting, f"jimeng:taken:{secrets.token_hex(8)}"]
    try:
        allowed, used, left_ms, queued = jobs.evaluate(
            COUNT_SCRIPT, keys, most, 1000 * MINUTE_S, 1000 * RESEND_WINDOW_S
        )
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return WindowCount(bool(allowed), used, left_ms, queued)


def uncount(name: str) -> None:
    try:
        jobs.evaluate(UNCOUNT_SCRIPT, [_key(name)])
    except RedisError as error:
        log.warning("submission stays counted for its minute", exc_info=error)


def read_window(name: str) -> WindowCount:
    """
    Read the state of a window.

    Raises:
        QueueUnavailable: Redis is away.
    """
    try:
        with jobs.huey.storage.conn.pipeline(transaction=False) as pipeline:
            used, left_ms = pipeline.get(_key(name)).pttl(_key(name)).execute()
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return WindowCount(True, int(used or 0), left_ms, 0)


def _key(name: str) -> str:
    return f"jimeng:submissions:{name}"  # a user's id has no space in it
