"""The shapes of prompts that are kept under a name."""

from typing import ClassVar

from marshmallow.fields import Integer

from jimeng.collections import LONGEST_NAME
from jimeng.prompts import LONGEST_PROMPT
from jimeng.schemas import MOST_SEED, MOST_STYLE, Changes, OfUser, Strict
from jimeng.schemas.fields import Between, Long, OneOf, Text, Trimmed, Whole
from jimeng.schemas.kinds import Reply, fixed, instant, text, whole

SAVED = "prompt_3f9a1c5b7d20e46a8c1b9f02"
EXAMPLE = {"prompt": "雨后的小巷，一只猫", "size": "16:9", "style": "ink"}


class SavedSettings(Strict):
    """What is kept beside the words; null is what is usual."""

    model = Text(validate=Long(1, 100), allow_none=True)
    size = Trimmed(validate=Long(1, 20), allow_none=True)
    quality = Text(validate=OneOf("standard", "hd"), allow_none=True)
    style = Trimmed(validate=Long(1, MOST_STYLE), allow_none=True)
    n: Integer = Whole(validate=Between(1, 4), allow_none=True)
    seed: Integer = Whole(validate=Between(0, MOST_SEED), allow_none=True)


class NewPrompt(OfUser, SavedSettings):
    """``POST /api/v1/prompts``."""

    examples: ClassVar = {
        "usual": {"name": "雨巷", **EXAMPLE, "user_id": "user_123"},
    }
    name = Trimmed(required=True, validate=Long(1, LONGEST_NAME))
    prompt = Trimmed(required=True, validate=Long(1, LONGEST_PROMPT))


class PromptChanges(Changes, SavedSettings):
    """``PATCH /api/v1/prompts/<id>``: what is left out stays as it is."""

    examples: ClassVar = {"name": {"name": "雨天"}, "settings": {"n": 4, "seed": None}}
    name = Trimmed(validate=Long(1, LONGEST_NAME))
    prompt = Trimmed(validate=Long(1, LONGEST_PROMPT))


class PromptRecord(Reply):
    """A prompt that is kept."""

    id = text(example=SAVED)
    name = text(example="雨巷")
    prompt = text(example=EXAMPLE["prompt"])
    model = text(null=True, example="doubao-seedream-3.0-t2i")
    size = text(null=True, example="16:9")
    quality = text(null=True, example="standard")
    style = text(null=True, example="ink")
    n = whole(null=True, minimum=1, example=1)
    seed = whole(null=True, minimum=0, example=42)
    created_at = instant()
    updated_at = instant()


class PromptDeleted(Reply):
    id = text(example=SAVED)
    message = fixed("answer.prompt_deleted")
