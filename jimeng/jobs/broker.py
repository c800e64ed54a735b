"""Huey, and the Redis that it keeps its jobs in."""

from huey import RedisHuey
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from jimeng import outages
from jimeng.config import Config
from jimeng.errors import QueueUnavailable

# Seconds. The web tries twice, since Redis may have been restarted under a pooled
# connection; the page that says so shows the user's tasks too, and MongoDB gets what
# is left of two seconds. A consumer's blocking read takes one.
WEB_TIMEOUT, WORKER_TIMEOUT = 0.5, 5.0
MOST_QUEUED = 100  # jobs; beyond, the pump waits rather than repeats itself

# The address is set by `connect`, when the settings are known; nothing is sent
# before a job is enqueued.
huey = RedisHuey("jimeng", results=False, url="redis://localhost:6379/0")


def connect(config: Config, *, timeout: float = WEB_TIMEOUT) -> None:
    """
    Point Huey at Redis; nothing is sent yet.

    Args:
        timeout: Seconds for one of two tries.
    """
    outages.watch("redis", lambda error: isinstance(error, RedisError))
    pool = ConnectionPool.from_url(
        config.redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
    )
    huey.storage_kwargs = {"connection_pool": pool}
    huey.storage = huey.create_storage()


def check_queue() -> int:
    """
    Say how many jobs wait in Redis.

    Raises:
        QueueUnavailable: Redis does not answer.
    """
    try:
        found = queue_length()
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    outages.works("redis")
    return found


def queue_length() -> int:
    """Jobs in Redis that no worker has taken."""
    return huey.storage.queue_size()
