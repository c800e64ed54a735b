"""Huey, what its jobs need in this process, and the two jobs there are."""

import logging
from dataclasses import dataclass

from huey import RedisHuey
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from jimeng.config import Config
from jimeng.errors import QueueUnavailable
from jimeng.providers import Registry
from jimeng.storage import GridFSStore

log = logging.getLogger(__name__)

# Seconds. The web tries twice, since Redis may have been restarted under a pooled
# connection; the page that says so shows the user's tasks too, and MongoDB gets what
# is left of two seconds. A consumer's blocking read takes one.
WEB_TIMEOUT, WORKER_TIMEOUT = 0.5, 5.0
MOST_QUEUED = 100  # jobs; beyond, the pump waits rather than repeats itself

# The address is set by `configure`, when the settings are known; nothing is sent
# before a job is enqueued.
huey = RedisHuey("jimeng", results=False, url="redis://localhost:6379/0")


@dataclass(frozen=True)
class Runtime:
    """What jobs need: the settings, the providers, and the picture store."""

    config: Config
    registry: Registry
    store: GridFSStore


_runtime: Runtime | None = None


def configure(config: Config, registry: Registry | None = None) -> Runtime:
    """
    Set up this process; nothing is connected yet.

    Args:
        registry: The providers; by default those that *config* has keys for.
    """
    global _runtime
    connect(config)
    _runtime = Runtime(config, registry or Registry.from_config(config), GridFSStore())
    return _runtime


def connect(config: Config, *, timeout: float = WEB_TIMEOUT) -> None:
    """
    Point Huey at Redis; nothing is sent yet.

    Args:
        timeout: Seconds for one of two tries.
    """
    pool = ConnectionPool.from_url(
        config.redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 1),
    )
    huey.storage_kwargs = {"connection_pool": pool}
    huey.storage = huey.create_storage()


def runtime() -> Runtime:
    if _runtime is None:
        raise RuntimeError("jobs.configure has not been called")
    return _runtime


def check_queue() -> int:
    """
    Say how many jobs wait in Redis.

    Raises:
        QueueUnavailable: Redis does not answer.
    """
    try:
        return queue_length()
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error


def queue_length() -> int:
    """Jobs in Redis that no worker has taken."""
    return huey.storage.queue_size()


def enqueue_dispatch(lane: str) -> None:
    """Ask for the lane's next picture to be sent. The pump does if this fails."""
    try:
        dispatch(lane)
    except RedisError as error:
        log.warning("dispatch not queued lane=%s: %s", lane, error)


@huey.task()
def dispatch(lane: str) -> None:
    """Send the picture that is next in the lane, if a slot is free."""
    from jimeng.jobs.submit import send_next

    send_next(lane)


@huey.task()
def advance(generation_id: str, token: str) -> None:
    """Do what is due for a generation that was reserved under *token*."""
    from jimeng.jobs.steps import take_step

    take_step(generation_id, token)
