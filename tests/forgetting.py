"""What a process remembers from call to call, dropped: as if it had just begun."""

import time

from jimeng.billing import counters, settlement
from jimeng.documents import indexes
from jimeng.documents.migrations import record as schema
from jimeng.errors import outages
from jimeng.jobs import (
    input_cleanup,
    janitor,
    metric_counters,
    poll_schedule,
    record_retention,
    retention,
)
from jimeng.lanes import claims, limits, queue
from jimeng.limits import reservations
from jimeng.monitoring import readiness
from jimeng.process import activity, broker
from jimeng.webhooks import deliveries, outbox


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


def forget_budgets() -> None:
    """What the installation has spent is counted again, and what may not be settled."""
    counters.clear_count()
    settlement._may_lack_ends = True


def forget_sweeps() -> None:
    """All open tasks, files and endpoints are looked at again; turns begin anew. No
    process has been busy, or woken another."""
    activity.clear()
    broker._next_wake = 0.0
    metric_counters._started.clear()
    janitor._first_pass = janitor._recheck = janitor._file_cursor = None
    input_cleanup._file_cursor = None
    poll_schedule._generating.clear()
    outbox.clear_owner_cache()
    deliveries._last_lane.clear()


def forget_troubles() -> None:
    """Nothing is out, nothing lacks, nobody has been seen to leave jobs alone, and
    Redis has not failed to count a request."""
    indexes._looks.clear()
    reservations._redis_retry_at = 0.0
    outages._outages.clear()
    readiness._since = {}
    readiness._untaken_since = (None, 0.0)


def forget_retention() -> None:
    """A round begins with the oldest picture, and one with the oldest record."""
    retention._passed.clear()
    retention._round_ends = 0.0
    record_retention._passed.clear()
    record_retention._round_ends = 0.0


def forget_release() -> None:
    """The database has just been asked which code it needs, and needs none."""
    schema._next_check = time.monotonic() + schema.CHECK_EVERY_S
    schema._min_code = 0
