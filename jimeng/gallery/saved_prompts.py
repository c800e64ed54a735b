"""Prompts that a user keeps under a name, with their settings."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from jimeng.documents import SavedPrompt, utcnow
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal, noted
from jimeng.errors import Invalid
from jimeng.errors.collections import PromptNotFound, TooManyPrompts
from jimeng.gallery.collections import checked
from jimeng.tasks.audit import audited

log = logging.getLogger(__name__)

MAX_PROMPTS = 200  # prompts of a user
MAX_PROMPT_CHARS = 10_000  # characters, which no model's limit is above
MAX_FIELD_CHARS = {"model": 100, "size": 20, "quality": 20, "style": 64}  # characters


@dataclass(frozen=True)
class Words:
    """What is kept beside the name, as the API takes it; None is what is usual."""

    prompt: str
    model: str | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    n: int | None = None
    seed: int | None = None


def save(
    principal: Principal, name: str, words: Words, user_id: str | None = None
) -> SavedPrompt:
    """
    Keep a prompt; nothing that is kept already changes.

    Args:
        user_id: Whose it is to be, where that is not the principal.

    Raises:
        Invalid: the name or the words are empty or too long.
        UserIdNotYours: the principal may not act for that user.
        TooManyPrompts: who has as many as may be.
    """
    user_id = user_id or principal.user_id
    principal.require_owner(user_id, "prompt")
    given = fields_of(asdict(words) | {"name": name})
    made = SavedPrompt(user_id=user_id, **given)
    with noted(principal, user_id, "prompts.save", prompt=made.id):
        if not made.insert_within(MAX_PROMPTS):
            raise TooManyPrompts(f"user {user_id}", limit=MAX_PROMPTS)
    log.info("prompt saved id=%s user=%s", made.id, user_id)
    return made


def fields_of(given: Mapping[str, object]) -> dict:
    """
    What is set of *given*, as it is kept.

    Raises:
        Invalid: as in `save`.
    """
    found = {name: value for name, value in given.items() if value not in ("", None)}
    if "name" in given:
        found["name"] = checked(str(given["name"]))
    if "prompt" in given:
        prompt = str(given["prompt"]).strip()
        if not 0 < len(prompt) <= MAX_PROMPT_CHARS or "\0" in prompt:
            limits = {"min": 1, "max": MAX_PROMPT_CHARS}
            raise Invalid.field("prompt", "invalid.length", **limits)
        found["prompt"] = prompt
    for name, most in MAX_FIELD_CHARS.items():
        if len(str(found.get(name, ""))) > most:
            raise Invalid.field(name, "invalid.length", min=1, max=most)
    return found


def find(principal: Principal, prompt_id: str) -> SavedPrompt:
    """
    Raises:
        PromptNotFound: no such prompt, or somebody else's.
    """
    return principal.find(SavedPrompt, prompt_id, PromptNotFound)


def find_all(principal: Principal, user_id: str | None = None) -> list[SavedPrompt]:
    """
    A user's, newest first; there are never more than `MOST`.

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
    principal: Principal, prompt_id: str, given: Mapping[str, object]
) -> SavedPrompt:
    """
    Give a prompt another name, or other words and settings.

    Args:
        given: Fields of `Words`, and ``name``; what is left out stays, and what is
            None goes.

    Raises:
        PromptNotFound: as in `find`; Invalid, as in `save`.
    """
    changes = fields_of(given)
    gone = {name: "" for name in given if name not in changes}
    update: dict = {"$set": changes | {"updated_at": utcnow()}}
    update |= {"$unset": gone} if gone else {}
    return principal.change(SavedPrompt, prompt_id, update, PromptNotFound)


@audited(SavedPrompt, "prompts.delete")
def delete(principal: Principal, prompt_id: str) -> SavedPrompt:
    """
    Let a prompt go, and return what it was.

    Raises:
        PromptNotFound: as in `find`.
    """
    found = find(principal, prompt_id)
    SavedPrompt.collection().delete_one({"_id": found.id})
    log.info("prompt deleted id=%s user=%s", found.id, found.user_id)
    return found
