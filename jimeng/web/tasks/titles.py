"""Titles of tasks and names of styles on pages."""

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.i18n import in_language, t
from jimeng.providers.models.model import FOLLOWS
from jimeng.tasks import styles
from jimeng.web.create.options import spoken


class OfTask:
    """A mixin with the titles of a view model's task."""

    @property
    def task(self) -> Task:
        raise NotImplementedError

    @property
    def prompt(self) -> str:
        """The prompt as entered; the one sent may also contain that of a style."""
        return tasks.original_wording(self.task).prompt

    @property
    def title(self) -> str:
        """The prompt; of a task without one, the name of its edit."""
        if self.prompt:
            return self.prompt
        model = jobs.runtime().registry.by_lane(self.task.lane)
        done = model.task if model and model.task in FOLLOWS else "drawing"
        return t(f"wordless.{done}")

    @property
    def model(self) -> str:
        """The display name of the model."""
        return spoken(self.task.model)

    @property
    def provider(self) -> str:
        """The display name of the provider; empty if it is not configured any more."""
        registry, name = jobs.runtime().registry, self.task.provider
        return in_language(registry.label(name)) if name in registry.names else ""

    @property
    def style(self) -> str | None:
        """The name of the style, in the reader's language where it has one."""
        return style_name(tasks.original_wording(self.task).style)

    @property
    def swatch(self) -> str | None:
        """The id of the style, if it is one with a swatch."""
        found = styles.find(tasks.original_wording(self.task).style or "")
        return found.id if found else None


def style_name(style: str | None) -> str | None:
    """The name of a style in the user's language; free text as it is."""
    found = styles.find(style) if style else None
    return in_language(found.names) if found else style
