"""A user's tasks by state: how many there are in each, and which."""

from collections import Counter

from jimeng.documents import Status, Task, utcnow
from jimeng.documents.task import THERE
from jimeng.errors import Invalid
from jimeng.tasks.reading import owned, with_words
from jimeng.viewers import Viewer

SCHEDULED = "scheduled"
# Those of the API, but that what waits for its hour is told from what is in line.
STATES = ("pending", "processing", SCHEDULED, "completed", "failed", "cancelled")


def in_state(state: str) -> dict:
    """The part of a query that keeps to tasks in one of `STATES` now."""
    if state not in STATES:
        raise Invalid.field("status", "invalid.status", known=", ".join(STATES))
    if state == SCHEDULED:
        return {"status": Status.PENDING.value, "not_before": {"$gt": utcnow()}}
    if state == Status.PENDING:
        # Also true where there is no such field.
        return {"status": state, "not_before": {"$not": {"$gt": utcnow()}}}
    return {"status": state}


def counts(viewer: Viewer, user_id: str, *, q: str | None = None) -> Counter[str]:
    """
    How many tasks a user has in each of `STATES`.

    Args:
        q: Only tasks whose prompt has all of these words.
    """
    where = {**owned(viewer, user_id), **THERE, **with_words(q)}
    # A field that is missing is less than any time.
    later = {"$gt": ["$not_before", utcnow()]}
    is_scheduled = {"$and": [{"$eq": ["$status", Status.PENDING.value]}, later]}
    state = {"$cond": [is_scheduled, SCHEDULED, "$status"]}
    rows = Task.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": state, "n": {"$sum": 1}}}]
    )
    return Counter({row["_id"]: row["n"] for row in rows})
