"""Schemas of requests and responses: saved prompts."""

from typing import ClassVar

from marshmallow import fields

from jimeng.gallery.collections import MAX_NAME_CHARS
from jimeng.gallery.saved_prompts import MAX_CHARS, MAX_PROMPT_CHARS
from jimeng.providers.models.model import MAX_OUTPUTS
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    Changes,
    Integer,
    Length,
    OfUser,
    OneOf,
    Range,
    Reply,
    Strict,
    Text,
    Trimmed,
    fixed,
    instant,
    integer,
    text,
)
from jimeng.schemas.tasks import MAX_SEED

SAVED = "prompt_3f9a1c5b7d20e46a8c1b9f02"
EXAMPLE = {"prompt": "雨后的小巷，一只猫", "size": "16:9", "style": "ink"}


class SavedSettings(Strict):
    """The settings of a saved prompt; null means the default."""

    model = Text(
        field_descriptions.MODEL,
        validate=Length(1, MAX_CHARS["model"]),
        allow_none=True,
    )
    size = Trimmed(
        field_descriptions.SIZE,
        validate=Length(1, MAX_CHARS["size"]),
        allow_none=True,
    )
    quality = Text(
        field_descriptions.QUALITY, validate=OneOf("standard", "hd"), allow_none=True
    )
    style = Trimmed(
        field_descriptions.STYLE,
        validate=Length(1, MAX_CHARS["style"]),
        allow_none=True,
    )
    n: fields.Integer = Integer(
        field_descriptions.N, validate=Range(1, MAX_OUTPUTS), allow_none=True
    )
    seed: fields.Integer = Integer(
        field_descriptions.SAVED_SEED, validate=Range(0, MAX_SEED), allow_none=True
    )


class NewPrompt(OfUser, SavedSettings):
    """``POST /api/v1/prompts``."""

    examples: ClassVar = {
        "usual": {"name": "雨巷", **EXAMPLE, "user_id": "user_123"},
    }
    name = Trimmed(
        field_descriptions.SHORT_NAME, required=True, validate=Length(1, MAX_NAME_CHARS)
    )
    prompt = Trimmed(
        field_descriptions.SAVED_PROMPT,
        required=True,
        validate=Length(1, MAX_PROMPT_CHARS),
    )


class PromptChanges(Changes, SavedSettings):
    """``PATCH /api/v1/prompts/<id>``: omitted fields stay unchanged."""

    examples: ClassVar = {"name": {"name": "雨天"}, "settings": {"n": 4, "seed": None}}
    name = Trimmed(field_descriptions.SHORT_NAME, validate=Length(1, MAX_NAME_CHARS))
    prompt = Trimmed(
        field_descriptions.SAVED_PROMPT, validate=Length(1, MAX_PROMPT_CHARS)
    )


class PromptRecord(Reply):
    """A saved prompt."""

    id = text(field_descriptions.ID, example=SAVED)
    name = text(field_descriptions.NAME, example="雨巷")
    prompt = text("The prompt", example=EXAMPLE["prompt"])
    model = text(field_descriptions.MODEL, null=True, example="doubao-seedream-3.0-t2i")
    size = text(field_descriptions.SIZE, null=True, example="16:9")
    quality = text(field_descriptions.QUALITY, null=True, example="standard")
    style = text(field_descriptions.STYLE, null=True, example="ink")
    n = integer(field_descriptions.N, null=True, minimum=1, example=1)
    seed = integer(field_descriptions.SAVED_SEED, null=True, minimum=0, example=42)
    created_at = instant(field_descriptions.CREATED_AT)
    updated_at = instant(field_descriptions.UPDATED_AT)


class PromptDeleted(Reply):
    id = text(field_descriptions.ID, example=SAVED)
    message = fixed("answer.prompt_deleted")
