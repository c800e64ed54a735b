"""
Joining: a client that sends its request once more is given the task that it made.

Clients of other services post again by themselves when a connection breaks, with
nothing that tells one request from another but how often they have tried. What they
lost is looked for by what they asked for. Two equal requests stay two tasks, and so
do their repetitions: each task is joined once a round.
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
from jimeng.tasks.creation import create
from jimeng.tasks.requests import NewTask

log = logging.getLogger(__name__)

YOUNG = timedelta(minutes=15)
LOST = timedelta(seconds=30)  # in which an answer may have been lost on its way
UNHEARD = timedelta(hours=1)  # in which an end that nobody heard waits for who asks
MAX_ARRIVAL_S = 10  # seconds; no request takes so long until its task is written
MAX_EARLIER_WAIT_S = 3.0  # seconds that a repetition waits for requests before it
POLL_INTERVAL_S = 0.05  # seconds between two looks

# Redis has one clock for all. What a process left there that died is taken away.
ARRIVE = """
local now = redis.call('TIME')
local at = now[1] * 1000000 + now[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at - ARGV[2] * 1000000)
redis.call('ZADD', KEYS[1], at, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


@dataclass(frozen=True)
class Request:
    """
    What a client has sent, and how often before.

    Attributes:
        content: All of it that must be the same, as JSON.
        repeats: 0 for the first time; None where the client does not say.
    """

    content: object
    repeats: int | None = None


def create_or_join(
    principal: Principal,
    new: NewTask,
    request: Request,
    *,
    idem_key: str | None = None,
    within: float | None = None,
) -> tuple[Task, bool]:
    """
    Create a task, or find the one that an equal request of this caller has made before.

    Of a client that does not say how often it has asked, that is any task that goes on,
    or whose end nobody was told: it may have given up and asked once more.

    Args:
        idem_key: As in `create`; where there is one, it alone decides.

    Returns:
        The task, and whether an earlier request had made it.

    Raises:
        As `create`.
    """
    key = join_key(principal, request)
    with arriving(key) as name:
        if request.repeats != 0 and idem_key is None:
            await_earlier(key, name)
            found = join(principal, key, request.repeats)
            if found is not None:
                return found, True
        return create(principal, new, idem_key=idem_key, join_key=key, within=within)


def join_key(principal: Principal, request: Request) -> str:
    """The same for all that the same caller asks in the same words."""
    caller = principal.key.id if principal.key else principal.address
    text = json.dumps([principal.user_id, caller, request.content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def join(principal: Principal, key: str, repeats: int | None) -> Task | None:
    """
    Take the oldest task under *key* whose answer its client may lack; None if there
    is none.

    A task that was joined as often as the client has repeated itself belongs to
    another client, who asked for the same.
    """
    now = utcnow()
    update: dict = {"$inc": {"joins": 1}}
    if repeats is None:
        unheard = {
            "status": {"$in": [Status.COMPLETED.value, Status.FAILED.value]},
            "answered_at": None,
            "created_at": {"$gt": now - UNHEARD},
        }
        lacking: dict = {"$or": [{"status": {"$in": OPEN}}, unheard]}
    else:
        lacking = {
            "created_at": {"$gt": now - YOUNG},
            "joins": {"$not": {"$gte": repeats}},
            "$or": [{"answered_at": None}, {"answered_at": {"$gt": now - LOST}}],
        }
        # Until this one has its answer, too, the next repetition needs the task.
        update["$unset"] = {"answered_at": ""}
    found = Task.find_and_modify(
        {"join_key": key, **lacking, **principal.filter(), **THERE},
        update,
        sort=[("created_at", 1), ("_id", 1)],
    )
    if found is not None:
        log.info("equal request joined task=%s repeats=%s", found.id, repeats)
    return found


def answered(task_id: str) -> None:
    """Note that a client has been handed the whole answer."""
    with best_effort("answered"):  # which nobody takes back
        Task.collection(durable=False).update_one(
            {"_id": task_id}, {"$set": {"answered_at": utcnow()}}
        )


@contextmanager
def arriving(key: str) -> Iterator[str]:
    """Let others see that a request is on its way to become a task."""
    name, line = secrets.token_hex(8), _line(key)
    connection = jobs.huey.storage.conn
    try:
        connection.eval(ARRIVE, 1, line, name, MAX_ARRIVAL_S)
    except RedisError as error:  # without which nothing is created
        log.warning("arrival not noted", exc_info=error)
    try:
        yield name
    finally:
        try:
            connection.zrem(line, name)
        except RedisError as error:
            log.warning("arrival stays noted for seconds", exc_info=error)


def await_earlier(key: str, name: str) -> None:
    """
    Wait, for a while, until no equal request that came before is on its way.

    A connection may break while its request is still being read: the repetition must
    not look for the task before it is there.
    """
    end = time.monotonic() + MAX_EARLIER_WAIT_S
    try:
        while jobs.huey.storage.conn.zrank(_line(key), name):
            if time.monotonic() > end:
                log.warning("equal requests took too long to arrive")
                return
            time.sleep(POLL_INTERVAL_S)
    except RedisError as error:
        log.warning("arrivals cannot be seen", exc_info=error)


def _line(key: str) -> str:
    return f"jimeng:arriving:{key[:32]}"
