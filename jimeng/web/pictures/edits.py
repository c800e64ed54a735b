"""The edit forms of a picture's page: edit, repaint, expand, and upscale."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from werkzeug.datastructures import MultiDict

from jimeng import jobs, tasks
from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.http import auth
from jimeng.i18n import problems
from jimeng.providers import Expansion, Model
from jimeng.providers.models import Size
from jimeng.providers.models.output_size import shrunk
from jimeng.schemas.tasks import MAX_STRENGTH
from jimeng.tasks import Request
from jimeng.tasks.estimates import PriceEstimate
from jimeng.web.create.form import hundredths
from jimeng.web.create.form_tokens import AGAIN, create_once, new_token, token_of
from jimeng.web.create.inputs import (
    FormInput,
    contents_of,
    ids_in,
    store_uploads,
    usable_inputs,
)
from jimeng.web.create.options import ModelOption, spoken
from jimeng.web.site.formats import yuan

# Edit -> the task of the models that perform it.
ACTS = {
    "edit": "image-to-image",
    "repaint": "inpainting",
    "expand": "outpainting",
    "enlarge": "upscaling",
}
EDGES = ("top", "right", "bottom", "left")
SHAPES = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16")


@dataclass(frozen=True)
class Edit:
    """
    The values of an edit form.

    Attributes:
        image: The picture, or an upload.
        act: One of `ACTS`; empty before submission.
        model: The lane of a model; empty for the first that is offered.
        shape: The aspect ratio to expand to; empty to use *edges*.
        strength: In hundredths; empty for the model's default.
        n: How many to make; a text, as entered.
        edges: Edge -> expansion, in hundredths of that side.
        masks: The id of a mask that was uploaded before.
        files: The uploaded mask.
        counted: Whether the rendered form contained a mask.
        errors: Field -> messages; "" for those that belong to no field.
    """

    image: Image | Input
    act: str = ""
    prompt: str = ""
    model: str = ""
    shape: str = ""
    strength: str = ""
    n: str = "1"
    edges: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[str, ...] = ()
    files: tuple[bytes, ...] = ()
    counted: bool = False
    token: str = field(default_factory=new_token)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    @classmethod
    def from_form(
        cls, image: Image | Input, form: MultiDict, files: MultiDict
    ) -> "Edit":
        return cls(
            image,
            act=form.get("act", "") if form.get("act") in ACTS else "edit",
            prompt=form.get("prompt", "").replace("\r\n", "\n").strip(),
            model=form.get("model", "").strip(),
            shape=form.get("shape", "").strip(),
            strength=form.get("strength", "").strip(),
            n=form.get("n", "1").strip(),
            edges={edge: form.get(edge, "").strip() for edge in EDGES},
            masks=ids_in(form.getlist("mask_id"))[:1],
            files=contents_of(files.getlist("mask"))[:1],
            counted="counted" in form,
            token=token_of(form),
        )

    @classmethod
    def from_task(cls, image: Image | Input, task: Task) -> "Edit":
        """The form as submitted for an edit of the picture, with its mask."""
        edit, ids = cls(image, model=task.lane), task.inputs or []
        grown = Expansion(**task.expand) if task.expand else None
        return replace(
            edit,
            act=next(
                (a for a in ACTS if task.lane in map(lane_of, edit.models(a))), ""
            ),
            prompt=tasks.original_wording(task).prompt,
            strength=hundredths(task.strength),
            n=str(task.n),
            edges={edge: hundredths(s) for edge, s in (task.expand or {}).items()},
            shape=next((s for s in edit.shapes if grown == edit.grown_to(s)), "")
            if grown and "expand" in edit.acts
            else "",
            masks=tuple(ids[-1:]) if task.has_mask else (),
        )

    def models(self, act: str) -> list[Model]:
        """
        The models for an edit; for "edit", image-to-image models come first. Videos
        are not edited.
        """
        if getattr(self.image, "is_video", False):  # an upload has none
            return []
        offered = jobs.runtime().registry.making("image")
        found = [each for each in offered if each.takes_images]
        if act == "edit":
            fitting = [m for m in found if m.task in {ACTS[act], "text-to-image"}]
            return sorted(fitting, key=lambda each: each.task != ACTS[act])
        return [each for each in found if each.task == ACTS[act]]

    def options(self, act: str) -> list[ModelOption]:
        return [ModelOption(m.lane, spoken(m.id), m) for m in self.models(act)]

    @property
    def acts(self) -> list[str]:
        """The edits that have a model."""
        return [act for act in ACTS if self.models(act)]

    def takes(self, act: str) -> Model:
        """The chosen model for an edit, else the first."""
        offered = self.models(act)
        return next((m for m in offered if m.lane == self.model), offered[0])

    @property
    def most(self) -> int:
        """The largest expansion of an edge, in hundredths of that side."""
        limit = self.takes("expand").takes
        return round(100 * (limit.expand or 0)) if limit else 0

    @property
    def sent_size(self) -> Size:
        """
        The size of the picture as sent to be expanded: the model may need it smaller.
        """
        whole = self.image.width or 1, self.image.height or 1
        return shrunk(whole, self.takes("expand"))

    @property
    def shapes(self) -> list[str]:
        """Aspect ratios that the picture can be expanded to."""
        return [each for each in SHAPES if self.grown_to(each) is not None]

    def grown_to(self, ratio: str) -> Expansion | None:
        """The expansion to an aspect ratio; None if the model's limit is too small."""
        if not (self.image.width and self.image.height):
            return None  # stored by another release
        across, down = map(int, ratio.split(":"))
        wider = across / down * self.image.height / self.image.width
        each = (max(wider, 1 / wider) - 1) / 2
        if not 0.005 < each <= self.most / 100:
            return None
        sides = ("left", "right") if wider > 1 else ("top", "bottom")
        return Expansion(**dict.fromkeys(sides, each))

    @property
    def enlarged(self) -> Size | None:
        """The size that it would be upscaled to; None if it is as large as that."""
        width, height = self.image.width or 1, self.image.height or 1
        most = max(map(max, self.takes("enlarge").keywords.values()), default=0)
        by = most / max(width, height)
        return (round(width * by), round(height * by)) if by > 1 else None

    def micros(self, act: str) -> dict[str, int]:
        """Model -> price of one picture in micro-yuan, where it is known."""
        size = self.enlarged if act == "enlarge" else None
        found = {
            m.lane: PriceEstimate(m, n=1, size=size).micros for m in self.models(act)
        }
        return {lane: micros for lane, micros in found.items() if micros is not None}

    def cost(self, act: str) -> str:
        """
        The price of what the button asks for; stage.js writes the same. Empty if
        unknown.
        """
        micros = self.micros(act).get(self.takes(act).lane)
        n = int(self.n) if self.act == act and re.fullmatch("[1-9]", self.n) else 1
        return "" if micros is None else yuan(micros * n)

    @property
    def stored_masks(self) -> list[FormInput]:
        return usable_inputs(auth.principal_of_page(), self.masks) if self.masks else []

    def token_of(self, act: str) -> str:
        """The token of the form of an edit: each has its own."""
        return self.token if act == self.act else new_token()

    def submit(self, principal: Principal) -> Task:
        """
        Raises:
            Invalid: a field is wrong; and all errors of `tasks.create`.
        """
        files = "mask" if self.files else ""
        return create_once(principal, self.request(principal), self.token, files=files)[
            0
        ]

    def request(self, principal: Principal) -> Request:
        """
        Raises:
            Invalid: there is no model for the edit, or the edges are malformed.
        """
        if not self.models(self.act):
            raise Invalid.field("", "invalid.taken_by_none")
        model = self.takes(self.act)
        settings: dict = {"model": model.id, "prompt": self.prompt}
        if self.act == "enlarge":
            settings["prompt"] = ""
        more: dict = {"expand": self.expansion()} if self.act == "expand" else {}
        more["n"] = self.count(model)
        if self.act == "repaint":
            if self.counted and not (self.masks or self.files):
                raise Invalid.field("mask", AGAIN)
            more["mask"] = next(iter([*self.files, *self.masks]), None)
        if self.strength and model.takes and model.takes.strength:
            more["strength"] = self.share()
        entered = {name: text for name, text in settings.items() if text}
        return Request(
            **settings,
            **more,
            user_id=principal.user_id,
            provider=model.provider,
            images=[self.image.id],
            received=entered,
        )

    def count(self, model: Model) -> int:
        """
        Raises:
            Invalid: it is no number that the model makes in one task.
        """
        if self.n not in map(str, range(1, model.max_images + 1)):
            raise Invalid.field("n", "invalid.n", max=model.max_images)
        return int(self.n)

    def share(self) -> float:
        """
        The strength, from 0 to 1.

        Raises:
            Invalid: it is no number, or out of range.
        """
        most = MAX_STRENGTH
        is_number = re.fullmatch(r"\d{1,3}", self.strength, re.ASCII)
        if not is_number or int(self.strength) > most:
            raise Invalid.field("strength", "invalid.range", min=0, max=most)
        return int(self.strength) / 100

    def expansion(self) -> Expansion:
        """
        Raises:
            Invalid: an edge is no number, or exceeds the model's limit.
        """
        if self.shape in SHAPES:
            found = self.grown_to(self.shape)
        else:
            numbers = {edge: self.edges.get(edge) or "0" for edge in EDGES}
            plain = all(re.fullmatch(r"\d{1,3}", n, re.ASCII) for n in numbers.values())
            shares = {edge: int(n) / 100 for edge, n in numbers.items() if plain}
            found = Expansion(**shares) if plain else None
        if found is None:
            most = f"{self.most / 100:g}"
            raise Invalid.field("expand", "invalid.expand_range", max=most)
        return found

    def rejected(self, error: JimengError, principal: Principal) -> "Edit":
        """The same with the errors, a new token, and its mask stored."""
        said = {
            name.partition(".")[0]: list(messages)
            for name, messages in problems(error).items()
        }
        stored, wrong = store_uploads(principal, self.files)
        if wrong:
            said["mask"] = list(dict.fromkeys([*said.get("mask", []), *wrong]))
        masks = (*stored, *self.masks)[:1]
        if "mask" in said and AGAIN not in reasons(error):
            masks = ()  # an invalid mask must be painted again
        return replace(self, masks=masks, files=(), token=new_token(), errors=said)


def lane_of(model: Model) -> str:
    return model.lane


def reasons(error: JimengError) -> set[str]:
    fields = error.fields.values() if isinstance(error, Invalid) else ()
    return {key for each in fields for key, _ in each}
