"""The forms of Create: their values, the matching options, and submission."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from werkzeug.datastructures import MultiDict

from jimeng import jobs, tasks
from jimeng.batches.expansion import has_choices
from jimeng.billing import costs
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.http import auth
from jimeng.i18n import in_language
from jimeng.providers import Model
from jimeng.providers.models import Makes
from jimeng.providers.models.model import Parameters, best_suited
from jimeng.providers.models.output_size import size_for_ratio
from jimeng.schemas.tasks import MAX_SEED, MAX_STYLE, ComposedTask
from jimeng.tasks import Request, styles
from jimeng.tasks.styles import STYLES, Style
from jimeng.web.create import inputs, options
from jimeng.web.create.form_tokens import AGAIN, create_once, new_token, token_of
from jimeng.web.create.inputs import Tray
from jimeng.web.site.formats import yuan
from jimeng.web.site.forms import checked, errors_by_form_field

CHECKED = ComposedTask(only=("prompt", "n", "style", "seed", "strength"))


@dataclass(frozen=True)
class TaskForm:
    """
    What the forms of pictures and of videos have in common.

    Attributes:
        prompt: As entered; so are all other texts.
        wanted: The model; empty for the default one.
        n: The number of outputs.
        seed: Empty for a random one.
        style: The id of a style, or free text.
        literal: Whether alternatives in the prompt are to be sent as written.
        token: Idempotency key of the form.
        errors: Field -> messages; "" for those that belong to no field.
    """

    prompt: str = ""
    wanted: str = ""
    n: str = "1"
    seed: str = ""
    style: str = ""
    literal: bool = False
    token: str = field(default_factory=new_token)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    makes: ClassVar[Makes]
    fields: ClassVar[tuple[str, ...]]  # below the form: what they are about, in order
    action: ClassVar[str]  # the view that it is sent to
    change: ClassVar[str]  # the view that fits it to what was chosen

    @staticmethod
    def texts_of(form: Mapping[str, str]) -> dict[str, Any]:
        """Read the fields in common; browsers send line ends as CR LF."""
        own_style = form.get("style_own", "").strip()
        seed = form.get("seed", "").strip()
        return {
            "prompt": form.get("prompt", "").replace("\r\n", "\n").strip(),
            "wanted": form.get("model", "").strip(),
            "n": form.get("n", "1").strip(),
            "seed": "" if seed == "-1" else seed,
            "style": own_style or form.get("style", "").strip(),
            "literal": form.get("literal") == "1",
            "token": token_of(form),
        }

    @property
    def has_files(self) -> bool:
        """Whether uploads came with it."""
        raise NotImplementedError

    def request(self, principal: Principal) -> Request:
        """
        Raises:
            Invalid: a field is wrong.
            NoProvider: no model is configured.
        """
        raise NotImplementedError

    def with_stored_files(self, principal: Principal) -> Self:
        """The same with its uploads stored: browsers do not send files again."""
        raise NotImplementedError

    def submit(self, principal: Principal) -> tuple[Task, bool]:
        """
        Create the task.

        Returns:
            The task, and whether this form had been submitted before.

        Raises:
            Invalid: a field is wrong.
            TooManyPending: as `tasks.create`; so are all other errors.
        """
        if self.has_choices and not self.literal:
            raise Invalid.field("prompt", f"form.choices_{self.makes}")
        files = "images" if self.has_files else ""
        return create_once(principal, self.request(principal), self.token, files=files)

    def rejected(self, error: JimengError) -> Self:
        """The same with the errors for which it was rejected."""
        found = errors_by_form_field(without_list(error), {"prompt", *self.fields})
        if isinstance(error, Invalid) and reused(error):
            return replace(self, errors=found, token=new_token())
        return replace(self, errors=found)

    @cached_property
    def model(self) -> Model | None:
        """The chosen model, else the default one; None if no model is configured."""
        found = (find_model_or_none(name, self.makes) for name in (self.wanted, ""))
        return next(filter(None, found), None)

    @property
    def has_choices(self) -> bool:
        """Whether the prompt has alternatives, of which a batch makes each."""
        return has_choices(self.prompt)

    @property
    def models(self) -> list[options.ModelOption]:
        return options.model_options(self.makes)

    @property
    def model_option(self) -> options.ModelOption | None:
        return next((each for each in self.models if each.model is self.model), None)

    @property
    def fitting_n(self) -> str:
        """The nearest number of outputs that the model accepts."""
        n = int(self.n) if re.fullmatch(r"[1-9]\d?", self.n, re.ASCII) else 1
        return str(min(n, self.model.max_images if self.model else n))

    @property
    def fitting_seed(self) -> str:
        keeps = self.model and self.model.takes_seed and is_seed(self.seed)
        return self.seed if keeps else ""

    @property
    def styles(self) -> tuple[Style, ...]:
        return STYLES

    @property
    def named_style(self) -> Style | None:
        """The style, if it is a predefined one."""
        return styles.find(self.style)

    @property
    def own_style(self) -> str:
        """The style, if it is free text."""
        return "" if self.named_style else self.style

    @property
    def style_label(self) -> str:
        """The style in the user's language; empty if there is none."""
        style = self.named_style
        return in_language(style.names) if style else self.own_style

    @property
    def length(self) -> int:
        """Characters of the prompt as it will be sent, with those of the style."""
        added = len(styles.expand(self.style)) + 1 if self.style else 0
        return len(self.prompt) + added


@dataclass(frozen=True)
class Composer(TaskForm):
    """
    The form of pictures, and the options that match its values.

    Attributes:
        size: An aspect ratio, or anything that `resolve_size` accepts.
        resolution: One of `options.resolutions`; empty for the default one.
        strength: In hundredths; empty for the model's default.
        images: The ids of the inputs, in order.
        files: Uploaded inputs, which follow *images*.
        counted: The number of ids that the rendered form contained.
        before: The model for which *resolution* was chosen.
    """

    size: str = "1:1"
    resolution: str = ""
    strength: str = ""
    before: str = ""
    images: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    counted: int = 0

    makes: ClassVar[Makes] = "image"
    fields: ClassVar = ("images", "model", "size", "n", "style", "seed", "strength")
    action: ClassVar[str] = "web.create"
    change: ClassVar[str] = "web.change_model"

    @classmethod
    def from_form(cls, form: MultiDict, files: MultiDict) -> "Composer":
        """Read a submitted form with its uploads."""
        counted = form.get("pictures", "")
        return replace(
            cls.from_values(form),
            images=inputs.ids_in(form.getlist("image")),
            files=inputs.contents_of(files.getlist("file")),
            counted=int(counted) if re.fullmatch(r"\d{1,2}", counted, re.ASCII) else 0,
        )

    @classmethod
    def from_values(cls, form: Mapping[str, str]) -> "Composer":
        """Read the text fields."""
        return cls(
            **cls.texts_of(form),
            size=form.get("size", "1:1").strip(),
            resolution=(form.get("resolution") or form.get("quality", "")).strip(),
            strength=form.get("strength", "").strip(),
            before=form.get("of", "").strip(),
        )

    @classmethod
    def prefilled(cls, values: Mapping[str, str]) -> "Composer":
        """The form as a link describes it, fitted to the model."""
        return replace(cls.from_values(values), token=new_token()).fitted()

    @classmethod
    def from_task(cls, task: Task, *, seed: str = "") -> "Composer":
        """The form as submitted for *task*, with a random seed unless *seed* is set."""
        wording, ids = tasks.original_wording(task), task.inputs or []
        form = cls(
            prompt=wording.prompt,
            wanted=task.lane,
            size=f"{task.width}x{task.height}",
            n=str(task.n),
            seed=seed,
            style=wording.style or "",
            strength=hundredths(task.strength),
            images=tuple(ids[: len(ids) - bool(task.has_mask)]),
        )
        return form.fitted()

    @classmethod
    def with_settings_of(cls, task: Task) -> "Composer":
        """An empty form with the settings of *task*."""
        return replace(cls.from_task(task), prompt="", strength="", images=())

    def fitted(self) -> "Composer":
        """The same with each value replaced by the nearest that the model accepts."""
        model = self.model
        if model is None:
            return self
        size, named = options.fitting_size(model, self.size)
        found = options.nearest_resolution(
            model, named or self.resolution, self.model_before
        )
        return replace(
            self,
            size=size,
            resolution=found.value,
            n=self.fitting_n,
            seed=self.fitting_seed,
            style=self.style[:MAX_STYLE],
            strength=self.strength if self.takes_strength else "",
            before="",
        )

    def with_suitable_model(self) -> "Composer":
        """The same with a model that accepts its inputs, if the chosen one does not."""
        if self.model is None:
            return self
        asked = Parameters(prompt=self.prompt, pictures=len(self.images))
        found = best_suited(
            asked, [self.model, *jobs.runtime().registry.making("image")]
        )
        return replace(self, wanted=(found or self.model).lane, seed="").fitted()

    @property
    def has_files(self) -> bool:
        return bool(self.files)

    def request(self, principal: Principal) -> Request:
        model = options.find_model(self.wanted)
        if len(self.images) < self.counted:
            raise Invalid.field("images", AGAIN)
        values = self.validated(model)
        size, quality = self.api_size(model)
        settings = {"prompt": values["prompt"], "model": model.id, "size": size}
        settings |= {"quality": quality} if quality != options.STANDARD else {}
        settings |= {
            name: values[name] for name in ("style", "seed", "n") if name in values
        }
        if "strength" in values:
            settings["strength"] = values["strength"] / 100
        return Request(
            **settings,
            user_id=principal.user_id,
            provider=model.provider,
            images=[*self.images, *self.files],
            received=settings,
        )

    def api_size(self, model: Model) -> tuple[str, str]:
        """Size and quality, as the API names them."""
        if self.size not in model.sizes:
            return self.size, options.STANDARD
        found = self.chosen_resolution or options.usual(self.resolutions)
        if found.quality is not None:
            return self.size, found.quality
        width, height = size_for_ratio(model, self.size, found.area)
        return f"{width}x{height}", options.STANDARD

    def validated(self, model: Model) -> dict:
        """
        Validate the fields as the API does, except for the size, which the model
        checks.

        Raises:
            Invalid: a value is malformed or out of range.
        """
        entered = {"prompt": self.prompt, "n": self.n}
        entered |= {"style": self.style} if self.style else {}
        entered |= {"seed": self.seed} if self.seed else {}
        if self.strength and self.takes_strength and (self.images or self.files):
            entered["strength"] = self.strength  # else the field is hidden
        values, wrong = {}, {}
        try:
            values = checked(CHECKED, entered)
        except Invalid as error:
            wrong = error.fields
        if "prompt" not in wrong and self.length > model.max_prompt:
            wrong["prompt"] = [("invalid.prompt_length", {"max": model.max_prompt})]
        if wrong:
            raise Invalid(wrong)
        return values

    def with_stored_files(self, principal: Principal) -> "Composer":
        if not self.files:
            return self
        stored, wrong = inputs.store_uploads(principal, self.files)
        said = {name: list(messages) for name, messages in self.errors.items()}
        if wrong:
            said["images"] = list(dict.fromkeys([*said.get("images", []), *wrong]))
        return replace(self, images=(*self.images, *stored), files=(), errors=said)

    @property
    def model_before(self) -> Model | None:
        return find_model_or_none(self.before) if self.before else None

    @cached_property
    def pictures(self) -> list[inputs.FormInput]:
        """The inputs that still exist."""
        if not self.images:
            return []
        return inputs.usable_inputs(auth.principal_of_page(), self.images)

    @property
    def tray(self) -> Tray:
        """The state of the input tray for the model."""
        return Tray(self.model, len(self.pictures), self.models)

    @property
    def sizes(self) -> list[options.SizeOption]:
        return options.size_options(self.model, self.size) if self.model else []

    @property
    def size_option(self) -> options.SizeOption | None:
        return next((each for each in self.sizes if each.value == self.size), None)

    @property
    def resolutions(self) -> list[options.Resolution]:
        return options.resolutions(self.model) if self.model else []

    @property
    def chosen_resolution(self) -> options.Resolution | None:
        if self.model is None:
            return None
        return options.nearest_resolution(
            self.model, self.resolution, self.model_before
        )

    @property
    def pixels(self) -> dict[str, dict[str, str]]:
        """Ratio -> resolution -> size in pixels, for the page's labels."""
        if self.model is None:
            return {}
        return {
            ratio: {
                each.value: "{}×{}".format(
                    *size_for_ratio(self.model, ratio, each.area)
                )
                for each in self.resolutions
            }
            for ratio in self.model.sizes
        }

    @cached_property
    def micros(self) -> dict[str, dict[str, int]]:
        """
        Price of one picture in micro-yuan: size -> resolution -> price. A size in
        pixels has one price for all resolutions. Empty if unknown.
        """
        model = self.model
        price = costs.price_by_size(model) if model else None
        if model is None or price is None:
            return {}
        return {
            each.value: {
                one.value: price.of(*size_for_ratio(model, each.value, one.area))
                for one in self.resolutions
            }
            if each.value in model.sizes
            else {"": price.of(each.width, each.height)}
            for each in self.sizes
        }

    @property
    def takes_strength(self) -> bool:
        """
        Whether the model has a strength: how far the output may differ from the input.
        """
        takes = self.model.takes_here if self.model else None
        return bool(takes and takes.strength)

    @property
    def price_range(self) -> str:
        """The price range of one picture, formatted; empty if unknown."""
        known = {one for row in self.micros.values() for one in row.values()}
        ends = sorted({min(known), max(known)}) if known else ()
        return "–".join(map(yuan, ends))

    def cost(self, is_priced: bool) -> str:
        """
        Count and price of the submission, as ``×4 · ¥0.80``; choices.js writes the
        same. A count of one is omitted. Empty if unknown.
        """
        most = self.model.max_images if self.model else 0
        if self.n not in map(str, range(1, most + 1)):
            return ""
        row = self.micros.get(self.size, {}) if is_priced else {}
        chosen = self.chosen_resolution
        by_default = next(iter(row.values()), None)
        each = row.get(chosen.value, by_default) if chosen else by_default
        n = int(self.n)
        price = "" if each is None else yuan(each * n)
        return " · ".join(filter(None, [f"×{n}" if n > 1 else "", price]))

    @property
    def summed_up(self) -> str:
        """
        Aspect ratio, resolution, count and style for the chip, as choices.js writes it.
        """
        size = self.size_option
        parts = [size.label if size else self.size]
        if len(self.resolutions) > 1 and self.chosen_resolution:
            parts.append(self.chosen_resolution.label)
        if self.model and self.model.max_images > 1:
            parts.append(f"×{self.n}")
        parts.append(self.style_label)
        return " · ".join(filter(None, parts))


def without_list(error: JimengError) -> JimengError:
    """The same without its list of suitable models: the form offers one itself."""
    if not isinstance(error, Invalid) or "images" not in error.fields:
        return error
    reasons = [
        ("inputs.cannot", {}) if key == "invalid.images_unsupported" else (key, values)
        for key, values in error.fields["images"]
    ]
    return Invalid({**error.fields, "images": reasons})


def reused(error: Invalid) -> bool:
    """Whether the files must be chosen again because the token was already used."""
    return any(key == AGAIN for key, _ in error.fields.get("images", ()))


def hundredths(strength: float | None) -> str:
    """A strength as form fields contain it."""
    return "" if strength is None else str(round(100 * strength))


def is_seed(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,10}", text, re.ASCII)) and int(text) <= MAX_SEED


def find_model_or_none(name: str, makes: Makes = "image") -> Model | None:
    """The model of that name; None if there is none."""
    try:
        return options.find_model(name, makes)
    except JimengError:
        return None
