"""The batch form: the settings of one picture, and a text with many prompts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import FileStorage, MultiDict

from jimeng import batches
from jimeng.batches import NewBatch
from jimeng.batches.creation import MAX_NAME_CHARS
from jimeng.batches.expansion import (
    FIELD,
    MAX_TEXT_CHARS,
    escape,
    has_choices,
    labels_of,
)
from jimeng.batches.validation import BatchEstimate
from jimeng.documents import Batch
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.web.batches.views import MAX_GRID
from jimeng.web.create.form import Composer, hundredths
from jimeng.web.create.initial import initial_form
from jimeng.web.site.formats import yuan_short
from jimeng.web.site.forms import errors_by_form_field

CONFIRM_ABOVE = 50  # pictures; larger batches need an explicit confirmation
MAX_PREVIEWED = 6  # prompts in the preview
FORM_FIELDS = {"prompt", *Composer.fields, FIELD, "confirmed"}


@dataclass(frozen=True)
class BatchForm:
    """
    Attributes:
        settings: Model, size, count and the other fields of the Create form.
        text: The prompts as entered.
        name: The name of the batch.
        confirmed: The number of pictures that the user has confirmed.
        errors: Field -> messages; "" for those that belong to no field.
        estimate: The estimate, if the request is valid.
        has_others: Whether the inputs differ from those that the page shows.
    """

    settings: Composer
    text: str = ""
    name: str = ""
    confirmed: str = ""
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    estimate: BatchEstimate | None = None
    has_others: bool = False

    @classmethod
    def from_form(cls, form: MultiDict, files: MultiDict) -> "BatchForm":
        """Read a submitted form; lines of uploaded files follow those of the text."""
        settings = replace(Composer.from_form(form, files), prompt="")
        if "switch" in form:  # to a model that accepts input pictures
            settings = replace(settings, wanted=form["switch"]).fitted()
        text = form.get(FIELD, "").replace("\r\n", "\n")
        if not text and form.get("prompt"):  # comes from the Create form
            text = to_one_line(form["prompt"])
        listed = [prompts_in_file(file) for file in files.getlist("list")]
        text = "\n".join(filter(None, [text, *listed]))
        return cls(
            settings,
            text[: MAX_TEXT_CHARS + 1],
            form.get("name", "").strip()[:MAX_NAME_CHARS],
            form.get("confirmed", ""),
        )

    @classmethod
    def of_choices(cls, form: Composer) -> "BatchForm":
        """The Create form as a batch of the alternatives in its prompt."""
        return cls(replace(form, prompt=""), to_one_line(form.prompt))

    @classmethod
    def of_lines(cls, form: Composer) -> "BatchForm":
        """The Create form as a batch with a prompt for each of its lines."""
        lines = form.prompt.splitlines()
        text = "\n".join(to_one_line(line) for line in lines if line.strip())
        return cls(replace(form, prompt=""), text[: MAX_TEXT_CHARS + 1])

    @classmethod
    def initial(cls) -> "BatchForm":
        """
        The form as a link describes it, else with the Create form's initial values.
        """
        found = initial_form()
        prompt = to_one_line(found.prompt)
        if not isinstance(found, Composer):  # batches are of pictures
            found = Composer.prefilled({})
        return cls(replace(found, prompt=""), prompt)

    @classmethod
    def from_batch(cls, batch: Batch) -> "BatchForm":
        """The form as it was submitted for *batch*."""
        asked = {**batch.asked, "n": str(batch.n)}
        seed = asked.get("seed")
        values = {name: str(value) for name, value in asked.items()}
        values["seed"] = str(seed) if isinstance(seed, int) and seed >= 0 else ""
        values["strength"] = hundredths(asked.get("strength"))
        settings = Composer.prefilled({**values, "model": batch.lane})
        settings = replace(settings, images=tuple(batch.inputs or ()))
        text = batch.template or "\n".join(map(escape, batch.prompts))
        return cls(settings, text, batch.name)

    def with_stored_files(
        self, principal: Principal, without: str | None = None
    ) -> "BatchForm":
        """
        The same with its files stored, and without inputs that no longer exist.

        Args:
            without: The id of an input to remove.
        """
        settings = self.settings.with_stored_files(principal)
        images = [each.id for each in settings.pictures if each.id != without]
        return replace(
            self,
            settings=replace(settings, images=tuple(images), counted=0),
            errors={**self.errors, **settings.errors},
            has_others=len(images) != self.settings.counted or bool(without),
        )

    def request(self, principal: Principal) -> NewBatch:
        """
        Raises:
            Invalid: a setting is wrong.
            NoProvider: no model is configured.
        """
        # Validate the settings as those of a single task, whose prompt is discarded.
        single = replace(self.settings, prompt="x")
        like = single.request(principal)
        settings = {
            name: each for name, each in like.received.items() if name != "prompt"
        }
        like = replace(like, prompt="", received={})
        return NewBatch(like=like, template=self.text, name=self.name, request=settings)

    def with_estimate(self, principal: Principal) -> "BatchForm":
        """The same with an estimate, or with the errors."""
        if not self.text.strip():
            return self
        try:
            return replace(
                self, estimate=batches.estimate(principal, self.request(principal))
            )
        except JimengError as error:
            return self.rejected(error)

    def check_confirmed(self) -> None:
        """
        Raises:
            Invalid: the batch is large, and its number of pictures is not confirmed; or
                another number is.
        """
        if self.confirmed == str(self.pictures):
            return
        if self.needs_confirmation:
            raise Invalid.field("confirmed", "batch.confirm_first", n=self.pictures)
        if self.confirmed:
            raise Invalid.field(FIELD, "batch.changed", n=self.pictures)

    def rejected(self, error: JimengError) -> "BatchForm":
        """The same with the errors for which it was rejected."""
        found = errors_by_form_field(error, FORM_FIELDS, self.errors)
        if self.settings.tray.state == "cannot":
            found.pop("images", None)  # the tray offers a suitable model
        settings = replace(self.settings, errors=found)
        return replace(self, settings=settings, errors=found)

    @property
    def pictures(self) -> int:
        return self.estimate.pictures if self.estimate else 0

    @property
    def needs_confirmation(self) -> bool:
        """Whether the number of pictures must be confirmed."""
        return self.pictures > CONFIRM_ABOVE

    @property
    def action(self) -> str:
        """The view that creates it, or that has it confirmed first."""
        return "web.preview_batch" if self.needs_confirmation else "web.create_batch"

    @property
    def table(self) -> tuple[list[str], list[str]] | None:
        """The labels of the table that its pictures will form, if they form one."""
        if not 0 < self.pictures <= MAX_GRID or self.estimate is None:
            return None
        return labels_of(self.text, len(self.estimate.prompts))

    @property
    def product(self) -> str:
        """The number of pictures; of a table with its factors, as ``3 × 2 = 6``."""
        each = self.estimate.each.n if self.estimate else 1
        factors = [n for n in (*map(len, self.table or ()), each) if n > 1]
        product = f"{' × '.join(map(str, factors))} = " if len(factors) > 1 else ""
        return f"{product}{self.pictures}"

    @property
    def previewed(self) -> tuple[str, ...]:
        """The first of the expanded prompts."""
        return self.estimate.prompts[:MAX_PREVIEWED] if self.estimate else ()

    @property
    def remaining(self) -> int:
        """The number of expanded prompts beyond `previewed`."""
        return len(self.estimate.prompts) - len(self.previewed) if self.estimate else 0

    def price(self, is_priced: bool) -> str:
        """The price of the whole batch, formatted; empty if unknown."""
        micros = self.estimate.micros_of_all if self.estimate and is_priced else None
        return "" if micros is None else yuan_short(micros)


def to_one_line(prompt: str) -> str:
    """Put a prompt on one line, escaped unless it contains alternatives."""
    joined = " ".join(prompt.split())
    return joined if has_choices(joined) else escape(joined)


def prompts_in_file(file: FileStorage) -> str:
    """Decode an uploaded text file: UTF-8, else GB 18030."""
    content = file.stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    return text.replace("\r\n", "\n").replace("\0", "")
