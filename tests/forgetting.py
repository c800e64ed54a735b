"""What a process remembers from call to call, dropped: as if it had just begun."""

import time

from jimeng import usage
from jimeng.jobs import input_sweep, janitor, outbox, webhooks
from jimeng.lanes import ahead, claims, record
from jimeng.migrations import record as schema


def forget_lanes() -> None:
    """Free slots, records, turns that were taken, and the lines."""
    for kept in (claims._kept, record._lanes, record._taken, ahead._queues):
        kept.clear()


def forget_sweeps() -> None:
    """All open tasks, files and endpoints are looked at again; turns begin anew."""
    janitor._settled = janitor._again = janitor._file_seen = None
    input_sweep._file_seen = None
    outbox.forget_owners()
    webhooks._last_user.update({False: "", True: ""})


def forget_days() -> None:
    """Those that are closed are read again."""
    usage._closed = None


def forget_release() -> None:
    """The database has just been asked which code it needs, and needs none."""
    schema._next_check = time.monotonic() + schema.CHECK_EVERY_S
    schema._min_code = 0
