"""What requests about batches say."""

from typing import ClassVar

from marshmallow import ValidationError, validates_schema
from marshmallow.fields import Number

from jimeng.batches import MOST
from jimeng.batches.asking import LONGEST_NAME
from jimeng.batches.expansion import LONGEST
from jimeng.documents import Status
from jimeng.schemas import (
    MOST_IMAGES,
    REFERENCE,
    OfUser,
    PictureSettings,
    Strict,
    unless,
)
from jimeng.schemas.fields import (
    Between,
    Flag,
    Long,
    Many,
    Seconds,
    Text,
    Texts,
    Trimmed,
)
from jimeng.schemas.lists import Some

LONGEST_PROMPT = 10_000  # characters; what the model takes is for it to say


class NewBatch(PictureSettings, OfUser):
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

    images = Texts(Text(validate=REFERENCE), validate=Many(1, MOST_IMAGES))
    strength: Number = Seconds(validate=Between(0, 1))
    prompts = Texts(Trimmed(validate=Long(1, LONGEST_PROMPT)), validate=Many(1, MOST))
    template = Text(validate=Long(1, LONGEST))
    name = Trimmed(load_default="", validate=Long(0, LONGEST_NAME))

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def has_prompts(self, data: dict, given: object, **kwargs) -> None:
        if isinstance(given, dict) and not {"prompts", "template"} & set(given):
            raise ValidationError({"prompts": ["invalid.required"]})


class RetryBatch(Strict):
    """``POST /api/v1/batches/<id>/retry``; the body may be left out."""

    may_be_left_out: ClassVar = True
    examples: ClassVar = {"failed": {}, "all": {"rest": True}}

    rest = Flag(load_default=False)
    accept_double_charge = Flag(load_default=False)


class BatchTasks(Some):
    cursor = Text(validate=Long(1, 100))
    status = Text(metadata={"enum": list(Status)})
