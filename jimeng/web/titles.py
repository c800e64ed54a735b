"""What a task is called on pages: its words, or what was done without any."""

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.i18n import t
from jimeng.providers.models.takes import FOLLOWS


def title_of(task: Task) -> str:
    """As it was asked for; where that needs no words, what became of the picture."""
    words = tasks.wording(task).prompt
    if words:
        return words
    model = jobs.runtime().registry.by_lane(task.lane)
    done = model.task if model and model.task in FOLLOWS else "drawing"
    return t(f"wordless.{done}")
