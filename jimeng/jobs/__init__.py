"""
The queue: what the system does to a generation, out of sight.

MongoDB is the truth. Redis carries the jobs and may lose all of them: whatever is
under way has a ``due_at``, and the pump queues again what comes due.
"""

from jimeng.jobs import pump  # noqa: F401 - its hooks start it with the consumer
from jimeng.jobs.backfill import backfill_generations, backfill_recent, new_seed
from jimeng.jobs.broker import check_queue, evaluate, huey
from jimeng.jobs.inputs import check_inputs
from jimeng.jobs.janitor import finish_deletion
from jimeng.jobs.queue import enqueue_dispatch
from jimeng.jobs.runtime import configure, runtime
from jimeng.jobs.tallies import EndedKey, midnight
from jimeng.jobs.write_batcher import insert_and_dispatch
