"""What a task and its style are called on pages."""

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.i18n import in_language, t
from jimeng.providers.models.model import FOLLOWS
from jimeng.tasks import styles
from jimeng.web.create.options import spoken


class OfTask:
    """What pages show of a task is called so."""

    @property
    def task(self) -> Task:
        raise NotImplementedError

    @property
    def prompt(self) -> str:
        """As it was written; what was sent may hold a style's words too."""
        return tasks.original_wording(self.task).prompt

    @property
    def title(self) -> str:
        """As it was asked for; where that took no words, what became of it."""
        if self.prompt:
            return self.prompt
        model = jobs.runtime().registry.by_lane(self.task.lane)
        done = model.task if model and model.task in FOLLOWS else "drawing"
        return t(f"wordless.{done}")

    @property
    def model(self) -> str:
        """Its name as people say it."""
        return spoken(self.task.model)

    @property
    def style(self) -> str | None:
        """The name of the style, in the reader's language where it has one."""
        return style_name(tasks.original_wording(self.task).style)


def style_name(style: str | None) -> str | None:
    """What a style is called in the reader's language; own words as they stand."""
    found = styles.find(style) if style else None
    return in_language(found.names) if found else style
