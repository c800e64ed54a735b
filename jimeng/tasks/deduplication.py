"""
Deduplication: a client that repeats its request joins the task that it created first.

OpenAI's SDKs repeat a POST by themselves when a connection breaks, without an
idempotency key: there is only their retry count. So the task is found by the request's
content. Two equal requests create two tasks, and so do their repetitions: each task is
joined once per retry round.
"""

import hashlib
import json
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.documents import Status, Task, best_effort, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.task import OPEN, THERE
from jimeng.tasks.creation import Request, create

log = logging.getLogger(__name__)

MAX_JOIN_AGE = timedelta(minutes=15)
MAX_LOST_ANSWER_AGE = timedelta(seconds=30)  # a sent answer may still have been lost
UNDELIVERED_JOIN_AGE = timedelta(hours=1)  # an undelivered result can be joined
IN_FLIGHT_TTL_S = 10  # longer than any request takes until its task is stored
MAX_EARLIER_WAIT_S = 3.0  # that a repetition waits for earlier equal requests
POLL_INTERVAL_S = 0.05

# By Redis's clock. Expired markers of processes that died are removed.
ADD_IN_FLIGHT = """
local now = redis.call('TIME')
local at = now[1] * 1000000 + now[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at - ARGV[2] * 1000000)
redis.call('ZADD', KEYS[1], at, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


@dataclass(frozen=True)
class Attempt:
    """
    A client's request, and how often it was sent before.

    Attributes:
        content: What equal requests have in common, as a JSON value.
        repeats: 0 for the first attempt; None if the client does not count. 1 for a
            client that repeats without saying so: any request may be a repetition.
        max_lost_answer_age: How long after an answer was sent a repetition may mean
            that it was lost.
    """

    content: object
    repeats: int | None = None
    max_lost_answer_age: timedelta = MAX_LOST_ANSWER_AGE


def create_or_join(
    principal: Principal,
    request: Request,
    attempt: Attempt,
    *,
    idem_key: str | None = None,
    max_wait_s: float | None = None,
) -> tuple[Task, bool]:
    """
    Create a task, or join the one that an equal request of this caller has created.

    A client that does not count its attempts joins any equal task that is open, or
    whose result was not delivered: it may have timed out and asked again.

    Args:
        idem_key: As in `create`; if set, it alone decides.

    Returns:
        The task, and whether an earlier request had created it.

    Raises:
        As `create`.
    """
    key = join_key(principal, attempt)
    with in_flight(key) as name:
        if attempt.repeats != 0 and idem_key is None:
            wait_for_earlier(key, name)
            found = join(principal, key, attempt)
            if found is not None:
                return found, True
        return create(
            principal, request, idem_key=idem_key, join_key=key, max_wait_s=max_wait_s
        )


def join_key(principal: Principal, attempt: Attempt) -> str:
    """A hash of the caller and the request's content."""
    caller = principal.key.id if principal.key else principal.address
    text = json.dumps([principal.user_id, caller, attempt.content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def join(principal: Principal, key: str, attempt: Attempt) -> Task | None:
    """
    Join the oldest task with *key* whose answer the client may lack; None without one.

    A task that was joined as often as the request was repeated already belongs to
    another client that has sent an equal request.
    """
    now, repeats = utcnow(), attempt.repeats
    update: dict = {"$inc": {"joins": 1}}
    if repeats is None:
        undelivered = {
            "status": {"$in": [Status.COMPLETED.value, Status.FAILED.value]},
            "answered_at": None,
            "created_at": {"$gt": now - UNDELIVERED_JOIN_AGE},
        }
        lacking: dict = {"$or": [{"status": {"$in": OPEN}}, undelivered]}
    else:
        lacking = {
            "created_at": {"$gt": now - MAX_JOIN_AGE},
            "joins": {"$not": {"$gte": repeats}},
            "$or": [
                {"answered_at": None},
                {"answered_at": {"$gt": now - attempt.max_lost_answer_age}},
            ],
        }
        # Until this repetition is answered, the next one may need the task.
        update["$unset"] = {"answered_at": ""}
    found = Task.find_and_modify(
        {"join_key": key, **lacking, **principal.filter(), **THERE},
        update,
        sort=[("created_at", 1), ("_id", 1)],
    )
    if found is not None:
        log.info("equal request joined task=%s repeats=%s", found.id, repeats)
    return found


def mark_answered(task_id: str) -> None:
    """Record that a client has received the whole answer."""
    with best_effort("answered"):
        Task.collection(durable=False).update_one(
            {"_id": task_id}, {"$set": {"answered_at": utcnow()}}
        )


@contextmanager
def in_flight(key: str) -> Iterator[str]:
    """Mark an equal request as in flight, until its task is stored."""
    name, redis_key = secrets.token_hex(8), _in_flight_key(key)
    connection = jobs.huey.storage.conn
    try:
        connection.eval(ADD_IN_FLIGHT, 1, redis_key, name, IN_FLIGHT_TTL_S)
    except RedisError as error:  # `create` will refuse without Redis
        log.warning("in-flight marker not set", exc_info=error)
    try:
        yield name
    finally:
        try:
            connection.zrem(redis_key, name)
        except RedisError as error:
            log.warning("in-flight marker not removed, expires", exc_info=error)


def wait_for_earlier(key: str, name: str) -> None:
    """
    Wait until no earlier equal request is in flight, for `MAX_EARLIER_WAIT_S` at most.

    A connection may break while its request is still being read: the repetition must
    not look for the task before it is stored.
    """
    end = time.monotonic() + MAX_EARLIER_WAIT_S
    try:
        while jobs.huey.storage.conn.zrank(_in_flight_key(key), name):
            if time.monotonic() > end:
                log.warning("gave up waiting for equal requests in flight")
                return
            time.sleep(POLL_INTERVAL_S)
    except RedisError as error:
        log.warning("in-flight markers not readable", exc_info=error)


def _in_flight_key(key: str) -> str:
    return f"jimeng:arriving:{key[:32]}"
