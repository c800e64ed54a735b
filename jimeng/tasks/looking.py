"""Looking after one task, again and again until it has ended."""

from jimeng.documents import Generation, Task, left_over
from jimeng.tasks.reading import find, shown
from jimeng.tasks.views import TaskView, view, view_with
from jimeng.viewers import Viewer

MOST_OPEN = 10_000  # ids that are remembered

_open: set[str] = set()  # tasks that were open when this process looked last


def look(viewer: Viewer, task_id: str) -> tuple[Task, TaskView | None]:
    """
    A task, and how it stands while it is open.

    One that was open when this process looked last is read together with its pictures:
    that is a command less for whoever asks again and again.

    Raises:
        TaskNotFound: as `find`.
    """
    generations = None
    if task_id in _open:
        task, generations = _find_together(viewer, task_id)
    else:
        task = find(viewer, task_id)
    if not task.is_open:
        _open.discard(task_id)
        return task, None
    if len(_open) >= MOST_OPEN:
        _open.clear()
    _open.add(task_id)
    if generations is None:
        return task, view(viewer, task)
    return task, view_with(task, generations)


def look_again(viewer: Viewer, task: Task) -> TaskView | None:
    """
    How a task stands that was waited for; None where MongoDB does not say.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    with left_over("look after waiting"):
        return view(viewer, find(viewer, task.id))
    return None


def _find_together(viewer: Viewer, task_id: str) -> tuple[Task, dict[int, Generation]]:
    """`find`, with the task's generations by their index."""
    pictures = [{"$match": {"task_id": task_id}}]
    beside = {"coll": Generation.collection().name, "pipeline": pictures}
    wanted = {"$match": {"_id": task_id}}
    rows = list(Task.collection().aggregate([wanted, {"$unionWith": beside}]))
    first = next((row for row in rows if row["_id"] == task_id), None)
    task = shown(viewer, task_id, first)
    generations = [Generation.read(row) for row in rows if row is not task]
    return Task.read(task), {each.index: each for each in generations}
