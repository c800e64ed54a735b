"""What a task and its style are called on pages."""

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.i18n import in_language, t
from jimeng.providers.models.takes import FOLLOWS
from jimeng.tasks import styles


def title_of(task: Task) -> str:
    """As it was asked for; where that needs no words, what became of the picture."""
    words = tasks.wording(task).prompt
    if words:
        return words
    model = jobs.runtime().registry.by_lane(task.lane)
    done = model.task if model and model.task in FOLLOWS else "drawing"
    return t(f"wordless.{done}")


def style_name(style: str | None) -> str | None:
    """What a style is called in the reader's language; own words as they stand."""
    found = styles.find(style) if style else None
    return in_language(found.names) if found else style
