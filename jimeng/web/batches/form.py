"""The form for many prompts at once: settings as of one picture, and a long text."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import FileStorage, MultiDict

from jimeng import batches
from jimeng.batches import NewBatch
from jimeng.batches.creation import MAX_NAME_CHARS
from jimeng.batches.expansion import FIELD, MAX_TEXT_CHARS, escape, has_choices
from jimeng.batches.validation import BatchEstimate
from jimeng.documents import Batch
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.web.create import options
from jimeng.web.create.form import FIELDS, Composer, hundredths
from jimeng.web.create.initial import asked_for
from jimeng.web.site.forms import placed

MANY = 50  # pictures; more than these are asked about before they are asked for
SHOWN = 6  # prompts, of all that there will be
HERE = FIELDS | {FIELD, "confirmed"}


@dataclass(frozen=True)
class BatchForm:
    """
    Attributes:
        settings: Model, size, count and what else the other form has.
        text: As it was written.
        name: What the batch is to be called.
        confirmed: For how many pictures it was said that so many are meant.
        errors: Field -> words; "" for what belongs to no field.
        found: What there would be, where all of it can be asked for.
        has_others: Whether other pictures go in than the page shows.
    """

    settings: Composer
    text: str = ""
    name: str = ""
    confirmed: str = ""
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    found: BatchEstimate | None = None
    has_others: bool = False

    @classmethod
    def sent(cls, form: MultiDict, files: MultiDict) -> "BatchForm":
        """What came as a form: the lines of a file stand behind those of the text."""
        settings = replace(Composer.sent(form, files), prompt="")
        if "switch" in form:  # to a model that takes pictures
            settings = replace(settings, wanted=form["switch"]).fitted()
        text = form.get(FIELD, "").replace("\r\n", "\n")
        if not text and form.get("prompt"):  # out of the other form
            text = as_line(form["prompt"])
        listed = [lines_in(file) for file in files.getlist("list")]
        text = "\n".join(filter(None, [text, *listed]))
        return cls(
            settings,
            text[: MAX_TEXT_CHARS + 1],
            form.get("name", "").strip()[:MAX_NAME_CHARS],
            form.get("confirmed", ""),
        )

    @classmethod
    def begun(cls) -> "BatchForm":
        """As a link asks for it, and else as the other form would begin."""
        found = asked_for()
        return cls(replace(found, prompt=""), as_line(found.prompt))

    @classmethod
    def again(cls, batch: Batch) -> "BatchForm":
        """As it was for *batch*."""
        asked = {**batch.asked, "n": str(batch.n)}
        seed = asked.get("seed")
        words = {name: str(value) for name, value in asked.items()}
        words["seed"] = str(seed) if isinstance(seed, int) and seed >= 0 else ""
        words["strength"] = hundredths(asked.get("strength"))
        settings = Composer.asked({**words, "model": batch.lane})
        settings = replace(settings, images=tuple(batch.inputs or ()))
        return cls(settings, "\n".join(map(escape, batch.prompts)), batch.name)

    def kept(self, principal: Principal, without: str | None = None) -> "BatchForm":
        """
        The same with its files stored, and those of its pictures that are there.

        Args:
            without: The id of one that is to be removed.
        """
        settings = self.settings.kept(principal)
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
            NoProvider: there is no model.
        """
        # The settings are judged as those of a single request; its words are not kept.
        single = replace(self.settings, prompt="x")
        like = single.request(principal)
        given = {name: each for name, each in like.given.items() if name != "prompt"}
        like = replace(like, prompt="", given={})
        return NewBatch(like=like, template=self.text, name=self.name, given=given)

    def judged(self, principal: Principal) -> "BatchForm":
        """The same, with what there would be, or what is wrong."""
        if not self.text.strip():
            return self
        try:
            return replace(
                self, found=batches.estimate(principal, self.request(principal))
            )
        except JimengError as error:
            return self.refused(error)

    def check_confirmed(self) -> None:
        """
        Raises:
            Invalid: there would be very many pictures, and nobody said so.
        """
        if self.asks and self.confirmed != str(self.pictures):
            raise Invalid.field("confirmed", "batch.confirm_first", n=self.pictures)

    def refused(self, error: JimengError) -> "BatchForm":
        """The same form, with the reasons why it was not taken."""
        found = placed(error, HERE, self.errors)
        if self.settings.tray.state == "cannot":
            found.pop("images", None)  # the page says so, and offers a model that can
        settings = replace(self.settings, errors=found)
        return replace(self, settings=settings, errors=found)

    @property
    def pictures(self) -> int:
        return self.found.pictures if self.found else 0

    @property
    def asks(self) -> bool:
        """Whether it is to be said that so many are meant."""
        return self.pictures > MANY

    @property
    def some(self) -> tuple[str, ...]:
        """The first of the prompts that there will be."""
        return self.found.prompts[:SHOWN] if self.found else ()

    @property
    def rest(self) -> int:
        """How many more there are."""
        return len(self.found.prompts) - len(self.some) if self.found else 0

    def price(self, is_priced: bool) -> str:
        """For all of it, in words; empty where nobody knows."""
        fen = self.found.fen_of_all if self.found and is_priced else None
        return "" if fen is None else options.yuan(fen)


def as_line(prompt: str) -> str:
    """The one line that stands for a prompt; words to choose from are meant so."""
    line = " ".join(prompt.split())
    return line if has_choices(line) else escape(line)


def lines_in(file: FileStorage) -> str:
    """The text of a file, as people's programs write them."""
    content = file.stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    return text.replace("\r\n", "\n").replace("\0", "")
