"""The form for videos: its values, the choices of its model, and submission."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from flask import request
from werkzeug.datastructures import MultiDict

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.documents.base import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models.video import (
    ADAPTIVE,
    DEFAULT_VIDEO_RATIO,
    VIDEO_RATIOS,
    Role,
    VideoModel,
)
from jimeng.schemas.videos import VideoFields
from jimeng.tasks import NewTask
from jimeng.web import bp
from jimeng.web.create import inputs, options
from jimeng.web.create.form import is_seed
from jimeng.web.create.form_tokens import create_once, new_token, token_of
from jimeng.web.create.inputs import FormInput
from jimeng.web.site.formats import yuan
from jimeng.web.site.forms import checked, errors_by_form_field

CHECKED = VideoFields(only=("prompt", "n", "seed"))
ROLES: tuple[Role, ...] = ("first_frame", "last_frame", "reference")
FIELDS = frozenset(
    {
        *("prompt", "model", "n", "seed", "duration", "resolution", "ratio", "audio"),
        *("camera", "camera_strength", "first_frame", "last_frame", "references"),
        "images",
    }
)
STILL = "fixed"  # among the camera's movements: none
MAX_WORD = 60
MAX_RECENT = 12  # latest tasks that are searched for a video


@dataclass(frozen=True)
class VideoForm:
    """
    The values of the form, and the options that match them.

    Attributes:
        prompt: As entered; so are all other texts.
        wanted: The model; empty for the default one.
        duration: Seconds.
        ratio: Empty for the model's default.
        audio: ``1`` for sound.
        camera: A movement, or `STILL`; empty for none in particular.
        keeps_last: Whether the last frame is returned as a picture.
        pictures: What each input is for, with its id, in order.
        files: The same with uploads, which follow *pictures*.
        token: Idempotency key of the form.
        errors: Field -> messages; "" for those that belong to no field.
    """

    prompt: str = ""
    wanted: str = ""
    duration: str = ""
    resolution: str = ""
    ratio: str = ""
    audio: str = ""
    camera: str = ""
    camera_strength: str = ""
    keeps_last: bool = True
    n: str = "1"
    seed: str = ""
    pictures: tuple[tuple[Role, str], ...] = ()
    files: tuple[tuple[Role, bytes], ...] = ()
    token: str = field(default_factory=new_token)
    errors: Mapping[str, list[str]] = field(default_factory=dict)

    makes: ClassVar[str] = VIDEO
    template: ClassVar[str] = "tasks/_video_form.html"

    @classmethod
    def from_form(cls, form: MultiDict, files: MultiDict) -> "VideoForm":
        """Read a submitted form with its uploads."""
        left = form.get("remove", "")
        return cls(
            **texts_of(form),
            keeps_last="last" not in form or "1" in form.getlist("last"),
            pictures=tuple(
                (role, each)
                for role in ROLES
                for each in inputs.ids_in(form.getlist(role))
                if f"{role} {each}" != left
            ),
            files=tuple(
                (role, each)
                for role in ROLES
                for each in inputs.contents_of(files.getlist(f"{role}_file"))
            ),
            token=token_of(form),
        )

    @classmethod
    def from_link(cls, words: MultiDict) -> "VideoForm":
        """The form as a link describes it."""
        form = cls.from_form(words, MultiDict())
        return replace(form, token=new_token()).with_suitable_model().fitted()

    @classmethod
    def from_task(cls, task: Task, *, seed: str = "") -> "VideoForm":
        """The form as submitted for *task*, with a random seed unless one is given."""
        video = VideoParameters.read(task.video or {})
        camera = STILL if video.camera_fixed else video.camera or ""
        return cls(
            prompt=tasks.original_wording(task).prompt,
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

    def with_suitable_model(self) -> "VideoForm":
        """The same with a model that takes its pictures, if the chosen one does not."""
        if self.model is None or self.takes(self.model):
            return self
        found = next((m.model for m in self.models if self.takes(m.model)), self.model)
        return replace(self, wanted=found.lane)

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
        resolution = self.resolution
        n = int(self.n) if re.fullmatch(r"[1-9]", self.n) else 1
        return replace(
            self,
            duration=str(seconds if wished else video.default_duration),
            resolution=resolution
            if resolution in video.resolutions
            else video.default_resolution,
            ratio=self.ratio if self.ratio in self.ratios else self.ratios[0],
            audio="1" if self.audio == "1" and video.audio else "",
            camera=self.camera if self.camera in self.cameras else "",
            camera_strength=self.camera_strength
            if self.camera_strength in video.camera_strengths
            else "",
            n=str(min(n, self.model.max_images)),
            seed=self.seed
            if self.model.takes_seed and (is_seed(self.seed) or self.errors)
            else "",
        )

    def submit(self, principal: Principal) -> tuple[Task, bool]:
        """
        Create the task.

        Returns:
            The task, and whether this form had been submitted before.

        Raises:
            Invalid: a field is wrong; and all errors of `tasks.create`.
        """
        files = "images" if self.files else ""
        return create_once(principal, self.request(principal), self.token, files=files)

    def request(self, principal: Principal) -> NewTask:
        """
        Raises:
            Invalid: a field is wrong.
            NoProvider: no model is configured.
        """
        model = self.find_model()
        words = {"prompt": self.prompt, "n": number(self.n), "seed": number(self.seed)}
        words = {name: each for name, each in words.items() if each != ""}
        values = checked(CHECKED, words)
        given = {name: values[name] for name in words}
        video = self.parameters(model)
        chosen = {k: v for k, v in video.stored().items() if k not in RENAMED}
        chosen |= {new: getattr(video, k) for k, new in RENAMED.items() if new}
        return NewTask(
            **{"prompt": "", **given},
            model=model.id,
            provider=model.provider,
            user_id=principal.user_id,
            images=[each for _, each in self.all_pictures],
            video=video,
            given={"model": model.id, **given, **chosen},
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

    def rejected(self, error: JimengError) -> "VideoForm":
        """The same with the errors for which it was rejected."""
        return replace(self, errors=errors_by_form_field(error, FIELDS))

    def with_stored_files(self, principal: Principal) -> "VideoForm":
        """The same with its uploads stored: browsers do not send files again."""
        found = {role: [id for r, id in self.pictures if r == role] for role in ROLES}
        said = {name: list(words) for name, words in self.errors.items()}
        for role, content in self.files:
            made, wrong = inputs.store_uploads(principal, [content])
            # There is one first frame, and one last frame: another replaces it.
            before = found[role] if role == "reference" else []
            found[role] = [*before, *made] if made else found[role]
            if wrong:
                said["images"] = list(dict.fromkeys([*said.get("images", []), *wrong]))
        pictures = tuple((role, each) for role in ROLES for each in found[role])
        return replace(self, pictures=pictures, files=(), errors=said)

    @property
    def models(self) -> list[options.ModelOption]:
        return options.model_options("video")

    @cached_property
    def model(self) -> Model | None:
        """The chosen model, else the default one; None if no model is configured."""
        try:
            return self.find_model()
        except JimengError:
            return jobs.runtime().registry.default(makes="video")

    def find_model(self) -> Model:
        """
        Raises:
            NoProvider: no model is configured.
            Invalid: there is no such model.
        """
        registry = jobs.runtime().registry
        found = registry.by_lane(self.wanted)
        if found is None or found.video is None:
            found = registry.model(self.wanted or None, makes="video")
        return found

    @property
    def video(self) -> VideoModel | None:
        return self.model.video if self.model else None

    @cached_property
    def given(self) -> dict[Role, list[FormInput]]:
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
        """What can be given: its role, what is given, and whether more may be."""
        if self.video is None:
            return []
        most = {
            "first_frame": int(self.video.first_frame),
            "last_frame": int(self.video.first_and_last),
            "reference": self.video.max_references,
        }
        rows = [(role, self.given[role], most[role]) for role in ROLES]
        return [(r, given, len(given) < n) for r, given, n in rows if n or given]

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
        """What can be chosen for the camera besides nothing."""
        if self.video is None:
            return []
        # Movements are made from a first frame alone.
        alone = [role for role, _ in self.all_pictures] == ["first_frame"]
        moves = self.video.cameras if alone else ()
        return [*([STILL] if self.video.camera_fixed else []), *moves]

    # The choices with their names, as (value, label).

    @property
    def ratio_options(self) -> list[tuple[str, str]]:
        named = {ADAPTIVE: "video.adaptive", "": "video.adaptive"}
        return [
            (each, t(named[each]) if each in named else each) for each in self.ratios
        ]

    @property
    def resolution_options(self) -> list[tuple[str, str]]:
        return [(each, each) for each in self.video.resolutions] if self.video else []

    @property
    def duration_options(self) -> list[tuple[str, str]]:
        seconds = self.video.durations if self.video else ()
        return [(str(n), t("duration.seconds", n=n)) for n in seconds]

    @property
    def audio_options(self) -> list[tuple[str, str]]:
        return [("", t("video.silent")), ("1", t("video.sound"))]

    @property
    def camera_options(self) -> list[tuple[str, str]]:
        return [(each, t(f"camera.{each or 'any'}")) for each in ("", *self.cameras)]

    @property
    def strength_options(self) -> list[tuple[str, str]]:
        strengths = self.video.camera_strengths if self.video else ()
        return [(each, t(f"camera.{each}")) for each in strengths]

    @property
    def n_options(self) -> list[tuple[str, str]]:
        most = self.model.max_images if self.model else 1
        return [(str(n), f"×{n}") for n in range(1, most + 1)]

    @property
    def cost(self) -> str:
        """Count and price of the submission, as `Composer.cost`."""
        n = int(self.n) if re.fullmatch(r"[1-9]", self.n) else 1
        micros = self.micros
        price = "" if micros is None else yuan(micros)
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

    @property
    def length(self) -> int:
        return len(self.prompt)


# Of `VideoParameters`, as the API names them; "" for what it has elsewhere.
RENAMED = {"last_frame": "return_last_frame", "roles": ""}


def number(text: str) -> int | str:
    """As an API client would write it; what is no number stays text."""
    return int(text) if re.fullmatch(r"-?\d{1,10}", text, re.ASCII) else text


def texts_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The text fields; browsers send line ends as CR LF."""
    names = ("duration", "resolution", "ratio", "audio", "camera", "camera_strength")
    found = {name: form.get(name, "").strip()[:MAX_WORD] for name in names}
    seed = form.get("seed", "").strip()
    return {
        **found,
        "prompt": form.get("prompt", "").replace("\r\n", "\n").strip(),
        "wanted": form.get("model", "").strip(),
        "n": form.get("n", "1").strip(),
        "seed": "" if seed == "-1" else seed,
    }


def initial_video_form() -> VideoForm:
    """
    The form, filled from the query, with the settings of the user's last video, if
    that is among the latest tasks.
    """
    principal = auth.principal_of_page()
    given = VideoForm.from_link(request.args)
    if "model" in request.args:
        return given
    alone = {"batch": None}
    latest = tasks.page(
        principal, principal.user_id, limit=MAX_RECENT, within=alone
    ).rows
    newest = next((task for task in latest if task.type == VIDEO), None)
    if newest is None:
        return given
    usual = VideoForm.with_settings_of(newest)
    form = replace(usual, prompt=given.prompt, pictures=given.pictures, ratio="")
    return form.with_suitable_model().fitted()


@bp.app_template_global()
def makes_videos() -> bool:
    """Whether there is a model for videos."""
    return bool(options.model_options("video"))


@bp.app_template_global()
def animates() -> bool:
    """Whether a model makes videos from pictures."""
    found = (each.model.video for each in options.model_options("video"))
    return any(video is not None and video.first_frame for video in found)
