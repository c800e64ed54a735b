"""The form that asks for pictures: what was written into it, and sending it off."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from werkzeug.datastructures import MultiDict

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.errors import Invalid, JimengError
from jimeng.i18n import problems
from jimeng.providers import Model
from jimeng.providers.models.judging import Parameters, best_suited
from jimeng.schemas import MOST_SEED, MOST_STYLE, ComposedTask
from jimeng.tasks import NewTask
from jimeng.viewers import Viewer
from jimeng.web import composer_options as options
from jimeng.web import given_pictures
from jimeng.web.composer_fields import Written
from jimeng.web.forms import checked
from jimeng.web.tokens import AGAIN, create, new_token, token_of

FIELDS = frozenset({"prompt", "model", "size", "n", "seed", "style", "images"})
FIELDS |= {"strength"}
CHECKED = ComposedTask(only=("prompt", "n", "style", "seed", "strength"))
PLACES = {"provider": "model", "quality": "size"}  # where other fields' errors stand


@dataclass(frozen=True)
class Composer(Written):
    """The form as it was sent, or is to be shown."""

    @classmethod
    def sent(cls, form: MultiDict, files: MultiDict) -> "Composer":
        """What came as a form, with its pictures."""
        counted = form.get("pictures", "")
        return replace(
            cls.read(form),
            images=given_pictures.ids_in(form.getlist("image")),
            files=given_pictures.contents_of(files.getlist("file")),
            counted=int(counted) if re.fullmatch(r"\d{1,2}", counted, re.ASCII) else 0,
        )

    @classmethod
    def read(cls, form: Mapping[str, str]) -> "Composer":
        """What came with a request; browsers send line ends as CR LF."""
        own_style = form.get("style_own", "").strip()
        seed = form.get("seed", "").strip()
        return cls(
            prompt=form.get("prompt", "").replace("\r\n", "\n").strip(),
            wanted=form.get("model", "").strip(),
            size=form.get("size", "1:1").strip(),
            resolution=(form.get("resolution") or form.get("quality", "")).strip(),
            n=form.get("n", "1").strip(),
            seed="" if seed == "-1" else seed,
            style=own_style or form.get("style", "").strip(),
            strength=form.get("strength", "").strip(),
            before=form.get("of", "").strip(),
            token=token_of(form),
        )

    @classmethod
    def asked(cls, words: Mapping[str, str]) -> "Composer":
        """The form as a link asks for it, with what the model does not take mended."""
        return replace(cls.read(words), token=new_token()).fitted()

    @classmethod
    def again(cls, task: Task, *, seed: str = "") -> "Composer":
        """The form as it was for *task*; with another seed unless one is given."""
        words, ids = tasks.wording(task), task.inputs or []
        form = cls(
            prompt=words.prompt,
            wanted=task.lane,
            size=f"{task.width}x{task.height}",
            n=str(task.n),
            seed=seed,
            style=words.style or "",
            strength=hundredths(task.strength),
            images=tuple(ids[: len(ids) - bool(task.has_mask)]),
        )
        return form.fitted()

    @classmethod
    def like(cls, task: Task) -> "Composer":
        """An empty form that draws as *task* did."""
        return replace(cls.again(task), prompt="", strength="", images=())

    def fitted(self) -> "Composer":
        """The same, but with the nearest of what the model takes."""
        model = self.model
        if model is None:
            return self
        size, named = options.fitting_size(model, self.size)
        found = options.nearest_resolution(
            model, named or self.resolution, self.model_before
        )
        n = int(self.n) if re.fullmatch(r"[1-9]\d?", self.n, re.ASCII) else 1
        keeps_seed = model.takes_seed and is_seed(self.seed)
        return replace(
            self,
            size=size,
            resolution=found.value,
            n=str(min(n, model.max_images)),
            seed=self.seed if keeps_seed else "",
            style=self.style[:MOST_STYLE],
            strength=self.strength if self.takes_strength else "",
            before="",
        )

    def suited(self) -> "Composer":
        """The same with a model that takes its pictures, if the chosen one does not."""
        if self.model is None:
            return self
        asked = Parameters(prompt=self.prompt, pictures=len(self.images))
        found = best_suited(
            asked, [self.model, *jobs.runtime().registry.models.values()]
        )
        return replace(self, wanted=(found or self.model).lane, seed="").fitted()

    def submit(self, viewer: Viewer) -> tuple[Task, bool]:
        """
        Ask for the pictures.

        Returns:
            The task, and whether this form had been sent before.

        Raises:
            Invalid: a field is wrong.
            TooManyPending: as `tasks.create`, and so is all else.
        """
        files = "images" if self.files else ""
        return create(viewer, self.request(viewer), self.token, files=files)

    def request(self, viewer: Viewer) -> NewTask:
        """
        Raises:
            Invalid: a field is wrong.
            NoProvider: there is no model.
        """
        model = options.find_model(self.wanted)
        if len(self.images) < self.counted:
            raise Invalid.field("images", AGAIN)
        values = self.checked(model)
        size, quality = self.meant(model)
        words = {"prompt": values["prompt"], "model": model.id, "size": size}
        words |= {"quality": quality} if quality != options.STANDARD else {}
        words |= {
            name: values[name] for name in ("style", "seed", "n") if name in values
        }
        if "strength" in values:
            words["strength"] = values["strength"] / 100
        return NewTask(
            **words,
            user_id=viewer.user_id,
            provider=model.provider,
            images=[*self.images, *self.files],
            given=words,
        )

    def meant(self, model: Model) -> tuple[str, str]:
        """Size and quality, as the API would be asked for them."""
        if self.size not in model.sizes:
            return self.size, options.STANDARD
        found = self.chosen_resolution or options.usual(self.resolutions)
        if found.quality is not None:
            return self.size, found.quality
        width, height = options.size_of(model, self.size, found)
        return f"{width}x{height}", options.STANDARD

    def checked(self, model: Model) -> dict:
        """
        The fields as the API has them, all but the size, which only a model can judge.

        Raises:
            Invalid: something is not even of its kind.
        """
        words = {"prompt": self.prompt, "n": self.n}
        words |= {"style": self.style} if self.style else {}
        words |= {"seed": self.seed} if self.seed else {}
        if self.strength and self.takes_strength and (self.images or self.files):
            words["strength"] = self.strength  # else it is out of sight
        values, wrong = {}, {}
        try:
            values = checked(CHECKED, words)
        except Invalid as error:
            wrong = error.fields
        if "prompt" not in wrong and self.length > model.max_prompt:
            wrong["prompt"] = [("invalid.prompt_length", {"max": model.max_prompt})]
        if wrong:
            raise Invalid(wrong)
        return values

    def refused(self, error: JimengError) -> "Composer":
        """The same form, with the reasons why it was not taken."""
        found: dict[str, list[str]] = {}
        for name, words in problems(without_list(error)).items():
            known = PLACES.get(name, name.partition(".")[0])
            found.setdefault(known if known in FIELDS else "", []).extend(words)
        if isinstance(error, Invalid) and reused(error):
            return replace(self, errors=found, token=new_token())
        return replace(self, errors=found)

    def kept(self, viewer: Viewer) -> "Composer":
        """The same with its files stored: a form that is shown again has none."""
        if not self.files:
            return self
        made, wrong = given_pictures.keep(viewer, self.files)
        said = {name: list(words) for name, words in self.errors.items()}
        if wrong:
            said["images"] = list(dict.fromkeys([*said.get("images", []), *wrong]))
        return replace(self, images=(*self.images, *made), files=(), errors=said)


def without_list(error: JimengError) -> JimengError:
    """The same, without the models that take pictures: the form offers one itself."""
    if not isinstance(error, Invalid) or "images" not in error.fields:
        return error
    reasons = [
        ("given.cannot", {}) if key == "invalid.images_unsupported" else (key, values)
        for key, values in error.fields["images"]
    ]
    return Invalid({**error.fields, "images": reasons})


def reused(error: Invalid) -> bool:
    """Whether it was refused for a token that belongs to another form."""
    return any(key == AGAIN for key, _ in error.fields.get("images", ()))


def hundredths(strength: float | None) -> str:
    """A strength as forms have it."""
    return "" if strength is None else str(round(100 * strength))


def is_seed(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,10}", text, re.ASCII)) and int(text) <= MOST_SEED
