"""Windows of a minute, counted in Redis: a count that is lost is one of the last."""

import logging
import secrets
from dataclasses import dataclass

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.errors import QueueUnavailable

log = logging.getLogger(__name__)

MINUTE = 60  # seconds
# The client sends a command again whose answer did not come: so long it is known.
KNOWN = 5  # seconds

# A window begins with the first of its tasks. One script, so that many requests at
# once cannot pass together, and no count is left without an end; and one round trip.
# The third key is of this call: what has been counted under it is not counted anew.
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
class Count:
    """
    Attributes:
        taken: Whether there was room for one more, which is counted then.
        used: How many the window has now.
        left: Milliseconds until they are forgotten; none where nothing is counted.
        queued: Jobs that wait in Redis.
    """

    taken: bool
    used: int
    left: int
    queued: int

    @property
    def resets_in(self) -> int:
        """Seconds; without a count the whole window is there."""
        return -(-(self.left if self.left > 0 else 1000 * MINUTE) // 1000)


def take(name: str, most: int) -> Count:
    """
    Count one more under *name*, where that makes no more than *most*; 0 is no limit.

    Raises:
        QueueUnavailable: Redis is away.
    """
    waiting = jobs.huey.storage.queue_key
    keys = [_key(name), waiting, f"jimeng:taken:{secrets.token_hex(8)}"]
    try:
        taken, used, left, queued = jobs.evaluate(
            COUNT_SCRIPT, keys, most, 1000 * MINUTE, 1000 * KNOWN
        )
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return Count(bool(taken), used, left, queued)


def give_back(name: str) -> None:
    try:
        jobs.evaluate(UNCOUNT_SCRIPT, [_key(name)])
    except RedisError as error:
        log.warning("submission stays counted for its minute", exc_info=error)


def read(name: str) -> Count:
    """
    How the window stands.

    Raises:
        QueueUnavailable: Redis is away.
    """
    try:
        with jobs.huey.storage.conn.pipeline(transaction=False) as pipeline:
            used, left = pipeline.get(_key(name)).pttl(_key(name)).execute()
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return Count(True, int(used or 0), left, 0)


def _key(name: str) -> str:
    return f"jimeng:submissions:{name}"  # a user's id has no space in it
