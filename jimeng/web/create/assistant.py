"""The prompt assistant in the Create form: its result is shown before it is used."""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from jimeng import inputs, jobs, limits, tasks
from jimeng.documents.principal import Principal
from jimeng.errors import (
    AssistantUnavailable,
    Invalid,
    QueueUnavailable,
    TooManyAssistantRequests,
)
from jimeng.errors.inputs import ServerBusy, UploadNotFound
from jimeng.i18n import language, reasons
from jimeng.providers.prompt_assistant import INSTRUCTIONS
from jimeng.web import bp, refused
from jimeng.web.create.inputs import ids_in, input_shrunk_to
from jimeng.web.create.options import find_model

MAX_PROMPT_CHARS = 10_000
PICTURE_PX = 640  # of the longer side
LANGUAGES = {"zh": "Chinese", "en": "English"}
REFUSALS = (
    *(AssistantUnavailable, Invalid, QueueUnavailable, TooManyAssistantRequests),
    *(ServerBusy, UploadNotFound),
)


@bp.app_template_global()
def has_assistant() -> bool:
    """Whether the operator has set a chat model."""
    return jobs.runtime().assistant is not None


@bp.post("/composer/assistant")
def assist() -> ResponseReturnValue:
    """The assistant's result for the prompt or the first reference, as a partial."""
    try:
        text = written(g.principal)
    except REFUSALS as error:
        message = " ".join(reasons(error))
        page = render_template("create/_assisted.html", error=message)
        return refused(page, error, {"HX-Retarget": "#assisted"})
    return render_template("create/_assisted.html", text=text)


def written(principal: Principal) -> str:
    """
    Raises:
        Invalid: there is nothing to work on, or no such action, or no assistant.
        TooManyAssistantRequests: as `limits.reserve_assistant_request`.
        AssistantUnavailable: as `PromptAssistant.write`.
        UploadNotFound: the reference is gone.
    """
    assistant, action = jobs.runtime().assistant, request.form.get("action", "")
    if assistant is None or action not in INSTRUCTIONS:
        raise Invalid.field("action", "invalid.choice", known=", ".join(INSTRUCTIONS))
    prompt = request.form.get("prompt", "").strip()[:MAX_PROMPT_CHARS]
    ids = ids_in(request.form.getlist("image"))
    if action == "describe" and not ids:
        raise Invalid.field("action", "assistant.no_reference")
    if action != "describe" and not prompt:
        raise Invalid.field("prompt", "invalid.prompt_empty")
    limits.reserve_assistant_request(principal.user_id)
    return assistant.write(
        action,
        prompt,
        picture=reference_of(principal, ids[0]) if action == "describe" else None,
        language=LANGUAGES[language()],
        max_chars=find_model(request.form.get("model")).max_prompt,
    )


def reference_of(principal: Principal, input_id: str) -> tuple[str, bytes]:
    """Content type and bytes of a reference's thumbnail."""
    mine = principal.user_id
    (named,) = inputs.find_inputs(principal, [input_id], user_id=mine)
    if named.picture is None:
        small = input_shrunk_to(principal, input_id, PICTURE_PX)
        return small.content_type, small.content
    _, content = tasks.open_image(named.picture.key, "thumbnail_id")
    return "image/webp", content.read()
