"""
The two jobs, and how they are queued.

Consumers of two releases may share one Redis, and the module path of these functions is
part of their jobs' names: do not move or rename them.
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
    """Send the next picture of the lane, if a slot is free."""
    continue_after(send_next(lane))


@huey.task()
def advance(generation_id: str, token: str) -> None:
    """Run the step that is due for a generation reserved under *token*."""
    continue_after(run_step(generation_id, token))


def continue_after(freed: SlotRelease | None) -> None:
    """Queue a dispatch for a lane with a released slot, then finish the job."""
    if freed is not None:
        lanes.release_slot(freed.lane, freed.slot)
        enqueue_dispatch(freed.lane)
        freed.then()


def enqueue_dispatch(lane: str, n: int = 1) -> None:
    """Queue *n* dispatches of a lane; if Redis is down, the pump does it later."""
    dispatches = [huey.serialize_task(dispatch.s(lane)) for _ in range(n)]
    try:
        huey.storage.conn.lpush(huey.storage.queue_key, *dispatches)
    except RedisError as error:
        log.warning("dispatch not queued lane=%s", lane, exc_info=error)
