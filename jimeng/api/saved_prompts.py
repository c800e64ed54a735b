"""Saved prompts."""

from flask import url_for

from jimeng.api import blp
from jimeng.documents import SavedPrompt
from jimeng.gallery import saved_prompts
from jimeng.gallery.saved_prompts import PromptSettings
from jimeng.http import auth
from jimeng.schemas.fields import Nothing, OfUser
from jimeng.schemas.saved_prompts import (
    NewPrompt,
    PromptChanges,
    PromptDeleted,
    PromptRecord,
)

LINKS = ["get_prompt", "change_prompt", "delete_prompt"]


@blp.get("/prompts", tags=["prompts"])
@blp.arguments(OfUser, location="query")
@blp.response(200, PromptRecord(many=True))
@blp.describe(errors=["user_not_found"])
def list_prompts(query: dict) -> list[SavedPrompt]:
    """List a user's saved prompts, newest first: at most 200, in one page."""
    return saved_prompts.find_all(auth.principal_of_api(), **query)


@blp.post("/prompts", tags=["prompts"])
@blp.arguments(NewPrompt)
@blp.response(201, PromptRecord)
@blp.describe(
    errors=["user_id_not_yours", "too_many_prompts"],
    always=["Location"],
    makes=("id", "prompt_id", LINKS),
)
def save_prompt(params: dict) -> tuple[SavedPrompt, dict]:
    """
    Save a prompt under a name, with its settings.

    Its fields are those of a task, so that it can be submitted as one. Names need not
    be unique; at most 200 per user.
    """
    name, user_id = params.pop("name"), params.pop("user_id", None)
    prompt = saved_prompts.save(
        auth.principal_of_api(), name, PromptSettings(**params), user_id
    )
    return prompt, {"Location": url_for("api.get_prompt", prompt_id=prompt.id)}


@blp.get("/prompts/<prompt_id>", tags=["prompts"])
@blp.response(200, PromptRecord)
@blp.describe(errors=["prompt_not_found"])
def get_prompt(prompt_id: str) -> SavedPrompt:
    """Get a saved prompt."""
    return saved_prompts.find(auth.principal_of_api(), prompt_id)


@blp.patch("/prompts/<prompt_id>", tags=["prompts"])
@blp.arguments(PromptChanges)
@blp.response(200, PromptRecord)
@blp.describe(errors=["prompt_not_found"])
def change_prompt(params: dict, prompt_id: str) -> SavedPrompt:
    """
    Change a saved prompt's name, text or settings.

    Omitted fields stay unchanged; a setting that is null is removed.
    """
    return saved_prompts.change(auth.principal_of_api(), prompt_id, params)


@blp.delete("/prompts/<prompt_id>", tags=["prompts"])
@blp.arguments(Nothing)
@blp.response(200, PromptDeleted)
@blp.describe(errors=["prompt_not_found"])
def delete_prompt(params: dict, prompt_id: str) -> dict:
    """Delete a saved prompt. Tasks and pictures are not deleted."""
    saved_prompts.delete(auth.principal_of_api(), prompt_id)
    return {"id": prompt_id}
