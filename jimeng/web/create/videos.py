"""The form for videos: its values, the choices of its model, and submission."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from werkzeug.datastructures import MultiDict

from jimeng import tasks
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models import Makes
from jimeng.providers.models.video import (
    ADAPTIVE,
    DEFAULT_VIDEO_RATIO,
    VIDEO_RATIOS,
    Role,
    VideoModel,
)
from jimeng.providers.models.video_validation import DEFAULT_STRENGTH
from jimeng.schemas.tasks import MAX_STYLE
from jimeng.schemas.videos import VideoFields, as_request
from jimeng.tasks import Request
from jimeng.web import bp
from jimeng.web.create import inputs, options
from jimeng.web.create.form import TaskForm, find_model_or_none
from jimeng.web.create.form_tokens import new_token
from jimeng.web.create.inputs import FormInput
from jimeng.web.site.formats import yuan_short
from jimeng.web.site.forms import checked

CHECKED = VideoFields(only=("prompt", "n", "style", "seed"))
ROLES: tuple[Role, ...] = ("first_frame", "last_frame", "reference")
CHOICES = ("duration", "resolution", "ratio", "audio", "camera", "camera_strength")
STILL = "fixed"  # among the camera's movements: none
MAX_WORD = 60


@dataclass(frozen=True)
class VideoForm(TaskForm):
    """
    The form of videos, and the options that match its values.

    Attributes:
        duration: Seconds.
        ratio: Empty for the model's default.
        audio: ``1`` for sound.
        camera: A movement, or `STILL`; empty for none in particular.
        keeps_last: Whether the last frame is returned as a picture.
        instead_of: The model that was wished, if it is gone or takes no such pictures.
        pictures: What each input is for, with its id, in order.
        files: The same with uploads, which follow *pictures*.
    """

    duration: str = ""
    resolution: str = ""
    ratio: str = ""
    audio: str = ""
    camera: str = ""
    camera_strength: str = ""
    keeps_last: bool = True
    instead_of: str = ""
    pictures: tuple[tuple[Role, str], ...] = ()
    files: tuple[tuple[Role, bytes], ...] = ()

    makes: ClassVar[Makes] = "video"
    fields: ClassVar = (
        *("images", "first_frame", "last_frame", "references", "model"),
        *(*CHOICES, "n", "style", "seed"),
    )
    action: ClassVar[str] = "web.create_video"
    change: ClassVar[str] = "web.change_video"

    @classmethod
    def from_form(cls, form: MultiDict, files: MultiDict) -> "VideoForm":
        """Read a submitted form with its uploads."""
        removed = form.get("remove", "")
        return cls(
            **cls.texts_of(form),
            **{name: form.get(name, "").strip()[:MAX_WORD] for name in CHOICES},
            keeps_last="last" not in form or "1" in form.getlist("last"),
            pictures=tuple(
                (role, each)
                for role in ROLES
                for each in inputs.ids_in(form.getlist(role))
                if f"{role} {each}" != removed
            ),
            files=tuple(
                (role, each)
                for role in ROLES
                for each in inputs.contents_of(files.getlist(f"{role}_file"))
            ),
        )

    @classmethod
    def from_link(cls, values: MultiDict) -> "VideoForm":
        """The form as a link describes it."""
        form = cls.from_form(values, MultiDict())
        return replace(form, token=new_token()).with_suitable_model().fitted()

    @classmethod
    def from_task(cls, task: Task, *, seed: str = "") -> "VideoForm":
        """The form as submitted for *task*, with a random seed unless *seed* is set."""
        video = VideoParameters.read(task.video or {})
        wording = tasks.original_wording(task)
        camera = STILL if video.camera_fixed else video.camera or ""
        return cls(
            prompt=wording.prompt,
            style=wording.style or "",
            wanted=task.lane,
            duration=str(video.duration or ""),
            resolution=video.resolution or "",
            ratio=video.ratio or "",
            audio="1" if video.audio else "",
            camera=camera,
            camera_strength=video.camera_strength or "",
            keeps_last=video.last_frame is not False,
            n=str(task.n),
            seed=seed,
            pictures=tuple(zip(video.roles, task.inputs or (), strict=False)),
        ).fitted()

    @classmethod
    def with_settings_of(cls, task: Task) -> "VideoForm":
        """An empty form with the settings of *task*."""
        form = replace(cls.from_task(task), prompt="", pictures=())
        return form.fitted()

    def with_pictures_of(self, linked: "VideoForm") -> "VideoForm":
        """The same with the pictures and words of a link."""
        form = replace(self, prompt=linked.prompt, pictures=linked.pictures)
        return form.with_suitable_model().fitted()

    def with_suitable_model(self) -> "VideoForm":
        """
        The same with the next model that takes its pictures, if the chosen one is gone
        or does not.
        """
        models = [each.model for each in self.models]
        if self.model is None:
            return self
        at = models.index(self.model)
        found = next(filter(self.takes, models[at:] + models[:at]), self.model)
        if found is find_model_or_none(self.wanted, self.makes):
            return self
        return replace(self, wanted=found.lane, instead_of=self.wanted)

    def takes(self, model: Model) -> bool:
        """Whether a model takes pictures for all that the form has some for."""
        video = model.video
        taken = {
            "first_frame": video and video.first_frame,
            "last_frame": video and video.first_and_last,
            "reference": video and video.max_references,
        }
        return all(taken[role] for role, _ in self.pictures)

    def fitted(self) -> "VideoForm":
        """The same with each value replaced by one that the model accepts."""
        if self.model is None or self.video is None:
            return self
        video = self.video
        wished = int(self.duration) if re.fullmatch(r"\d{1,3}", self.duration) else 0
        seconds = min(video.durations, key=lambda each: abs(each - wished))
        strengths = video.camera_strengths
        return replace(
            self,
            duration=str(seconds if wished else video.default_duration),
            resolution=self.resolution
            if self.resolution in video.resolutions
            else video.default_resolution,
            ratio=self.ratio if self.ratio in self.ratios else self.ratios[0],
            audio="1" if self.audio == "1" and video.audio else "",
            camera=self.camera if self.camera in self.cameras else "",
            camera_strength=self.camera_strength
            if self.camera_strength in strengths
            else DEFAULT_STRENGTH,
            n=self.fitting_n,
            seed=self.seed if self.errors else self.fitting_seed,
            style=self.style[:MAX_STYLE],
        )

    @property
    def why_instead(self) -> str:
        """Why the form has another model than was wished; empty if it has that one."""
        if not self.instead_of or self.model is None:
            return ""
        names = {"instead": options.spoken(self.model.id)}
        missed = find_model_or_none(self.instead_of, self.makes)
        if missed is None:
            return t("video.model_gone", **names)
        return t("video.model_cannot", model=options.spoken(missed.id), **names)

    @property
    def has_files(self) -> bool:
        return bool(self.files)

    def request(self, principal: Principal) -> Request:
        model = options.find_model(self.wanted, self.makes)
        entered: dict[str, int | str] = {"prompt": self.prompt, "style": self.style}
        entered |= {"n": number(self.n), "seed": number(self.seed)}
        entered = {name: each for name, each in entered.items() if each != ""}
        values = checked(CHECKED, entered)
        settings = {name: values[name] for name in entered}
        video = self.parameters(model)
        return Request(
            **{"prompt": "", **settings},
            model=model.id,
            provider=model.provider,
            user_id=principal.user_id,
            images=[each for _, each in self.all_pictures],
            video=video,
            received={"model": model.id, **settings, **as_request(video)},
        )

    def parameters(self, model: Model) -> VideoParameters:
        """
        Raises:
            Invalid: the duration is no number.
        """
        video = model.video
        if self.duration and not re.fullmatch(r"\d{1,3}", self.duration):
            raise Invalid.field("duration", "invalid.video_duration", known="")
        has_camera = self.camera not in {"", STILL}
        return VideoParameters(
            duration=int(self.duration) if self.duration else None,
            resolution=self.resolution or None,
            ratio=self.ratio or None,
            audio=self.audio == "1" if video and video.audio else None,
            camera=self.camera if has_camera else None,
            camera_strength=(self.camera_strength or None) if has_camera else None,
            camera_fixed=self.camera == STILL if video and video.camera_fixed else None,
            last_frame=self.keeps_last if video and video.last_frame_output else None,
            roles=tuple(role for role, _ in self.all_pictures),
        )

    @property
    def all_pictures(self) -> list[tuple[Role, str | bytes]]:
        """Stored ones and uploads, in the order of `ROLES`."""
        found: list[tuple[Role, str | bytes]] = [*self.pictures, *self.files]
        return sorted(found, key=lambda each: ROLES.index(each[0]))

    def with_stored_files(self, principal: Principal) -> "VideoForm":
        found = {role: [id for r, id in self.pictures if r == role] for role in ROLES}
        said = {name: list(messages) for name, messages in self.errors.items()}
        ratio = self.ratio
        for role, content in self.files:
            stored, wrong = inputs.store_uploads(principal, [content])
            # There is one first frame, and one last frame: another replaces it.
            before = found[role] if role == "reference" else []
            found[role] = [*before, *stored] if stored else found[role]
            if stored and role == "first_frame":
                ratio = ""  # its own, unless another is chosen after it
            if wrong:
                said["images"] = list(dict.fromkeys([*said.get("images", []), *wrong]))
        pictures = tuple((role, each) for role in ROLES for each in found[role])
        return replace(self, pictures=pictures, files=(), ratio=ratio, errors=said)

    @property
    def video(self) -> VideoModel | None:
        return self.model.video if self.model else None

    @cached_property
    def shown_inputs(self) -> dict[Role, list[FormInput]]:
        """The inputs that still exist, by what they are for."""
        principal = auth.principal_of_page()
        return {
            role: inputs.usable_inputs(
                principal, [id for r, id in self.pictures if r == role]
            )
            for role in ROLES
        }

    @property
    def tiles(self) -> list[tuple[Role, list[FormInput], bool]]:
        """The input tiles: role, inputs so far, and whether more can be added."""
        if self.video is None:
            return []
        most = {
            "first_frame": int(self.video.first_frame),
            "last_frame": int(self.video.first_and_last),
            "reference": self.video.max_references,
        }
        # Frames and references do not go together.
        used = {role for role, shown in self.shown_inputs.items() if shown}
        if used:
            other = used & {"first_frame", "last_frame"}
            most |= {"reference": 0} if other else {"first_frame": 0, "last_frame": 0}
        rows = [(role, self.shown_inputs[role], most[role]) for role in ROLES]
        return [(r, shown, len(shown) < n) for r, shown, n in rows if n or shown]

    @property
    def has_frame(self) -> bool:
        return any(role == "first_frame" for role, _ in self.all_pictures)

    @property
    def ratios(self) -> list[str]:
        """The ratios that can be chosen, the default first."""
        video = self.video
        if video is None:
            return [DEFAULT_VIDEO_RATIO]
        if self.has_frame and video.follows_frame:
            return [ADAPTIVE] if video.adaptive else [""]
        adaptive = [ADAPTIVE]
        if self.has_frame:
            return [*(adaptive if video.adaptive else []), *VIDEO_RATIOS]
        return [*VIDEO_RATIOS, *(adaptive if video.adaptive_text else [])]

    @property
    def cameras(self) -> list[str]:
        """The camera options."""
        if self.video is None:
            return []
        # Camera movements need a first frame.
        alone = [role for role, _ in self.all_pictures] == ["first_frame"]
        moves = self.video.cameras if alone else ()
        return [*([STILL] if self.video.camera_fixed else []), *moves]

    @property
    def choices(self) -> list[tuple[str, list[tuple[str, str]], str]]:
        """
        The choices other than model, style and seed: the name of the field, its
        values with their labels, and the chosen value.
        """
        video, model = self.video, self.model
        if video is None or model is None:
            return []
        moves = self.camera not in {"", STILL}
        offered = {
            "ratio": [(r, r if ":" in r else t("video.adaptive")) for r in self.ratios],
            "resolution": [(each, each) for each in video.resolutions],
            "duration": [(str(s), t("duration.seconds", n=s)) for s in video.durations],
            "audio": [("", t("video.silent")), ("1", t("video.sound"))][
                : 2 * video.audio
            ],
            "camera": [(c, t(f"camera.{c or 'any'}")) for c in ("", *self.cameras)],
            "camera_strength": [
                (each, t(f"camera.{each}")) for each in video.camera_strengths if moves
            ],
            "n": [(str(n), f"×{n}") for n in range(1, model.max_images + 1)],
        }
        rows = ((name, found, getattr(self, name)) for name, found in offered.items())
        return [row for row in rows if len(row[1]) > 1]

    @property
    def summed_up(self) -> str:
        """The summary of the settings, for the chip that opens them on a phone."""
        parts = [
            label
            for _, offered, chosen in self.choices
            for value, label in offered
            if value == chosen and value
        ]
        return " · ".join(filter(None, [*parts, self.style_label]))

    def cost(self, is_priced: bool) -> str:
        """Count and price of the submission, as `Composer.cost`."""
        n = int(self.n) if re.fullmatch(r"[1-9]", self.n) else 1
        micros = self.micros if is_priced else None
        price = "" if micros is None else yuan_short(micros)
        return " · ".join(filter(None, [f"×{n}" if n > 1 else "", price]))

    @property
    def micros(self) -> int | None:
        """The price of all its videos in micro-yuan; None if unknown."""
        principal = auth.principal_of_page()
        form = replace(self, prompt=self.prompt or "…", seed="")
        try:
            return tasks.estimate(principal, form.request(principal)).micros_of_all
        except JimengError:
            return None


def number(text: str) -> int | str:
    """As an API client would write it; what is no number stays text."""
    return int(text) if re.fullmatch(r"-?\d{1,10}", text, re.ASCII) else text


@bp.app_template_global()
def makes_videos() -> bool:
    """Whether there is a model for videos."""
    return bool(options.model_options("video"))


@bp.app_template_global()
def animates() -> bool:
    """Whether a model makes videos from pictures."""
    found = (each.model.video for each in options.model_options("video"))
    return any(video is not None and video.first_frame for video in found)
