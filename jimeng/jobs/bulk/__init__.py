"""
Bulk actions: changes to more documents than a request has time for.

An action is a document of its own, worked off in batches by whoever claims it: the
request that began it for a moment, then the consumers. Batches are written down before
they are changed, so that one whose worker was killed is repeated and not forgotten;
repeating it changes nothing twice.
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

periodic_tasks.add(
    "bulk", 3.0, run_due
)  # in each consumer, beside what else it looks after
