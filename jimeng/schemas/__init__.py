"""Schemas of requests to the REST API, and of the page's form."""

from collections.abc import Sequence
from typing import ClassVar

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    post_load,
    pre_load,
    validates_schema,
)
from marshmallow.fields import Field, Integer, Number

from jimeng.documents.webhook import TASK_EVENTS
from jimeng.http.auth import needs_sign_in
from jimeng.jobs.webhook_outbox import MAX_URL_CHARS
from jimeng.providers import Expansion
from jimeng.providers.models.model import SEED_RANGE
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    AS_TEXT,
    AS_USER_ID,
    Anything,
    Between,
    Digits,
    File,
    Flag,
    Long,
    Many,
    Metadata,
    OneOf,
    Part,
    Seconds,
    Text,
    Texts,
    Trimmed,
    Truth,
    Whole,
    refuse,
    user_id_check,
)
from jimeng.tasks.retries import MAX_AT_ONCE

MAX_DELAY = 86_400  # seconds
MAX_SEED = SEED_RANGE - 1
MAX_STYLE = 64  # characters
MAX_STRENGTH = 100  # in the form, which counts in hundredths
MAX_IMAGES = 14  # the maximum over all models
REFERENCE = Long(1, 23 * 1024 * 1024)  # characters: 16 MiB as a ``data:`` URL
# Tasks are selected by their ids, or by user and status. JSON Schema's `if`, because
# many client generators drop all fields beside an `anyOf`.
ONE_WAY = {
    "if": {"required": ["ids"]},
    "then": {"not": {"anyOf": [{"required": ["status"]}, {"required": ["user_id"]}]}},
    "else": {"required": ["status", "user_id"]},
}
EXAMPLE_REQUEST = {"prompt": "一只可爱的小猫咪在花园里玩耍", "user_id": "user_123"}


def chosen(status: str, **more: object) -> dict[str, dict]:
    """Examples of selecting tasks by their ids, and by user and status."""
    ids = ["volcengine_img_06axe07c1r4m5k8v9s2t3w6x7y8z9q"]
    by_status = {"user_id": "user_123", "status": status, **more}
    return {"by_ids": {"ids": ids}, "by_status": by_status}


def unless(there: str, needed: str) -> dict:
    """JSON Schema: without the field *there*, *needed* is required."""
    return {"if": {"not": {"required": [there]}}, "then": {"required": [needed]}}


class Strict(Schema):
    """
    A schema that rejects unknown fields.

    Attributes:
        examples: Name -> valid body.
        rules: JSON Schema keywords in addition to the fields.
        other_shapes: Alternative schemas of the same request.
        may_be_left_out: Whether the body is optional.
    """

    examples: ClassVar[dict[str, dict]] = {}
    rules: ClassVar[dict] = {}
    other_shapes: ClassVar[Sequence[type[Schema]]] = ()
    may_be_left_out: ClassVar[bool] = False

    error_messages = {"unknown": "invalid.unknown_field", "type": "invalid.object"}

    class Meta:
        unknown = RAISE


class Changes(Strict):
    """A partial update: an empty body is an error, since it may have been lost."""

    rules: ClassVar = {"minProperties": 1}

    @validates_schema
    def change_something(self, data: dict, **kwargs) -> None:
        if not data:
            raise ValidationError("invalid.nothing")


def edge_field(*names: str) -> Seconds:
    return Seconds(*names, load_default=0.0, validate=Between(0, 1))


class Edges(Strict):
    """How far a picture is extended at each edge, as a share of that side."""

    top = edge_field("上边，高的几倍", "At the top, as a share of the height")
    right = edge_field("右边，宽的几倍", "On the right, as a share of the width")
    bottom = edge_field("下边，高的几倍", "At the bottom, as a share of the height")
    left = edge_field("左边，宽的几倍", "On the left, as a share of the width")

    @post_load
    def make(self, data: dict, **kwargs) -> Expansion:
        return Expansion(**data)


class PictureSettings(Strict):
    """The settings of a picture, apart from the prompt and the inputs."""

    model = Text(*field_descriptions.MODEL, validate=Long(1, 100))
    size = Trimmed(*field_descriptions.SIZE, validate=Long(1, 20))
    quality = Text(
        *field_descriptions.QUALITY,
        load_default="standard",
        validate=OneOf("standard", "hd"),
    )
    style = Trimmed(*field_descriptions.STYLE, validate=Long(1, MAX_STYLE))
    n: Integer = Whole(*field_descriptions.N, load_default=1, validate=Between(1, 4))
    seed: Integer = Whole(
        *field_descriptions.SEED, load_default=-1, validate=Between(-1, MAX_SEED)
    )
    provider = Text(*field_descriptions.PROVIDER, validate=Long(1, 64))


class ImageFields(PictureSettings):
    """The fields that describe a picture."""

    rules: ClassVar = unless("images", "prompt")

    # With input pictures some models need no prompt; the model decides.
    prompt = Trimmed(*field_descriptions.PROMPT, load_default="")
    negative_prompt = Anything(
        "目前的模型都没有反向提示词：给出即 422",
        "Not supported by any model today: 422 if given",
        validate=refuse("invalid.negative_prompt"),
        metadata={"type": "string", **AS_TEXT},
    )
    images = Texts(
        *field_descriptions.IMAGES,
        each=Text(validate=REFERENCE),
        validate=Many(1, MAX_IMAGES),
    )
    mask: Field = Text(
        "蒙版，写法同 images 的元素：PNG，透明处重绘，大小与第一张图片相同；"
        "只用于接受蒙版的模型",
        "A mask, given like an element of images: a PNG as large as the first picture, "
        "transparent where it is to be repainted; only for models that accept one",
        validate=REFERENCE,
    )
    strength: Number = Seconds(*field_descriptions.STRENGTH, validate=Between(0, 1))
    expand = Part(
        "每一边扩多少，是那一边长度的几倍；只用于扩图的模型",
        "How far to extend at each edge, as a share of that side; only for models that "
        "can extend pictures",
        nested=Edges,
    )

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def require_prompt(self, data: dict, given: object, **kwargs) -> None:
        """Require a prompt, unless there are input pictures."""
        if isinstance(given, dict) and "prompt" not in given:
            given = given.get("input", given)
        if not isinstance(given, dict) or given.get("images"):
            return
        if "prompt" not in given:
            raise ValidationError({"prompt": ["invalid.required"]})
        if isinstance(given["prompt"], str) and not given["prompt"].strip():
            raise ValidationError({"prompt": ["invalid.prompt_empty"]})


class ComposedTask(ImageFields):
    """
    The page's form: the same fields, but numbers are text, an empty seed means -1, and
    strength counts in hundredths.
    """

    n = Digits(required=True, validate=Between(1, 4))
    seed = Digits(validate=Between(0, MAX_SEED))
    strength = Digits(validate=Between(0, MAX_STRENGTH))


class OwnerId(Text):
    """A user's id, required only with sign-in off."""

    @property
    def required(self) -> bool:
        return not needs_sign_in()

    @required.setter
    def required(self, given: bool) -> None:
        """Ignore marshmallow's assignment: it depends on the settings."""


class OfUser(Strict):
    """Requests with an owner: by default the caller, required with sign-in off."""

    user_id: Text = OwnerId(
        *field_descriptions.USER_ID, validate=user_id_check, metadata=AS_USER_ID
    )


class WithWebhook(Strict):
    """Where the end of this task alone is sent."""

    webhook_url = Text(*field_descriptions.WEBHOOK_URL, validate=Long(1, MAX_URL_CHARS))
    webhook_events = Texts(
        *field_descriptions.WEBHOOK_EVENTS,
        each=Text(validate=OneOf(*TASK_EVENTS)),
        validate=Many(1, 3),
    )


class WithMetadata(Strict):
    """Requests that accept the client's metadata."""

    metadata = Metadata(*field_descriptions.METADATA)


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

    images = Texts(
        "输入图片：文件，或同 JSON 的写法；几张就重复几次",
        "The input pictures: files, or text as in JSON; repeated for several",
        each=File(),
        validate=Many(1, MAX_IMAGES),
    )
    mask = File(
        "蒙版：PNG 文件，或同 JSON 的写法",
        "The mask: a PNG file, or text as in JSON",
    )


class NewUpload(OfUser):
    """``POST /api/v1/uploads``: a multipart form."""

    examples: ClassVar = {"photo": {"file": "photo.jpg", "user_id": "user_123"}}

    user_id = OwnerId(
        "图片属于谁，规则同任务的 user_id；启用登录后不要写",
        "The owner, as on tasks; omit it with sign-in on",
        validate=user_id_check,
        metadata=AS_USER_ID,
    )
    file = File(
        "图片文件：JPEG、PNG 或 WebP",
        "The picture file: JPEG, PNG or WebP",
        required=True,
    )


class AnyTask(Strict):
    """What tasks of all types have, for ``POST /api/v1/ai/tasks``."""

    delay = Seconds(
        *field_descriptions.DELAY, load_default=0, validate=Between(0, MAX_DELAY)
    )


class NestedTask(AnyTask):
    """The nested form of `NewGeneralImage`, for the OpenAPI document."""

    type = Text(
        *field_descriptions.TYPE,
        required=True,
        validate=OneOf("image", "image_generation"),
    )
    input = Part(
        "该类型的各个字段；每个字段写在这里或外面，不能两处都写",
        "The fields of this type; each is either here or outside, not both",
        nested=NewImageTask,
        required=True,
    )


class Unpacked(AnyTask):
    """The fields of a task beside ``type``, or under ``input``."""

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
        *field_descriptions.TYPE,
        required=True,
        validate=OneOf("image", "image_generation"),
    )


class DryRunQuery(Strict):
    """The query of routes that create tasks."""

    dry_run = Truth(
        "1 或 true：只检查请求并估价，不创建、不计入任何限制，也不检查这些限制",
        "1 or true: only validate the request and estimate its price. Nothing is "
        "created or counted against limits, nor are limits checked",
        load_default=False,
    )


class Retry(Strict):
    """``POST /api/v1/tasks/<id>/retry``; the body may be left out."""

    may_be_left_out: ClassVar = True
    examples: ClassVar = {"plain": {}, "consent": {"accept_double_charge": True}}

    accept_double_charge = Flag(
        "同意重复计费：失败的图片 charged 为 yes 或 unknown 时必须为 true",
        "Consent to a second charge: must be true if `charged` of a failed picture is "
        "`yes` or `unknown`",
        load_default=False,
    )


class Nothing(Strict):
    """An optional body, which may only be ``{}``."""


class SeveralTasks(Strict):
    """Selects tasks by their ids, or by user and status."""

    may_be_left_out: ClassVar = False
    rules: ClassVar = ONE_WAY
    ids = Texts(
        "任务 id，最多 100 个；或改用 status 和 user_id",
        "Task ids, up to 100; or use status and user_id instead",
        each=Text(validate=Long(1, 100)),
        validate=Many(1, MAX_AT_ONCE),
    )
    user_id = Text(
        *field_descriptions.USER_ID, validate=user_id_check, metadata=AS_USER_ID
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
        *field_descriptions.SELECTED_STATUS, validate=OneOf("pending", "processing")
    )


class RetrySeveral(SeveralTasks, Retry):
    """``POST /api/v1/tasks/retry``."""

    examples: ClassVar = chosen("failed", accept_double_charge=True)
    status = Text(
        *field_descriptions.SELECTED_STATUS, validate=OneOf("failed", "cancelled")
    )
