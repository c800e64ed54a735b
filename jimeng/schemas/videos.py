"""Schemas of requests for videos."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, post_load
from marshmallow.fields import Field

from jimeng.providers import VideoParameters
from jimeng.providers.models.model import MAX_OUTPUTS
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    Boolean,
    File,
    Integer,
    Length,
    Nested,
    OfUser,
    OneOf,
    Range,
    Strict,
    StringList,
    Text,
    Trimmed,
)
from jimeng.schemas.tasks import (
    MAX_SEED,
    MAX_STYLE,
    REFERENCE,
    NestedTask,
    NewGeneralImage,
    Unpacked,
    WithMetadata,
    WithWebhook,
)

MAX_REFERENCES = 30  # the maximum over all models
MAX_SECONDS = 60
CHOICE = Length(1, 40)
EXAMPLE = {"prompt": "灯笼随风轻摆，镜头缓缓推近", "user_id": "user_123"}
FRAME = "https://example.com/lantern.jpg"
# Field of a request -> what it is for.
ROLES = {"first_frame": "first_frame", "last_frame": "last_frame"}
PICTURE_FIELDS = (*ROLES, "references")
# Those of `VideoParameters` that a request names otherwise.
RENAMED = {"return_last_frame": "last_frame"}
CHOICES = (
    *("duration", "resolution", "ratio", "audio"),
    *("camera", "camera_strength", "camera_fixed"),
)


class VideoChoices(Strict):
    """The options of a video; the model decides what it accepts."""

    duration: fields.Integer = Integer(
        "Seconds; the choices depend on the model, the default is 5",
        validate=Range(1, MAX_SECONDS),
    )
    resolution = Trimmed(
        "480p, 720p, 1080p or 4k, depending on the model",
        validate=CHOICE,
    )
    ratio = Trimmed(
        "16:9 4:3 1:1 3:4 9:16 21:9, or adaptive (that of the first frame)",
        validate=CHOICE,
    )
    audio = Boolean(
        "Whether it has sound, for models with the choice; silent by default, since "
        "sound may double the price",
    )
    camera = Trimmed(
        "The name of a camera movement, for models that have them",
        validate=CHOICE,
    )
    camera_strength = Trimmed(
        "How strongly the camera moves: weak, medium or strong",
        validate=CHOICE,
    )
    camera_fixed = Boolean(
        "Hold the camera still, for models with the choice",
    )
    return_last_frame = Boolean(
        "Keep the last frame as a picture, too, from which to continue",
    )


class VideoSettings(VideoChoices):
    """The same, of the videos of a batch."""

    @post_load
    def make(self, data: dict, **kwargs: object) -> VideoParameters:
        return VideoParameters(**chosen(data))


class VideoFields(VideoChoices):
    """The fields that describe a video."""

    prompt = Trimmed(
        "What the video shows, and how it moves. Optional with a first frame or "
        "reference pictures",
        load_default="",
        validate=Length(0, 4000),
    )
    model = Text(
        "A video model's name or alias, see GET /api/v1/models; the default one if "
        "omitted",
        validate=Length(1, 100),
    )
    provider = Text(field_descriptions.PROVIDER, validate=Length(1, 64))
    first_frame: Field = Text(
        "The picture to begin with, given like an element of `images` of a picture",
        validate=REFERENCE,
    )
    last_frame: Field = Text(
        "The picture to end with; requires a first frame",
        validate=REFERENCE,
    )
    references = StringList(
        "Reference pictures, in the order in which the prompt refers to them; not "
        "together with frames",
        each=Text(validate=REFERENCE),
        validate=Length(1, MAX_REFERENCES),
    )
    style = Trimmed(field_descriptions.STYLE, validate=Length(1, MAX_STYLE))
    n: fields.Integer = Integer(
        "Number of videos; each is submitted and charged separately",
        load_default=1,
        validate=Range(1, MAX_OUTPUTS),
    )
    seed: fields.Integer = Integer(
        field_descriptions.SEED, load_default=-1, validate=Range(-1, MAX_SEED)
    )


def as_video(params: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the fields of `VideoFields` by those of `tasks.Request`."""
    rest = dict(params)
    frames = [(role, rest.pop(name)) for name, role in ROLES.items() if name in rest]
    frames += [("reference", each) for each in rest.pop("references", ())]
    choices = chosen(rest)
    rest = {name: rest[name] for name in rest if name not in (*CHOICES, *RENAMED)}
    roles: Any = tuple(role for role, _ in frames)
    images = [picture for _, picture in frames]
    return {**rest, "images": images, "video": VideoParameters(roles=roles, **choices)}


def chosen(params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `VideoChoices` as those of `VideoParameters`."""
    names = {**{name: name for name in CHOICES}, **RENAMED}
    return {to: params.get(name) for name, to in names.items()}


def as_request(video: VideoParameters) -> dict[str, Any]:
    """The options as the fields of `VideoChoices`, without the frames."""
    names = {**{name: name for name in CHOICES}, **RENAMED}
    values = {name: getattr(video, stored) for name, stored in names.items()}
    return {name: value for name, value in values.items() if value is not None}


class NewVideoTask(VideoFields, WithWebhook, WithMetadata, OfUser):
    """``POST /api/v1/ai/video/task``."""

    examples: ClassVar = {
        "text": EXAMPLE,
        "first_frame": {**EXAMPLE, "first_frame": FRAME, "duration": 5},
        "everything": {
            **EXAMPLE,
            "model": "jimeng-video-3.0",
            "duration": 10,
            "resolution": "720p",
            "ratio": "9:16",
            "n": 2,
            "seed": 42,
            "metadata": {"order": "123"},
        },
    }


class VideoForm(NewVideoTask):
    """The same as a form, for the OpenAPI document."""

    examples: ClassVar = {"first_frame": {**EXAMPLE, "first_frame": "lantern.jpg"}}

    first_frame = File(
        "The picture to begin with: a file, or text as in JSON",
    )
    last_frame = File(
        "The picture to end with: a file, or text as in JSON; requires a first frame",
    )
    references = StringList(
        "Reference pictures: files, or text as in JSON; repeated for several",
        each=File(),
        validate=Length(1, MAX_REFERENCES),
    )


class NestedVideo(NestedTask):
    """The nested form of `NewGeneralVideo`, for the OpenAPI document."""

    type = Text(field_descriptions.TYPE, required=True, validate=OneOf("video"))
    input = Nested(
        "The fields of this type; each is either here or outside, not both",
        nested=NewVideoTask,
        required=True,
    )


class NewGeneralVideo(NewVideoTask, Unpacked):
    """``POST /api/v1/ai/tasks`` for videos."""

    type = Text(field_descriptions.TYPE, required=True, validate=OneOf("video"))


class NewGeneralTask(NewGeneralImage):
    """``POST /api/v1/ai/tasks``; ``type`` says which fields are accepted."""

    other_shapes: ClassVar = [NestedTask, NewGeneralVideo, NestedVideo]
    examples: ClassVar = {
        **NewGeneralImage.examples,
        "video": {"type": "video", **EXAMPLE, "duration": 5},
    }

    def load(self, data: Any, **kwargs: Any) -> Any:
        if isinstance(data, dict) and data.get("type") == "video":
            return VIDEO.load(data, **kwargs)
        return super().load(data, **kwargs)


VIDEO = NewGeneralVideo()
