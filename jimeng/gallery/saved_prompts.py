"""Saved prompts: named prompts of a user, with their settings."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from jimeng.documents import SavedPrompt, utcnow
from jimeng.documents.auditing import audited
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.errors import Invalid
from jimeng.errors.collections import PromptNotFound, TooManyPrompts
from jimeng.gallery.collections import MAX_NAME_CHARS, one_line
from jimeng.pictures.metadata.provenance import (
    MAX_MODEL_CHARS,
    MAX_PROMPT_CHARS,
    MAX_STYLE_CHARS,
)

log = logging.getLogger(__name__)

MAX_PROMPTS = 200  # per user
MAX_CHARS = {
    "model": MAX_MODEL_CHARS,
    "size": 20,
    "quality": 20,
    "style": MAX_STYLE_CHARS,
}


@dataclass(frozen=True)
class PromptSettings:
    """A prompt and its settings, as the API accepts them; None for the default."""

    prompt: str
    model: str | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    n: int | None = None
    seed: int | None = None


def save(
    principal: Principal,
    name: str,
    settings: PromptSettings,
    user_id: str | None = None,
) -> SavedPrompt:
    """
    Save a prompt; existing ones are not changed.

    Args:
        user_id: The owner, if not the principal.

    Raises:
        Invalid: the name, the prompt or a setting is empty or too long.
        UserIdNotYours: the principal may not act for that user.
        TooManyPrompts: the user has `MAX_PROMPTS`.
    """
    user_id = user_id or principal.user_id
    principal.require_owner(user_id, "prompt")
    fields = validated_fields(asdict(settings) | {"name": name})
    saved = SavedPrompt(user_id=user_id, **fields)
    with recorded_on_behalf(principal, user_id, "prompts.save", prompt=saved.id):
        if not saved.insert_with_limit(MAX_PROMPTS):
            raise TooManyPrompts(f"user {user_id}", limit=MAX_PROMPTS)
    log.info("prompt saved id=%s user=%s", saved.id, user_id)
    return saved


def validated_fields(fields: Mapping[str, object]) -> dict:
    """
    Those of *fields* that are set, validated and normalised.

    Raises:
        Invalid: as in `save`.
    """
    found = {name: value for name, value in fields.items() if value not in ("", None)}
    if "name" in fields:
        found["name"] = one_line("name", str(fields["name"]), MAX_NAME_CHARS)
    if "prompt" in fields:
        prompt = str(fields["prompt"]).strip()
        if not 0 < len(prompt) <= MAX_PROMPT_CHARS or "\0" in prompt:
            limits = {"min": 1, "max": MAX_PROMPT_CHARS}
            raise Invalid.field("prompt", "invalid.length", **limits)
        found["prompt"] = prompt
    for name, most in MAX_CHARS.items():
        if len(str(found.get(name, ""))) > most:
            raise Invalid.field(name, "invalid.length", min=1, max=most)
    return found


def find(principal: Principal, prompt_id: str) -> SavedPrompt:
    """
    Raises:
        PromptNotFound: no such prompt, or another user's.
    """
    return principal.find(SavedPrompt, prompt_id, PromptNotFound)


def find_all(principal: Principal, user_id: str | None = None) -> list[SavedPrompt]:
    """
    A user's saved prompts, newest first; never more than `MAX_PROMPTS`.

    Raises:
        UserNotFound: the principal may not act for that user.
    """
    user_id = user_id or principal.user_id
    principal.require_reader(user_id)
    return SavedPrompt.find_all(
        {"user_id": user_id}, sort=NEWEST_FIRST, limit=MAX_PROMPTS
    )


@audited(SavedPrompt, "prompts.change")
def change(
    principal: Principal, prompt_id: str, fields: Mapping[str, object]
) -> SavedPrompt:
    """
    Change a saved prompt's name, text or settings.

    Args:
        fields: Fields of `PromptSettings`, and ``name``; missing ones are not changed,
            None removes one.

    Raises:
        PromptNotFound: as in `find`; Invalid, as in `save`.
    """
    changes = validated_fields(fields)
    gone = {name: "" for name in fields if name not in changes}
    update: dict = {"$set": changes | {"updated_at": utcnow()}}
    update |= {"$unset": gone} if gone else {}
    return principal.change(SavedPrompt, prompt_id, update, PromptNotFound)


@audited(SavedPrompt, "prompts.delete")
def delete(principal: Principal, prompt_id: str) -> SavedPrompt:
    """
    Delete a saved prompt, and return it.

    Raises:
        PromptNotFound: as in `find`.
    """
    found = find(principal, prompt_id)
    SavedPrompt.collection().delete_one({"_id": found.id})
    log.info("prompt deleted id=%s user=%s", found.id, found.user_id)
    return found
