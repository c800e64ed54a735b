"""Huey and its Redis connection; jobs are serialized as JSON."""

import json
import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from huey import RedisHuey
from huey.api import Task
from huey.consumer import Consumer
from huey.exceptions import HueyException
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from jimeng.config import Config, logs
from jimeng.errors import QueueUnavailable, outages
from jimeng.process import activity
from jimeng.process.state import Remembered

# The web tries twice, since Redis may have been restarted under a pooled connection.
# The page that reports the outage queries MongoDB, too, and has to answer within two
# seconds. A consumer's blocking read takes one second.
WEB_TIMEOUT_S, WORKER_TIMEOUT_S = 0.5, 5.0
DISPATCH = "jimeng.jobs.queue.dispatch"  # the job's name; see there
MAX_QUEUED_JOBS = 100  # beyond, the pump queues nothing
MAX_JOB_BYTES = 1000
WAKE_KEY = "jimeng:wake"  # a list with an entry while an idle worker is to look around
# A worker that was woken looks around for longer.
WAKE_EVERY_S, WAKE_RETRY_AFTER_S = 2.0, 60.0


class _State(Remembered):
    next_wake = 0.0  # by `time.monotonic`


_state = _State()
_reading = threading.Lock()

log = logging.getLogger(__name__)


class RetryUnlessSilent(Retry):
    """
    Retry a command or a connection, but try nothing if Redis has just not answered
    another command of the same request.
    """

    def call_with_retry(self, *args: Any, **kwargs: Any) -> Any:
        require_answers()
        try:
            return super().call_with_retry(*args, **kwargs)
        except RedisTimeout:
            outages.timed_out("redis")
            raise


def require_answers() -> None:
    """
    Raises:
        RedisTimeout: Redis has just not answered this request.
    """
    if outages.is_silent("redis"):
        raise RedisTimeout("Redis did not answer the command before")


class UnreadableJob(Exception):
    """A queue entry is no valid job; the pump queues again what is due."""


class PatientConsumer(Consumer):
    """
    On SIGTERM, finish the running jobs, for at most ``SHUTDOWN_GRACE``.

    Huey's own consumer interrupts its jobs at a second SIGTERM, which leaves
    submissions in an unknown state. But a second one is normal: systemd signals the
    whole process group, and a parent forwards the signal.
    """

    def start(self) -> None:
        # Huey listens after starting its threads, which may have a job by then.
        early: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: early.append(number))
        super().start()
        stop = signal.getsignal(signal.SIGTERM)

        def stop_once(number: int, frame: FrameType | None) -> None:
            stop(number, frame)  # type: ignore[operator, misc]
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

        signal.signal(signal.SIGTERM, stop_once)
        for number in early:
            os.kill(os.getpid(), number)

    def run(self) -> None:
        super().run()
        # A normal exit would wait for threads that are blocked on a database outage.
        os._exit(self.huey.exit_status)


class JsonHuey(RedisHuey):
    """
    Huey with jobs serialized as JSON: a name and string arguments.

    Huey pickles jobs, and unpickling executes code: anyone who can write to Redis could
    run code in the workers. Schedules and revocations are pickled, too; they are not
    used here, and not read. A forged job can only trigger what the pump triggers
    anyway: MongoDB decides what is due, and under which token.
    """

    config = Config()
    exit_status = 0  # of the consumer

    def create_consumer(self, **options: Any) -> Consumer:
        """Huey's command calls this, after it has added a log handler to ours."""
        logs.setup(self.config)
        grace_s = options.pop("shutdown_timeout", None) or self.config.SHUTDOWN_GRACE
        return PatientConsumer(self, **options, shutdown_timeout=grace_s)

    def serialize_task(self, task: Task) -> bytes:
        name = self._registry.task_to_string(type(task))
        return json.dumps([name, *task.args]).encode()

    def deserialize_task(self, data: bytes) -> Task:
        """
        Raises:
            UnreadableJob: `serialize_task` has not written it.
        """
        try:
            found = json.loads(data[:MAX_JOB_BYTES])
            if not isinstance(found, list) or not all(map(is_printable_string, found)):
                raise ValueError("not a list of arguments")
            name, *arguments = found
            return self._registry.string_to_task(name)(tuple(arguments))
        except (ValueError, RecursionError, HueyException) as error:
            raise UnreadableJob(f"{len(data)} bytes") from error

    def dequeue(self) -> Task | None:
        """
        Wait for a job, for at most twice the time that Redis is asked to wait.

        One thread waits in Redis, the others for that one: so waiting costs a command a
        second, and not one for each thread.
        """
        wait_s, queue = self.storage.read_timeout, self.storage.queue_key
        if not _reading.acquire(timeout=wait_s):
            return None
        try:
            found = self.storage.conn.brpop([queue, WAKE_KEY], timeout=wait_s)
        except RedisTimeout:
            return None
        finally:
            _reading.release()
        if found is None:
            return None
        key, data = found
        if key == WAKE_KEY.encode():
            activity.wake()
            return None
        try:
            return self.deserialize_task(data)
        except UnreadableJob as error:
            outages.failed("queue", error)
            return None

    def read_schedule(self, timestamp: object = None) -> list[Task]:
        return []

    def is_revoked(self, *_: object) -> bool:
        return False

    def delete(self, key: str) -> bool:
        """Huey calls this after each job to clear its revocation; there are none."""
        return False


def is_printable_string(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


# `connect` sets the address once the settings are known; nothing is sent before a job
# is enqueued.
huey = JsonHuey("jimeng-json", results=False, url="redis://localhost:6379/0")


def connect(config: Config, *, timeout: float = WEB_TIMEOUT_S) -> None:
    """
    Point Huey at Redis; nothing is sent yet.

    Args:
        timeout: Seconds for each of two attempts.
    """
    huey.config = config
    outages.watch("redis", lambda error: isinstance(error, RedisError))
    pool = ConnectionPool.from_url(
        config.redis_url,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=RetryUnlessSilent(NoBackoff(), 1),
    )
    huey.storage_kwargs = {"connection_pool": pool}
    huey.storage = huey.create_storage()


def wake_a_worker() -> None:
    """
    Let an idle worker look at once for what has changed; at most every `WAKE_EVERY_S`.
    If Redis is down, workers find it within `activity.IDLE_INTERVAL_S`.
    """
    now = time.monotonic()
    if now < _state.next_wake:
        return
    _state.next_wake = now + WAKE_EVERY_S
    try:
        with huey.storage.conn.pipeline(transaction=False) as pipeline:
            pipeline.lpush(WAKE_KEY, "").ltrim(WAKE_KEY, 0, 0).execute()
    except RedisError as error:
        _state.next_wake = now + WAKE_RETRY_AFTER_S
        outages.failed("redis", error)


def evaluate(script: str, keys: Sequence[str], *arguments: str | int) -> Any:
    """
    Run a Lua script in Redis.

    Raises:
        RedisError: Redis does not answer, or rejects the script.
    """
    return huey.storage.conn.eval(script, len(keys), *keys, *arguments)


def enqueue_dispatch(lane: str, n: int = 1) -> None:
    """Queue *n* dispatches of a lane; if Redis is down, the pump does it later."""
    dispatch = json.dumps([DISPATCH, lane]).encode()
    try:
        huey.storage.conn.lpush(huey.storage.queue_key, *[dispatch] * n)
    except RedisError as error:
        log.warning("dispatch not queued lane=%s", lane, exc_info=error)


def check_queue() -> int:
    """
    Return the number of jobs that wait in Redis.

    Raises:
        QueueUnavailable: Redis does not answer.
    """
    try:
        length = queue_length()
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    outages.works("redis")
    return length


def queue_length() -> int:
    """Jobs in Redis that no worker has fetched."""
    return huey.storage.queue_size()
