"""The form that asks for pictures: what it offers, and what was written into it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.errors import IdempotencyKeyReused, Invalid, JimengError
from jimeng.i18n import t
from jimeng.providers import Model
from jimeng.viewers import Viewer
from jimeng.web.cards import new_token, token_of

FIELDS = frozenset({"prompt", "size", "n"})
GLYPH = 14  # units of the longer side of the little frame beside a ratio


@dataclass(frozen=True)
class SizeOption:
    """A size that can be chosen, and the little frame that stands for it."""

    value: str
    width: int
    height: int

    @property
    def glyph(self) -> tuple[float, float]:
        longer = max(self.width, self.height)
        return GLYPH * self.width / longer, GLYPH * self.height / longer


@dataclass(frozen=True)
class Composer:
    """
    Attributes:
        prompt: As it was written.
        size: As `Model.resolve_size` takes it.
        n: As it was written.
        token: Makes sending it twice count once.
        errors: Field -> words; "" for what belongs to no field.
    """

    prompt: str = ""
    size: str = "1:1"
    n: str = "1"
    token: str = field(default_factory=new_token)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "Composer":
        """What came with a request; browsers send line ends as CR LF."""
        return cls(
            prompt=form.get("prompt", "").replace("\r\n", "\n").strip(),
            size=form.get("size", "1:1"),
            n=form.get("n", "1"),
            token=token_of(form),
        )

    @classmethod
    def again(cls, task: Task) -> "Composer":
        """The form as it was for *task*."""
        size = f"{task.width}x{task.height}"
        model = offered()
        for ratio, pixels in model.sizes.items() if model else ():
            if pixels == (task.width, task.height):
                size = ratio
        return cls(prompt=task.prompt, size=size, n=str(task.n))

    @property
    def model(self) -> Model | None:
        return offered()

    @property
    def sizes(self) -> list[SizeOption]:
        """Those of the model, and the one that was asked for if it is another."""
        if self.model is None:
            return []
        options = [SizeOption(r, *size) for r, size in self.model.sizes.items()]
        if self.size not in self.model.sizes:
            try:
                options.append(
                    SizeOption(self.size, *self.model.resolve_size(self.size))
                )
            except Invalid:
                return options
        return options

    @property
    def length(self) -> int:
        return len(self.prompt)

    def submit(self, viewer: Viewer) -> tuple[Task, bool]:
        """
        Ask for the pictures.

        Returns:
            The task, and whether this form had been sent before.

        Raises:
            Invalid: a field is wrong.
            TooManyPending: as `tasks.create`, and so is all else.
        """
        wanted = tasks.NewTask(
            user_id=viewer.user_id,
            prompt=self.prompt,
            size=self.size,
            n=self.count(),
            given={"prompt": self.prompt, "size": self.size, "n": self.count()},
        )
        try:
            return tasks.create(viewer, wanted, idem_key=self.token)
        except IdempotencyKeyReused:
            # A form from the browser's history with new words: a new request.
            return tasks.create(viewer, wanted, idem_key=new_token())

    def count(self) -> int:
        """
        Raises:
            Invalid: the prompt is empty, or the number of pictures is none.
        """
        wrong: dict[str, list[tuple[str, dict]]] = {}
        if not self.prompt:
            wrong["prompt"] = [("invalid.prompt_empty", {})]
        most = self.model.max_images if self.model else 4
        if not re.fullmatch(r"\d{1,3}", self.n, re.ASCII):
            wrong["n"] = [("invalid.integer", {})]
        elif not 1 <= int(self.n) <= most:
            wrong["n"] = [("invalid.range", {"min": 1, "max": most})]
        if wrong:
            raise Invalid(wrong)
        return int(self.n)

    def refused(self, error: JimengError) -> "Composer":
        """The same form, with the reasons why it was not taken."""
        if not isinstance(error, Invalid):
            words = t(f"error.{error.code}", **error.values)
            return replace(self, errors={"": [words]})
        found: dict[str, list[str]] = {}
        for name, reasons in error.fields.items():
            place = name if name in FIELDS else ""
            words_of_field = [t(key, **values) for key, values in reasons]
            found.setdefault(place, []).extend(words_of_field)
        return replace(self, errors=found)


def offered() -> Model | None:
    """The model that the form asks, None if no provider has credentials."""
    registry = jobs.runtime().registry
    return registry.model(None) if registry.models else None
