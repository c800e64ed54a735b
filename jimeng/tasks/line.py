"""All that a user has waiting, in one sentence."""

from dataclasses import dataclass

from jimeng.documents import Status, Task, utcnow
from jimeng.documents.task import THERE
from jimeng.tasks.reading import NEWEST_FIRST, find_all
from jimeng.tasks.views import view_all
from jimeng.viewers import Viewer

LOOKED_THROUGH = 200  # tasks, the newest: what waits is among them
NEEDED = {"status": 1, "lane": 1, "not_before": 1}


@dataclass(frozen=True)
class Line:
    """
    Attributes:
        n: How many of the viewer's tasks wait to be started.
        more: Whether there may be *more* than were counted.
        seconds: Until the first of them starts; None while sending is paused.
    """

    n: int
    more: bool
    seconds: int | None


def line(viewer: Viewer) -> Line:
    """Look at what the viewer has waiting now; what waits for its hour is left out."""
    where = {"user_id": viewer.user_id, **THERE}
    rows = Task.collection().find(where, NEEDED).sort(NEWEST_FIRST)
    found, now = list(rows.limit(LOOKED_THROUGH)), utcnow()
    waiting = [
        row
        for row in found
        if row["status"] == Status.PENDING.value
        and (row.get("not_before") or now) <= now
    ]
    # The oldest in each line is ahead of the others in it.
    first = {row.get("lane"): row["_id"] for row in waiting}
    views = view_all(viewer, find_all(viewer, first.values()))
    starts = [each.eta_seconds for each in views if each.eta_seconds is not None]
    full = len(found) == LOOKED_THROUGH == len(waiting)
    is_held = any(each.is_held for each in views)
    return Line(len(waiting), full, None if is_held else min(starts, default=0))
