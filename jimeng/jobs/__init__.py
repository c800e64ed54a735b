"""
The queue: what the system does to a generation, out of sight.

MongoDB is the truth. Redis carries the jobs and may lose all of them: whatever is
under way has a ``due_at``, and the pump queues again what comes due. Whatever stands
above may import it; it knows no Flask.
"""

from jimeng.jobs import pump  # noqa: F401 - its hooks start it with the consumer
from jimeng.jobs.broker import check_queue, evaluate, huey
from jimeng.jobs.gathering import send_on
from jimeng.jobs.given import check_inputs
from jimeng.jobs.janitor import finish_deletion
from jimeng.jobs.plan import complete_fresh, complete_plan, new_seed
from jimeng.jobs.queue import enqueue_dispatch
from jimeng.jobs.runtime import configure, runtime
from jimeng.jobs.tallies import Ended, midnight
