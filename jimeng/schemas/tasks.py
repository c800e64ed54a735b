"""Tasks over REST, and in the page's form: the requests, and the responses."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from marshmallow import (
    ValidationError,
    fields,
    missing,
    post_load,
    pre_load,
    validates_schema,
)
from marshmallow.fields import Field, Number

from jimeng.billing.costs import yuan
from jimeng.documents import Image, Status, Task
from jimeng.documents.kinds import VIDEO
from jimeng.documents.webhook import TASK_EVENTS
from jimeng.errors import JimengError
from jimeng.http.responses import absolute, path_for, rooted
from jimeng.i18n import MESSAGES, explain, t
from jimeng.pictures.metadata.provenance import MAX_STYLE_CHARS as MAX_STYLE
from jimeng.providers import Expansion
from jimeng.providers.models.model import MAX_OUTPUTS, SEED_RANGE
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    AS_TEXT,
    AS_USER_ID,
    HOST,
    Boolean,
    File,
    Float,
    Integer,
    Length,
    Metadata,
    Nested,
    NestedReply,
    OfUser,
    OneOf,
    OwnerId,
    QueryBoolean,
    QueryInteger,
    Range,
    Raw,
    Reply,
    Strict,
    StringList,
    Text,
    Trimmed,
    address,
    boolean,
    count,
    entries,
    fixed,
    instant,
    integer,
    link,
    list_of,
    nested,
    nested_list,
    number,
    refuse,
    text,
    user_id_check,
)
from jimeng.tasks import BulkResult, TaskView
from jimeng.tasks.queries import PHASES
from jimeng.tasks.retries import MAX_AT_ONCE
from jimeng.webhooks.outbox import MAX_URL_CHARS

MAX_DELAY = 86_400  # seconds
MAX_SEED = SEED_RANGE - 1
MAX_STRENGTH = 100  # in the form, which counts in hundredths
MAX_IMAGES = 14  # the maximum over all models
REFERENCE = Length(1, 23 * 1024 * 1024)  # characters: 16 MiB as a ``data:`` URL
# Tasks are selected by their ids, or by user and status. JSON Schema's `if`, because
# many client generators drop all fields next to an `anyOf`.
ONE_WAY = {
    "if": {"required": ["ids"]},
    "then": {"not": {"anyOf": [{"required": ["status"]}, {"required": ["user_id"]}]}},
    "else": {"required": ["status", "user_id"]},
}
PROMPT = "一只可爱的小猫咪在花园里玩耍"
EXAMPLE_REQUEST = {"prompt": PROMPT, "user_id": "user_123"}


def chosen(status: str, **more: object) -> dict[str, dict]:
    """Examples of selecting tasks by their ids, and by user and status."""
    ids = ["volcengine_img_06axe07c1r4m5k8v9s2t3w6x7y8z9q"]
    by_status = {"user_id": "user_123", "status": status, **more}
    return {"by_ids": {"ids": ids}, "by_status": by_status}


def unless(there: str, needed: str) -> dict:
    """JSON Schema: without the field *there*, *needed* is required."""
    return {"if": {"not": {"required": [there]}}, "then": {"required": [needed]}}


def edge_field(description: str) -> Float:
    return Float(description, load_default=0.0, validate=Range(0, 1))


class Edges(Strict):
    """How far a picture is extended at each edge, as a share of that side."""

    top = edge_field("At the top, as a share of the height")
    right = edge_field("On the right, as a share of the width")
    bottom = edge_field("At the bottom, as a share of the height")
    left = edge_field("On the left, as a share of the width")

    @post_load
    def make(self, data: dict, **kwargs) -> Expansion:
        return Expansion(**data)


class PictureSettings(Strict):
    """The settings of a picture, apart from the prompt and the inputs."""

    model = Text(field_descriptions.MODEL, validate=Length(1, 100))
    size = Trimmed(field_descriptions.SIZE, validate=Length(1, 20))
    quality = Text(
        field_descriptions.QUALITY,
        load_default="standard",
        validate=OneOf("standard", "hd"),
    )
    style = Trimmed(field_descriptions.STYLE, validate=Length(1, MAX_STYLE))
    n: fields.Integer = Integer(
        field_descriptions.N, load_default=1, validate=Range(1, MAX_OUTPUTS)
    )
    seed: fields.Integer = Integer(
        field_descriptions.SEED, load_default=-1, validate=Range(-1, MAX_SEED)
    )
    provider = Text(field_descriptions.PROVIDER, validate=Length(1, 64))


class ImageFields(PictureSettings):
    """The fields that describe a picture."""

    rules: ClassVar = unless("images", "prompt")

    # With input pictures some models need no prompt; the model decides.
    prompt = Trimmed(field_descriptions.PROMPT, load_default="")
    negative_prompt = Raw(
        "Not supported by any model today: 422 if given",
        validate=refuse("invalid.negative_prompt"),
        metadata={"type": "string", **AS_TEXT},
    )
    images = StringList(
        field_descriptions.IMAGES,
        each=Text(validate=REFERENCE),
        validate=Length(1, MAX_IMAGES),
    )
    mask: Field = Text(
        "A mask, given like an element of images: a PNG as large as the first picture, "
        "transparent where it is to be repainted; only for models that accept one",
        validate=REFERENCE,
    )
    strength: Number = Float(field_descriptions.STRENGTH, validate=Range(0, 1))
    expand = Nested(
        "How far to extend at each edge, as a share of that side; only for models that "
        "can extend pictures",
        nested=Edges,
    )

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def require_prompt(self, data: dict, original: object, **kwargs) -> None:
        """Require a prompt, unless there are input pictures."""
        if isinstance(original, dict) and "prompt" not in original:
            original = original.get("input", original)
        if not isinstance(original, dict) or original.get("images"):
            return
        if "prompt" not in original:
            raise ValidationError({"prompt": ["invalid.required"]})
        if isinstance(original["prompt"], str) and not original["prompt"].strip():
            raise ValidationError({"prompt": ["invalid.prompt_empty"]})


class ComposedTask(ImageFields):
    """
    The page's form: the same fields, but numbers are text, an empty seed means -1, and
    strength counts in hundredths.
    """

    n = QueryInteger(required=True, validate=Range(1, MAX_OUTPUTS))
    seed = QueryInteger(validate=Range(0, MAX_SEED))
    strength = QueryInteger(validate=Range(0, MAX_STRENGTH))


class WithWebhook(Strict):
    """Where the end of this task alone is sent."""

    webhook_url = Text(
        field_descriptions.WEBHOOK_URL, validate=Length(1, MAX_URL_CHARS)
    )
    webhook_events = StringList(
        field_descriptions.WEBHOOK_EVENTS,
        each=Text(validate=OneOf(*TASK_EVENTS)),
        validate=Length(1, 3),
    )


class WithMetadata(Strict):
    """Requests that accept the client's metadata."""

    metadata = Metadata(field_descriptions.METADATA)


class NewImageTask(ImageFields, WithWebhook, WithMetadata, OfUser):
    """``POST /api/v1/ai/image/task``."""

    examples: ClassVar = {
        "minimal": EXAMPLE_REQUEST,
        "usual": {
            **EXAMPLE_REQUEST,
            "model": "doubao-seedream-3.0-t2i",
            "size": "1024x1024",
        }
        | {"quality": "standard"},
        "everything": {
            **EXAMPLE_REQUEST,
            "size": "16:9",
            "quality": "hd",
            "n": 2,
            "seed": 42,
        }
        | {"style": "watercolor", "metadata": {"order": "123"}},
    }


class ImageForm(NewImageTask):
    """The same as a form, for the OpenAPI document."""

    rules: ClassVar = unless("images", "prompt")
    examples: ClassVar = {
        "edit": {**EXAMPLE_REQUEST, "images": ["photo.jpg"], "size": "1024x1024"}
    }

    images = StringList(
        "The input pictures: files, or text as in JSON; repeated for several",
        each=File(),
        validate=Length(1, MAX_IMAGES),
    )
    mask = File(
        "The mask: a PNG file, or text as in JSON",
    )


class NewUpload(OfUser):
    """``POST /api/v1/uploads``: a multipart form."""

    examples: ClassVar = {"photo": {"file": "photo.jpg", "user_id": "user_123"}}

    user_id = OwnerId(
        "The owner, as on tasks; omit it with sign-in on",
        validate=user_id_check,
        metadata=AS_USER_ID,
    )
    file = File(
        "The picture file: JPEG, PNG or WebP",
        required=True,
    )


class AnyTask(Strict):
    """The common fields of tasks, for ``POST /api/v1/ai/tasks``."""

    delay = Float(
        field_descriptions.DELAY, load_default=0, validate=Range(0, MAX_DELAY)
    )


class NestedTask(AnyTask):
    """The nested form of `NewGeneralImage`, for the OpenAPI document."""

    type = Text(
        field_descriptions.TYPE,
        required=True,
        validate=OneOf("image", "image_generation"),
    )
    input = Nested(
        "The fields of this type; each is either here or outside, not both",
        nested=NewImageTask,
        required=True,
    )


class Unpacked(AnyTask):
    """The fields of a task next to ``type``, or inside ``input``."""

    @pre_load
    def unpack(self, data, **kwargs):
        if not isinstance(data, dict) or "input" not in data:
            return data  # marshmallow rejects anything but an object
        inner = data["input"]
        if not isinstance(inner, dict):
            raise ValidationError({"input": ["invalid.object"]})
        twice = sorted(set(data) & set(inner))
        if twice:
            raise ValidationError({name: ["invalid.twice"] for name in twice})
        outside = {"type", "delay", "input"} & set(inner)
        if outside:
            raise ValidationError({n: ["invalid.unknown_field"] for n in outside})
        return {**{k: v for k, v in data.items() if k != "input"}, **inner}


class NewGeneralImage(NewImageTask, Unpacked):
    """``POST /api/v1/ai/tasks`` for pictures."""

    examples: ClassVar = {
        "beside": {"type": "image", **EXAMPLE_REQUEST, "size": "1:1"},
        "inside": {"type": "image", "input": {**EXAMPLE_REQUEST, "n": 2}},
        "delayed": {"type": "image", **EXAMPLE_REQUEST, "delay": 3600},
    }

    type = Text(
        field_descriptions.TYPE,
        required=True,
        validate=OneOf("image", "image_generation"),
    )


class DryRunQuery(Strict):
    """The query of routes that create tasks."""

    dry_run = QueryBoolean(
        "1 or true: only validate the request, estimate its price, and say whether it "
        "would be accepted. Nothing is created or counted against limits",
        load_default=False,
    )


class Retry(Strict):
    """``POST /api/v1/tasks/<id>/retry``; the body may be left out."""

    body_is_optional: ClassVar = True
    examples: ClassVar = {"plain": {}, "consent": {"accept_double_charge": True}}

    accept_double_charge = Boolean(
        "Consent to a second charge: must be true if `charged` of a failed picture is "
        "`yes` or `unknown`",
        load_default=False,
    )


class SeveralTasks(Strict):
    """Selects tasks by their ids, or by user and status."""

    body_is_optional: ClassVar = False
    rules: ClassVar = ONE_WAY
    ids = StringList(
        "Task ids, up to 100; or use status and user_id instead",
        each=Text(validate=Length(1, 100)),
        validate=Length(1, MAX_AT_ONCE),
    )
    user_id = Text(
        field_descriptions.USER_ID, validate=user_id_check, metadata=AS_USER_ID
    )

    @validates_schema
    def one_way(self, data: dict, **kwargs) -> None:
        both = {"status", "user_id"}
        if "ids" in data:
            wrong = {"ids"} if both & set(data) else set()
        else:
            wrong = both - set(data)
        if wrong:
            raise ValidationError({name: ["invalid.ids_or_status"] for name in wrong})


class CancelSeveral(SeveralTasks):
    """``POST /api/v1/tasks/cancel``."""

    examples: ClassVar = chosen("pending")
    status = Text(
        field_descriptions.SELECTED_STATUS, validate=OneOf("pending", "processing")
    )


class RetrySeveral(SeveralTasks, Retry):
    """``POST /api/v1/tasks/retry``."""

    examples: ClassVar = chosen("failed", accept_double_charge=True)
    status = Text(
        field_descriptions.SELECTED_STATUS, validate=OneOf("failed", "cancelled")
    )


STATUS = tuple(Status)
TASK, OTHER = (
    f"volcengine_img_{rest}"
    for rest in ("01m887frvfcaq6swdcq2hdp358bxvt", "01m887fw13am7j0p14qygjhszprzpz")
)
PICTURE = f"{HOST}/i/-hirVBSkTvga-VDstxm8wQ"

VIDEO_LINK = f"{HOST}/v/-hirVBSkTvga-VDstxm8wQ"
MODEL, PROVIDER = "doubao-seedream-3.0-t2i", "volcengine_jimeng"


link_to = partial(link, name="task_id", example=TASK)


class Links(Reply):
    self = link_to("The full record", "api.get_task", "/api/v1/tasks/{}")
    result = address(
        "Its status, and its pictures or videos",
        of=lambda task: absolute(rooted(task.result_path)),
        example=f"{HOST}/api/v1/ai/image/result/{TASK}",
    )
    cancel = link_to(
        field_descriptions.CANCEL, "api.cancel_task", "/api/v1/tasks/{}/cancel"
    )
    html = link_to("Its web page", "web.task", "/tasks/{}")


METADATA = entries(
    field_descriptions.METADATA,
    example={"order": "123"},
    additionalProperties={"type": "string"},
)


USER_ID = text(
    field_descriptions.USER_ID, example="user_123", pattern=AS_USER_ID["pattern"]
)


def side(name: str, task_of: Callable[..., Task] = lambda task: task):
    """The width or height of the output; None before it is known."""

    def pixels(found: object) -> int | None:
        task = task_of(found)
        return None if task.unsized else getattr(task, name)

    return integer(
        f"{name.capitalize()} in pixels; null while it depends on a picture still "
        "being fetched",
        of=pixels,
        null=True,
        minimum=1,
        example=1328,
    )


class Created(Reply):
    """The response to a request that created a task, and to its repetitions."""

    task_id = text(field_descriptions.TASK_ID, of="id", example=TASK)
    status = text(
        field_descriptions.STATUS, choices=("pending",), of=lambda task: "pending"
    )
    message = fixed("answer.created")
    user_id = USER_ID
    provider = text(field_descriptions.PROVIDER, example=PROVIDER)
    model = text(field_descriptions.MODEL, example=MODEL)
    width, height = side("width"), side("height")
    created_at = instant(field_descriptions.CREATED_AT)
    position = count(
        field_descriptions.POSITION,
        of=lambda task: task.first_answer.get("position", 0),
    )
    eta_seconds = count(
        field_descriptions.ETA_SECONDS,
        of=lambda task: task.first_answer.get("eta_seconds", 0),
        null=True,
    )
    metadata = METADATA
    retried_from = text(
        field_descriptions.RETRIED_FROM,
        of=lambda task: task.retried_from or missing,
        required=False,
    )
    links = nested(field_descriptions.LINKS, Links, of=lambda task: task)


def link_of(found: Image) -> str:
    """The link to a picture, or to a video."""
    return absolute(rooted(found.path))


def thumbnail_link(found: Image) -> str:
    return absolute(path_for("web.thumbnail", key=found.key))


def poster_link(found: Image) -> str:
    """The link to the largest still picture of a video."""
    return absolute(rooted(found.poster_path))


def last_frame_link(found: Image) -> str | None:
    path = found.last_frame_path
    return path and absolute(rooted(path))


class Source(Reply):
    """An input of a task: one of the pictures that it was made from."""

    upload = text("Its id", of="input", example="upload_q2xVn0bXyG7tD5m4JcLr9A")
    picture = text(
        "The generated picture that it is a copy of, or null",
        of=lambda source: source.get("picture"),
        null=True,
        example=f"{TASK}_0",
    )


def money_of(view: TaskView) -> Task:
    return view.task


def cost(of: Callable[[Any], Any] = lambda found: found) -> fields.Field:
    """The cost in yuan of what *of* returns, as text: exact, as no number is."""

    def in_yuan(found: Any) -> str | None:
        micros = amount(of(found), "cost_micros")
        return None if micros is None else yuan(micros)

    return text(field_descriptions.COST, of=in_yuan, null=True, example="0.20")


def micros(
    name: str,
    description: str,
    *,
    example: int,
    of: Callable[[Any], Any] = lambda found: found,
) -> fields.Field:
    return integer(
        description,
        of=lambda found: amount(of(found), name),
        null=True,
        example=example,
    )


def amount(found: Any, name: str) -> int | None:
    return found[name] if isinstance(found, dict) else getattr(found, name)


cost_micros = partial(
    micros, "cost_micros", field_descriptions.COST_MICROS, example=200000
)
held_micros = partial(micros, "held_micros", field_descriptions.HELD_MICROS, example=0)


class Picture(Reply):
    id = text(field_descriptions.ID, example=f"{TASK}_0")
    url = address(
        "Link; never expires",
        of=link_of,
        example=f"{PICTURE}.jpg",
    )
    thumbnail_url = address(
        "Link to the thumbnail",
        of=thumbnail_link,
        example=f"{PICTURE}/thumb.webp",
    )
    width = integer(field_descriptions.WIDTH, minimum=1, example=1024)
    height = integer(field_descriptions.HEIGHT, minimum=1, example=1024)
    bytes = integer(field_descriptions.BYTES, minimum=1, example=183256)
    content_type = text(field_descriptions.CONTENT_TYPE, example="image/jpeg")
    seed = integer(
        "The seed used; null if the model accepts none",
        null=True,
        example=364759945,
    )


class PaidPicture(Picture):
    """A picture and its cost."""

    cost = cost()
    cost_micros = cost_micros()


class KnownPicture(PaidPicture):
    """A picture in the full record of its task."""

    made_into = list_of(
        "The tasks that were made from it; in the full record only",
        text(example=OTHER),
        of=lambda found: found.made_into or (),
        example=[],
    )


class Video(Reply):
    """A video as a result of its task."""

    id = text(field_descriptions.ID, example=f"{TASK}_0")
    url = address(
        "Link to the MP4; never expires, serves ranges",
        of=link_of,
        example=f"{VIDEO_LINK}.mp4",
    )
    poster_url = address(
        "Link to a still picture of it",
        of=poster_link,
        example=f"{HOST}/i/-hirVBSkTvga-VDstxm8wQ/preview.jpg",
    )
    last_frame_url = address(
        "Link to its last frame; null unless that was requested",
        of=last_frame_link,
        null=True,
        example=None,
    )
    width = integer(field_descriptions.WIDTH, minimum=1, example=1280)
    height = integer(field_descriptions.HEIGHT, minimum=1, example=720)
    duration = number("Seconds", of="duration_s", null=True, example=5.04)
    fps = number("Frames per second", null=True, example=24.0)
    has_audio = boolean("Whether it has sound", example=False)
    bytes = integer(field_descriptions.BYTES, minimum=1, example=4183256)
    content_type = text(field_descriptions.CONTENT_TYPE, example="video/mp4")
    notes = list_of(
        "What differs from the request: no_audio, length_differs, resolution_differs",
        text(example="no_audio"),
        of=lambda found: found.notes or (),
        example=[],
    )
    seed = integer(
        "The seed used; null if the model accepts none",
        null=True,
        example=None,
    )
    cost = cost()
    cost_micros = cost_micros()


class Failure(Reply):
    """Why a picture failed."""

    code = text(field_descriptions.CODE)
    message = text(
        field_descriptions.MESSAGE, of=lambda error: t(f"error.{error['code']}")
    )
    provider_code = text("The provider's own code", null=True)
    provider_request_id = text(
        "The provider's request id, for its support",
        null=True,
    )
    retryable = boolean(field_descriptions.RETRYABLE)
    charged = text(
        "Whether it was charged: no, unknown, yes",
        choices=("no", "unknown", "yes"),
    )
    cost = cost()
    cost_micros = cost_micros()
    held_micros = held_micros()


def has_error(view: TaskView) -> bool:
    """Whether it failed, or was ended by other than its owner."""
    return bool(view.errors) and (
        view.task.status == "failed" or view.task.reason is not None
    )


def sentence(view: TaskView) -> str:
    if has_error(view):
        return t(f"error.{view.errors[0]['code']}")
    if view.troubles:
        return t(f"trouble.{view.troubles[0]}")
    if view.hold_reason:
        return t(f"status.held_{view.hold_reason}")
    if view.task.status == "completed" and view.task.type == "video":
        return t("answer.completed_videos")
    return t(f"answer.{view.task.status}")


def has_result(view: TaskView) -> bool:
    return view.task.status == "completed" and not has_error(view)


def pictures_of(view: TaskView) -> list[Image]:
    return [each for each in view.images if not each.is_video]


def videos_of(view: TaskView) -> list[Image]:
    return [each for each in view.images if each.is_video]


def only_for_videos(of: Callable[[TaskView], object]) -> Callable[[TaskView], object]:
    """The value of *of*; omitted unless the task is of videos."""
    return lambda view: of(view) if view.task.type == VIDEO else missing


def first_link(view: TaskView) -> str | None:
    return next(map(link_of, pictures_of(view)), None)


def first_video_link(view: TaskView) -> str | None:
    return next(map(link_of, videos_of(view)), None)


def while_open(name: str):
    """The view's *name*; omitted if it is None, or the task has ended."""

    def of(view: TaskView) -> object:
        value = getattr(view, name) if view.task.is_open else None
        return missing if value is None else value

    return of


class Pictures(Reply):
    image_url = address(
        field_descriptions.IMAGE_URL,
        of=first_link,
        null=True,
        example=f"{PICTURE}.jpg",
    )
    image_urls = list_of(
        "Links to all pictures",
        address(example=f"{PICTURE}.jpg"),
        of=lambda view: list(map(link_of, pictures_of(view))),
    )
    images = nested_list(field_descriptions.ALL_PICTURES, PaidPicture, of=pictures_of)
    video_url = address(
        field_descriptions.VIDEO_URL,
        of=only_for_videos(first_video_link),
        null=True,
        required=False,
    )
    video_urls = list_of(
        "Links to all videos; only in tasks of videos",
        address(example=f"{VIDEO_LINK}.mp4"),
        of=only_for_videos(lambda v: list(map(link_of, videos_of(v)))),
        required=False,
    )
    videos = nested_list(
        "All videos; only in tasks of videos",
        Video,
        of=only_for_videos(videos_of),
        required=False,
    )
    failed = nested_list(
        "Why the missing pictures failed",
        Failure,
        of="errors",
        example=[],
    )


class KnownPictures(Pictures):
    images = nested_list(field_descriptions.ALL_PICTURES, KnownPicture, of=pictures_of)


def result_or(otherwise: object):
    return lambda view: view if has_result(view) else otherwise


def error_or(otherwise: object):
    return lambda view: view.errors[0] if has_error(view) else otherwise


PHASE = text(
    "Finer than the status: preparing, queued, submitting, generating, saving",
    choices=PHASES,
    of=while_open("phase"),
    required=False,
)
POSITION = count(field_descriptions.POSITION, of=while_open("position"), required=False)
ETA = count(
    field_descriptions.ETA_SECONDS, of=while_open("eta_seconds"), required=False
)
FIRST = address(
    field_descriptions.IMAGE_URL,
    of=lambda view: first_link(view) if has_result(view) else missing,
    required=False,
    null=True,
    example=f"{PICTURE}.jpg",
)


FIRST_VIDEO = address(
    field_descriptions.VIDEO_URL,
    of=only_for_videos(lambda v: first_video_link(v) if has_result(v) else missing),
    required=False,
    null=True,
)


class TaskResult(NestedReply):
    """The result of a task: its status and pictures."""

    inner = "task"

    task_id = text(field_descriptions.TASK_ID, of="id", example=TASK)
    user_id = USER_ID
    status = text(field_descriptions.STATUS, choices=STATUS, example="completed")
    message = text(
        field_descriptions.MESSAGE, of=sentence, example=MESSAGES["answer.completed"]
    )
    created_at = instant(field_descriptions.CREATED_AT)
    phase = PHASE
    progress = integer(
        field_descriptions.PROGRESS,
        of=while_open("progress"),
        required=False,
        minimum=0,
        maximum=100,
    )
    position = POSITION
    eta_seconds = ETA
    metadata = METADATA
    cost = cost(money_of)
    cost_micros = cost_micros(of=money_of)
    held_micros = held_micros(of=money_of)
    result = nested(
        field_descriptions.RESULT,
        Pictures,
        of=result_or(missing),
        required=False,
        example=...,
    )
    error = nested(
        field_descriptions.WHY_FAILED, Failure, of=error_or(missing), required=False
    )
    image_url = FIRST
    video_url = FIRST_VIDEO


class Finished(TaskResult):
    """The result of a task that ended while the request waited."""

    provider = text(field_descriptions.PROVIDER, example=PROVIDER)
    model = text(field_descriptions.MODEL, example=MODEL)
    links = nested(field_descriptions.LINKS, Links, of="task")


class TaskRecord(NestedReply):
    """The full record of a task."""

    inner = "task"

    id = text(field_descriptions.ID, example=TASK)
    task_id = text(
        field_descriptions.TASK_ID, of=lambda view: view.task.id, example=TASK
    )
    type = text(field_descriptions.TYPE, choices=("image", VIDEO))
    video = entries(
        "The parameters of a video: duration, resolution, ratio, audio and more; only "
        "in tasks of videos",
        of=only_for_videos(lambda view: view.task.video),
        required=False,
    )
    status = text(field_descriptions.STATUS, choices=STATUS, example="completed")
    message = text(
        field_descriptions.MESSAGE, of=sentence, example=MESSAGES["answer.completed"]
    )
    user_id = USER_ID
    input = entries(
        field_descriptions.INPUT,
        example={"prompt": PROMPT, "user_id": "user_123", "size": "1:1"},
    )
    metadata = METADATA
    prompt = text(
        "The prompt as submitted, including the style's phrase",
        example=PROMPT,
    )
    provider = text(field_descriptions.PROVIDER, example=PROVIDER)
    model = text(field_descriptions.MODEL, example=MODEL)
    width = side("width", lambda view: view.task)
    height = side("height", lambda view: view.task)
    n = integer(field_descriptions.N, minimum=1, maximum=4)
    seed = integer(field_descriptions.SEED, null=True, example=364759945)
    made_from = nested_list(
        "The pictures it was made from, in the order of images; a mask is the last",
        Source,
        of=lambda view: view.task.made_from or [],
        example=[],
    )
    has_mask = boolean(
        "Whether the last of them is a mask",
        of=lambda view: bool(view.task.has_mask),
        example=False,
    )
    provider_task_ids = list_of(
        "The provider's task ids",
        text(example="7707695021820599348"),
        of="remote_ids",
    )
    attempts = count("Submissions, including refused ones", example=1)
    retried_from = text(field_descriptions.RETRIED_FROM, null=True)
    batch_id = text(
        field_descriptions.BATCH_ID, of=lambda view: view.task.batch, null=True
    )
    batch_index = integer(
        "The index of its prompt in the batch, from 0",
        null=True,
        minimum=0,
    )
    created_at = instant(field_descriptions.CREATED_AT)
    updated_at = instant(field_descriptions.UPDATED_AT)
    not_before = instant("When a delayed task may start", null=True)
    started_at = instant(field_descriptions.STARTED_AT, null=True, example=...)
    submitted_at = instant(
        "When it was submitted to the provider",
        null=True,
        example=...,
    )
    completed_at = instant("When it ended", null=True, example=...)
    progress = integer(field_descriptions.PROGRESS, minimum=0, maximum=100, example=100)
    cost = cost(money_of)
    cost_micros = cost_micros(of=money_of)
    held_micros = held_micros(of=money_of)
    result = nested(
        field_descriptions.RESULT,
        KnownPictures,
        of=result_or(None),
        null=True,
        example=...,
    )
    error = nested(field_descriptions.WHY_FAILED, Failure, of=error_or(None), null=True)
    phase = PHASE
    position = POSITION
    eta_seconds = ETA
    image_url = FIRST
    video_url = FIRST_VIDEO
    links = nested(field_descriptions.LINKS, Links, of="task")


class TaskPage(Reply):
    tasks = nested_list("Tasks, newest first", TaskResult)
    limit = integer(field_descriptions.LIMIT, example=20)
    offset = integer(field_descriptions.OFFSET)
    count = integer("Entries on this page", example=1)


class TaskDeleted(Reply):
    task_id = text(field_descriptions.TASK_ID, example=TASK)
    message = fixed("answer.task_deleted")


def if_done(of: Callable[[Any], object]):
    return lambda result: missing if result.error else of(result)


def if_refused(of: Callable[[JimengError], object]):
    return lambda result: of(result.error) if result.error else missing


class CancelOutcome(Reply):
    """The result of an action for one of several tasks."""

    task_id = text(field_descriptions.TASK_ID, example=TASK)
    success = boolean(
        field_descriptions.SUCCESS, of=lambda result: result.error is None
    )
    status = text(
        field_descriptions.STATUS,
        of=if_done(lambda _: "cancelled"),
        required=False,
        example="cancelled",
    )
    error = text(
        field_descriptions.ERROR,
        of=if_refused(lambda error: error.code),
        required=False,
    )
    message = text(field_descriptions.MESSAGE, of=if_refused(explain), required=False)


class RetryOutcome(CancelOutcome):
    status = text(
        field_descriptions.STATUS,
        of=if_done(lambda _: "pending"),
        required=False,
        example="pending",
    )
    new_task_id = text(
        "The new task's id",
        of=if_done(lambda result: result.task.id),
        required=False,
        example=OTHER,
    )
    replayed = boolean(
        "Whether an earlier request with the same Idempotency-Key created it",
        of=if_done(lambda result: result.replayed),
        required=False,
        example=False,
    )
    links = nested(
        field_descriptions.LINKS,
        Links,
        of=if_done(lambda result: result.task),
        required=False,
        example=...,
    )


def done(results: Sequence[BulkResult]) -> int:
    return sum(each.error is None for each in results)


class CancelOutcomes(Reply):
    """The results of an action for each task, and their numbers."""

    results = nested_list(
        field_descriptions.RESULTS, CancelOutcome, of=lambda results: results
    )
    total = count("How many in all", of=len, maximum=MAX_AT_ONCE, example=1)
    succeeded = count("How many succeeded", of=done, example=1)
    failed = count(
        "How many failed",
        of=lambda results: len(results) - done(results),
    )


class RetryOutcomes(CancelOutcomes):
    results = nested_list(
        field_descriptions.RESULTS, RetryOutcome, of=lambda results: results
    )
