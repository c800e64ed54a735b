"""The shapes of prompts that are kept under a name."""

from typing import ClassVar

from marshmallow.fields import Integer

from jimeng.collections import LONGEST_NAME
from jimeng.prompts import LONGEST_PROMPT
from jimeng.schemas import MOST_SEED, MOST_STYLE, Changes, OfUser, Strict, words
from jimeng.schemas.fields import Between, Long, OneOf, Text, Trimmed, Whole
from jimeng.schemas.kinds import Reply, fixed, instant, text, whole

SAVED = "prompt_3f9a1c5b7d20e46a8c1b9f02"
EXAMPLE = {"prompt": "雨后的小巷，一只猫", "size": "16:9", "style": "ink"}


class SavedSettings(Strict):
    """What is kept beside the words; null is what is usual."""

    model = Text(*words.MODEL, validate=Long(1, 100), allow_none=True)
    size = Trimmed(*words.SIZE, validate=Long(1, 20), allow_none=True)
    quality = Text(*words.QUALITY, validate=OneOf("standard", "hd"), allow_none=True)
    style = Trimmed(*words.STYLE, validate=Long(1, MOST_STYLE), allow_none=True)
    n: Integer = Whole(*words.N, validate=Between(1, 4), allow_none=True)
    seed: Integer = Whole(
        *words.SAVED_SEED, validate=Between(0, MOST_SEED), allow_none=True
    )


class NewPrompt(OfUser, SavedSettings):
    """``POST /api/v1/prompts``."""

    examples: ClassVar = {
        "usual": {"name": "雨巷", **EXAMPLE, "user_id": "user_123"},
    }
    name = Trimmed(*words.NAME_TO_60, required=True, validate=Long(1, LONGEST_NAME))
    prompt = Trimmed(
        *words.SAVED_PROMPT, required=True, validate=Long(1, LONGEST_PROMPT)
    )


class PromptChanges(Changes, SavedSettings):
    """``PATCH /api/v1/prompts/<id>``: what is left out stays as it is."""

    examples: ClassVar = {"name": {"name": "雨天"}, "settings": {"n": 4, "seed": None}}
    name = Trimmed(*words.NAME_TO_60, validate=Long(1, LONGEST_NAME))
    prompt = Trimmed(*words.SAVED_PROMPT, validate=Long(1, LONGEST_PROMPT))


class PromptRecord(Reply):
    """A prompt that is kept."""

    id = text(*words.ID, example=SAVED)
    name = text(*words.NAME, example="雨巷")
    prompt = text("提示词", "The prompt", example=EXAMPLE["prompt"])
    model = text(*words.MODEL, null=True, example="doubao-seedream-3.0-t2i")
    size = text(*words.SIZE, null=True, example="16:9")
    quality = text(*words.QUALITY, null=True, example="standard")
    style = text(*words.STYLE, null=True, example="ink")
    n = whole(*words.N, null=True, minimum=1, example=1)
    seed = whole(*words.SAVED_SEED, null=True, minimum=0, example=42)
    created_at = instant(*words.CREATED_AT)
    updated_at = instant(*words.UPDATED_AT)


class PromptDeleted(Reply):
    id = text(*words.ID, example=SAVED)
    message = fixed("answer.prompt_deleted")
