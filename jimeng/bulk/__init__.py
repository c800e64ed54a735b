"""
Bulk actions: changes to more documents than a request has time for.

An action is a document of its own, worked off in batches by whoever claims it: the
request that began it for a moment, then the consumers. Batches are written down before
they are changed, so that one whose worker was killed is repeated and not forgotten;
repeating it changes nothing twice. `tasks`, `batches`, `collections`, `operations`,
`backup` and the doors may import it, and say what is done.
"""

from jimeng.bulk.actions import find, latest, start, under_way
from jimeng.bulk.kinds import Counts, Kind, Portion, harmless, register
from jimeng.bulk.working import go_on, stop, work, work_briefly
from jimeng.jobs import chores

chores.add("bulk", 3.0, go_on)  # in each consumer, beside what else it looks after
