"""
Batches: many prompts that are asked for at once, drawn as there is room for them.

What is asked for is written down first, whole, in one document: the prompts and their
settings. Tasks are made from it by whichever consumer claims it, a few at a time, and
are tasks like any others from then on. The id of each follows from that of the batch
and the number of its prompt, so whoever dies between two writes leaves nothing that the
next one would lose, or make and pay for twice: a task that is there is found there, and
of one that was deleted meanwhile the pictures are.

**Room.** A batch may be larger than all that its user may have waiting. It keeps no
more than `filling.WINDOW` pictures in the line of its model, and never the last fifth
of ``USER_MAX_PENDING``: so a picture that is asked for beside it waits for these few
only, others have their turns as ever, and cancelling finds little to cancel. Whatever
else a single request would be refused for (the day's quota, the key's bounds, an intake
that is paused, Redis being away) it waits for, and `Batch.waits` says what and until
when. While nothing is sent, nothing is made: a backup that is being restored must not
find tasks that it brings itself.

**Pictures.** What goes into all of its tasks is taken in once, when it is asked for,
and named by the batch before any task is there: the sweep leaves it alone until the
batch is deleted, and its owner's deleting it changes nothing for either.

**Ends.** Cancelled, it makes no more, and what is open of it is cancelled by the rule
of `tasks.cancel`; once more after the longest that a consumer may still have been at
it. Restored from a backup it stops: its original may have gone on. A key that is gone,
or a user who is kept out, stops it, and so does an operator who clears the queue, or a
model that is not offered any more, after the patience that waiting pictures have. What
has stopped says why, and can be gone on with.

**Again.** What failed or is lacking is run again by the rule of `tasks.retry`, only
where that may help, each task once: the id of the new one follows from that of the old.
"""

from jimeng.batches.actions import cancel, delete, estimate_again, run_again, stop_all
from jimeng.batches.creation import create
from jimeng.batches.events import announce_ended
from jimeng.batches.expansion import MAX_PROMPTS
from jimeng.batches.filling import forget_deleted, go_on
from jimeng.batches.progress import Progress, progress, progress_of_all
from jimeng.batches.queries import feed, find, page, tasks_of
from jimeng.batches.validation import NewBatch, estimate
from jimeng.jobs import periodic_tasks

# In each consumer, beside what else it looks after.
periodic_tasks.add("batches", 1.0, go_on)
periodic_tasks.add("deleted batches", 600.0, forget_deleted)
periodic_tasks.add("ended batches", 2.0, announce_ended)
