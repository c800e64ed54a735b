"""
Batches: many prompts in one request, generated as capacity allows.

The request is stored first, whole, in one document: the prompts and their settings. The
worker that claims the batch creates its tasks from it, a few at a time; from then on
they are tasks like any others. A task's id is derived from the batch's id and the
prompt's index, so a worker that dies between two writes loses nothing, and the next one
creates and pays for nothing twice: it finds the existing task, or, if that was deleted
meanwhile, its generations.

**Capacity.** A batch may be larger than the number of pictures that its user may have
waiting. It has at most `capacity.WINDOW` pictures in its model queue, and never the
last fifth of ``USER_MAX_PENDING``: so a single request waits only for these few,
fairness between users is unchanged, and cancelling finds little to cancel. Where a
single request would be refused (daily quota, the key's limits, paused intake, Redis
unavailable), a batch waits, and `Batch.waits` has the reason and the time of the next
attempt. While sending is paused, no tasks are created: a restored backup must not find
tasks that it contains itself.

**Inputs.** The inputs of all tasks are stored once, at creation, and the batch refers
to them before any task exists: no sweep deletes them before the batch is deleted, even
if their owner deletes the uploads.

**End.** A cancelled batch creates no more tasks, and its open ones are cancelled as by
`tasks.cancel`, again after the longest lease that a worker may still have. A batch
restored from a backup stops: its original may have gone on. So does one whose key was
revoked, whose user was disabled, whose queue an operator clears, or whose model is not
offered for as long as the deadline of waiting pictures. A stopped batch has a reason,
and can be resumed.

**Retry.** Failed and missing pictures are retried as by `tasks.retry`, only where that
may help, and each task once: the id of the new task is derived from that of the old.
"""

from jimeng.batches.actions import cancel, delete, estimate_retry, retry, stop_all
from jimeng.batches.creation import create
from jimeng.batches.events import announce_ended
from jimeng.batches.expansion import MAX_PROMPTS
from jimeng.batches.filling import fill_due, forget_deleted
from jimeng.batches.progress import Progress, progress, progress_of_all
from jimeng.batches.queries import feed, find, page, tasks_of
from jimeng.batches.validation import NewBatch, estimate
from jimeng.jobs import periodic_tasks

# Periodic tasks of every worker.
periodic_tasks.add("batches", 1.0, fill_due)
periodic_tasks.add("deleted batches", 600.0, forget_deleted)
periodic_tasks.add("ended batches", 2.0, announce_ended, periodic_tasks.Group.PROMPT)
