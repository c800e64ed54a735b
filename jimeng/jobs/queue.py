"""
The two jobs there are, and how they are put into the queue.

Consumers of two releases may share one Redis: where these functions stand is part of
their jobs' names.
"""

import logging

from redis.exceptions import RedisError

from jimeng import lanes
from jimeng.jobs.broker import huey
from jimeng.jobs.endings import SlotRelease
from jimeng.jobs.steps import run_step
from jimeng.jobs.submission import send_next

log = logging.getLogger(__name__)


@huey.task()
def dispatch(lane: str) -> None:
    """Send the picture that is next in the lane, if a slot is free."""
    continue_after(send_next(lane))


@huey.task()
def advance(generation_id: str, token: str) -> None:
    """Do what is due for a generation that was reserved under *token*."""
    continue_after(run_step(generation_id, token))


def continue_after(freed: SlotRelease | None) -> None:
    """Ask for the next picture of a lane that has room again, then go on."""
    if freed is not None:
        lanes.release_slot(freed.lane, freed.slot)
        enqueue_dispatch(freed.lane)
        freed.then()


def enqueue_dispatch(lane: str, n: int = 1) -> None:
    """Ask for the lane's next *n* pictures to be sent. The pump does if this fails."""
    found = [huey.serialize_task(dispatch.s(lane)) for _ in range(n)]
    try:
        huey.storage.conn.lpush(huey.storage.queue_key, *found)
    except RedisError as error:
        log.warning("dispatch not queued lane=%s", lane, exc_info=error)
