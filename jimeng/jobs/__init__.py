"""
The queue: what the system does to a generation, out of sight.

MongoDB is the truth. Redis carries the jobs and may lose all of them: whatever is
under way has a ``due_at``, and the pump queues again what comes due.
"""

from jimeng.jobs.broker import check_queue, huey
from jimeng.jobs.days import OPEN_DAYS, Ended, close_days, ended, midnight
from jimeng.jobs.janitor import finish_deletion
from jimeng.jobs.outcomes import forget_image
from jimeng.jobs.plan import complete_plan, write_generations
from jimeng.jobs.pump import HEARTBEAT
from jimeng.jobs.queue import enqueue_dispatch
from jimeng.jobs.runtime import Runtime, configure, runtime
from jimeng.jobs.submit import new_seed

__all__ = [
    "HEARTBEAT",
    "OPEN_DAYS",
    "Ended",
    "Runtime",
    "check_queue",
    "close_days",
    "complete_plan",
    "configure",
    "ended",
    "enqueue_dispatch",
    "finish_deletion",
    "forget_image",
    "huey",
    "midnight",
    "new_seed",
    "runtime",
    "write_generations",
]
