"""What a process remembers from call to call, dropped: as if it had just begun."""

import math
import time

from mongoengine import get_connection

from jimeng.documents import indexes
from jimeng.documents.migrations import record as schema
from jimeng.errors import outages
from jimeng.lanes import claims, limits, queue
from jimeng.process import state
from jimeng.upkeep import record_retention, retention


def forget() -> None:
    """All but the connections: nothing is out, and nothing lacks."""
    state.clear()
    indexes._looks.clear()
    outages._outages.clear()
    forget_release()
    limits._state.worker = (math.inf, True)  # the tests do its work


def remember_indexes() -> None:
    """All have just been looked at through this connection, and are there."""
    client, state = get_connection(), indexes._state
    state.built_through = state.whole = client
    state.last = indexes.IndexCheck(client, time.monotonic(), {})


def forget_lanes() -> None:
    """Clear the caches of free slots, lane records, claimed tickets and queue heads."""
    for cache in (
        claims._cache,
        limits._lanes,
        limits._claimed,
        queue._queues,
        queue._waiting_of_owners,
    ):
        cache.clear()


def forget_retention() -> None:
    """A round begins with the oldest picture, and one with the oldest record."""
    for module in (retention, record_retention):
        module._passed.clear()
        module._state.clear()


def forget_release() -> None:
    """The database has just been asked which code it needs, and needs none."""
    schema._next_check = time.monotonic() + schema.CHECK_EVERY_S
    schema._min_code = 0
