"""Schemas of requests about batches."""

from typing import ClassVar

from marshmallow import ValidationError, validates_schema
from marshmallow.fields import Integer, Number

from jimeng.batches import MAX_PROMPTS
from jimeng.batches.creation import MAX_NAME_CHARS
from jimeng.batches.expansion import MAX_TEXT_CHARS
from jimeng.documents.webhook import EVENTS
from jimeng.gallery.saved_prompts import MAX_PROMPT_CHARS
from jimeng.schemas import (
    MAX_IMAGES,
    REFERENCE,
    OfUser,
    PictureSettings,
    Strict,
    WithMetadata,
    WithWebhook,
    field_descriptions,
    unless,
)
from jimeng.schemas.fields import (
    Between,
    Flag,
    Long,
    Many,
    OneOf,
    Part,
    Seconds,
    Text,
    Texts,
    Trimmed,
    Whole,
)
from jimeng.schemas.pagination import ByStatus, PageQuery
from jimeng.schemas.videos import VideoSettings


class NewBatch(PictureSettings, WithWebhook, WithMetadata, OfUser):
    """``POST /api/v1/batches``."""

    rules: ClassVar = unless("template", "prompts")
    examples: ClassVar = {
        "template": {
            "template": "{红|蓝|绿}色的猫\n一只狗",
            "name": "猫和狗",
            "user_id": "user_123",
        },
        "prompts": {
            "prompts": ["一只猫", "一只狗"],
            "size": "16:9",
            "n": 2,
            "user_id": "user_123",
        },
        "pictures": {
            "template": "变成{春天|夏天|秋天|冬天}",
            "model": "jimeng-4.0",
            "images": ["https://example.com/house.jpg"],
            "user_id": "user_123",
        },
    }

    images = Texts(
        "每条提示词都用的参考图，按顺序，写法和单张一样；只收一次",
        "Input pictures of every prompt, in order, given as for a single task; each is "
        "stored once",
        each=Text(validate=REFERENCE),
        validate=Many(1, MAX_IMAGES),
    )
    video = Part(
        "写了就是一批视频，这里是它们的参数，可以是空的 {}；images 里的一张图片是首帧",
        "Makes it a batch of videos with these parameters, which may be an empty "
        "object; a picture in images is their first frame",
        nested=VideoSettings,
    )
    strength: Number = Seconds(*field_descriptions.STRENGTH, validate=Between(0, 1))
    n: Integer = Whole(
        "每条提示词的图片张数",
        "Pictures for each prompt",
        load_default=1,
        validate=Between(1, 4),
    )
    prompts = Texts(
        "提示词，每条照原样，最多 500 条",
        "Prompts, used verbatim; at most 500",
        each=Trimmed(validate=Long(1, MAX_PROMPT_CHARS)),
        validate=Many(1, MAX_PROMPTS),
    )
    template = Text(
        "每行一条提示词，空行跳过。大括号里用竖线隔开的词依次代入，可以嵌套，"
        "词可以为空；前面加反斜杠，就是大括号、竖线、反斜杠本身",
        "One prompt per line; empty lines are skipped. Alternatives in braces, "
        "separated by bars, are expanded; groups may be nested, and an alternative may "
        "be empty. A backslash escapes braces, bars and backslashes",
        validate=Long(1, MAX_TEXT_CHARS),
    )
    webhook_events = Texts(
        "只通知其中的哪些：batch.completed（整批结束）、task.completed、task.failed、"
        "task.cancelled；不写为全部",
        "Which of these events to send: batch.completed (all of it has ended), "
        "task.completed, task.failed, task.cancelled; all if omitted",
        each=Text(validate=OneOf(*EVENTS)),
        validate=Many(1, len(EVENTS)),
    )
    name = Trimmed(
        "给这一批起的名字",
        "The batch's name",
        load_default="",
        validate=Long(0, MAX_NAME_CHARS),
    )

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def has_prompts(self, data: dict, given: object, **kwargs) -> None:
        if isinstance(given, dict) and not {"prompts", "template"} & set(given):
            raise ValidationError({"prompts": ["invalid.required"]})


class RetryBatch(Strict):
    """``POST /api/v1/batches/<id>/retry``; the body may be left out."""

    may_be_left_out: ClassVar = True
    examples: ClassVar = {"failed": {}, "all": {"rest": True}}

    rest = Flag(
        "已取消的和还没创建的也要",
        "Also retry what was cancelled or never created",
        load_default=False,
    )
    accept_double_charge = Flag(
        "已经或可能已经计费的也要，同意再次计费",
        "Also retry what was, or may have been, charged: consents to a second charge",
        load_default=False,
    )


class BatchTasks(PageQuery, ByStatus):
    cursor = Text(
        "上一页最后一个任务的 id",
        "The id of the last task of the previous page",
        validate=Long(1, 100),
    )
