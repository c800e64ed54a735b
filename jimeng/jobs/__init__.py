"""
Background processing of generations, from the queue to the stored picture.

MongoDB is the source of truth. Redis only carries the jobs and may lose all of them:
each generation in progress has a ``due_at``, and the pump queues a job when it is due.
"""

from jimeng.jobs import pump  # noqa: F401 - its hooks start it with the consumer
from jimeng.jobs.inputs import check_inputs
from jimeng.jobs.insertion import (
    backfill_generations,
    backfill_recent,
    insert_and_dispatch,
)
from jimeng.process.broker import (
    check_queue,
    enqueue_dispatch,
    evaluate,
    huey,
    wake_a_worker,
)
from jimeng.process.runtime import configure, runtime
