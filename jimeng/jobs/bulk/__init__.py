"""
Bulk actions: changes to more documents than a request has time for.

An action is a document, processed in batches under a lease: by the request that started
it for a moment, then by the consumers. Each batch is stored as a checkpoint before it
is applied, so that it is repeated if its worker dies; applying a batch is idempotent.
"""

from jimeng.jobs import periodic_tasks
from jimeng.jobs.bulk.kinds import (
    Counts,
    DocumentBatch,
    Kind,
    register,
    restorable_kinds,
)
from jimeng.jobs.bulk.requests import find, latest, start, under_way
from jimeng.jobs.bulk.worker import run_due, stop, work, work_briefly

periodic_tasks.add("bulk", 3.0, run_due, periodic_tasks.Group.STORE)
