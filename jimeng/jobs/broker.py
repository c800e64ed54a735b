"""Huey, and the Redis that it keeps its jobs in."""

import json
import os
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from huey import RedisHuey
from huey.api import Task
from huey.exceptions import HueyException
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from jimeng.config import Config
from jimeng.errors import QueueUnavailable, outages

# Seconds. The web tries twice, since Redis may have been restarted under a pooled
# connection; the page that says so shows the user's tasks too, and MongoDB gets what
# is left of two seconds. A consumer's blocking read takes one.
WEB_TIMEOUT_S, WORKER_TIMEOUT_S = 0.5, 5.0
MAX_QUEUED_JOBS = 100  # jobs; beyond, the pump waits rather than repeats itself
MAX_JOB_BYTES = 1000  # bytes of a job

# Connections for scripts that nobody uses, of each pool's server.
_idle_connections: WeakKeyDictionary[ConnectionPool, list[ConnectionInterface]]
_idle_connections = WeakKeyDictionary()
os.register_at_fork(after_in_child=_idle_connections.clear)


class UnreadableJob(Exception):
    """What lay in the queue is no job of ours; the pump queues again what was lost."""


class JsonHuey(RedisHuey):
    """
    Huey, with jobs that are a name and some words, in JSON.

    Its own are pickled, and unpickling does whatever the bytes say: whoever can
    write to Redis could run code. Nor does it read schedules and revocations, which
    are pickled too, and not used here. A forged job may only ask for what the pump
    asks for all the time; what is due, and under which token, MongoDB says.
    """

    def serialize_task(self, task: Task) -> bytes:
        name = self._registry.task_to_string(type(task))
        return json.dumps([name, *task.args]).encode()

    def deserialize_task(self, data: bytes) -> Task:
        """
        Raises:
            UnreadableJob: it is none that `serialize_task` has written.
        """
        try:
            found = json.loads(data[:MAX_JOB_BYTES])
            if not isinstance(found, list) or not all(map(is_printable_string, found)):
                raise ValueError("no list of words")
            name, *words = found
            return self._registry.string_to_task(name)(tuple(words))
        except (ValueError, RecursionError, HueyException) as error:
            raise UnreadableJob(f"{len(data)} bytes") from error

    def dequeue(self) -> Task | None:
        data = self.storage.dequeue()
        try:
            return None if data is None else self.deserialize_task(data)
        except UnreadableJob as error:
            outages.failed("queue", error)
            return None

    def read_schedule(self, timestamp: object = None) -> list[Task]:
        return []

    def is_revoked(self, *_: object) -> bool:
        return False

    def delete(self, key: str) -> bool:
        """Huey asks after each job, to clear its revocation: there are none."""
        return False


def is_printable_string(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


# The address is set by `connect`, when the settings are known; nothing is sent before
# a job is enqueued.
huey = JsonHuey("jimeng-json", results=False, url="redis://localhost:6379/0")


def connect(config: Config, *, timeout: float = WEB_TIMEOUT_S) -> None:
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


def evaluate(script: str, keys: Sequence[str], *arguments: str | int) -> Any:
    """
    Run a script in Redis, on a connection that is kept for that: the client looks at
    its own before each command, and does much else, which takes three times as long.

    Raises:
        RedisError: it does not answer, or does not like the script.
    """
    pool = huey.storage.conn.connection_pool
    free = _idle_connections.setdefault(pool, [])
    try:
        connection = free.pop()
    except IndexError:
        connection = _new_connection(pool)
    try:
        return _run(connection, free, script, keys, arguments)
    except ResponseError:
        raise
    except RedisError:  # as the client does: the answer may be lost, and only that
        free.clear()  # or Redis has been restarted under all of them
    return _run(_new_connection(pool), free, script, keys, arguments)


def _new_connection(pool: ConnectionPool) -> ConnectionInterface:
    made = pool.make_connection()
    made.connect()
    return made


def _run(
    connection: ConnectionInterface,
    free: list[ConnectionInterface],
    script: str,
    keys: Sequence[str],
    arguments: Sequence[str | int],
) -> Any:
    # Whole: to send its hash costs more here than Redis saves by it.
    command = encode_command("EVAL", script, len(keys), *keys, *arguments)
    connection.send_packed_command(command)
    try:
        found = connection.read_response()
    except ResponseError:  # it has answered
        free.append(connection)
        raise
    free.append(connection)
    return found


def encode_command(*words: str | int) -> list[bytes]:
    """A command as Redis reads it; the client takes four times as long for that."""
    said = [str(word).encode() for word in words]
    parts = [b"$%d\r\n%b\r\n" % (len(each), each) for each in said]
    return [b"*%d\r\n%b" % (len(said), b"".join(parts))]


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
