"""Messages of Volcengine Visual: request bodies by kind of model, and answers."""

from collections.abc import Callable, Mapping

from jimeng.providers.http_provider import Reply, object_in
from jimeng.providers.models import Model
from jimeng.providers.provider import ImageRequest
from jimeng.providers.transport import Answer, short

Body = dict[str, object]

# Longer prompts come out less faithful, and later, when a language model has
# rewritten them; Volcengine advises so many characters or fewer for 3.x.
MAX_REWRITTEN = 120  # characters
# The words at which the model for repainting takes away what is masked.
ERASE = "删除"
CODED = "binary_data_base64"
SUCCESS = "10000"


def order(request: ImageRequest, model: Model, wishes: Mapping[str, object]) -> Body:
    """
    The body of a submission.

    Args:
        wishes: How the picture is wanted, for a model that answers with it; others
            are told when they are polled.
    """
    body: Body = {**model.extra, "req_key": request.req_key}
    body |= BODIES[model.task](request, model)
    if request.seed is not None:
        body["seed"] = request.seed
    body |= pictures(request, model)
    return {**body, **wishes} if model.is_synchronous else body


def drawing(request: ImageRequest, model: Model) -> Body:
    """Text to image, with or without references."""
    body: Body = {
        "prompt": request.prompt,
        "width": request.width,
        "height": request.height,
    }
    if model.rewrites_prompt:
        # True is the service's own default, and what short prompts look best with;
        # sent, so that a changed default does not change the pictures.
        body["use_pre_llm"] = len(request.prompt) <= MAX_REWRITTEN
    if not model.is_synchronous:
        # Else the model may draw a group, and each picture of it is charged.
        body["force_single"] = True
    return body | scale(request, model)


def changing(request: ImageRequest, model: Model) -> Body:
    """Image to image, from one picture; this model generates single pictures only."""
    size = {"width": request.width, "height": request.height}
    return {"prompt": request.prompt, **size, **scale(request, model)}


def repainting(request: ImageRequest, model: Model) -> Body:
    """Inpainting; without a prompt the masked area is erased."""
    return {"prompt": request.prompt or ERASE, **scale(request, model)}


def expanding(request: ImageRequest, model: Model) -> Body:
    """Outpainting; edges that do not grow are omitted, as the service's clients do."""
    grown = request.expand
    edges = ("top", "bottom", "left", "right")
    body: Body = {name: getattr(grown, name) for name in edges if getattr(grown, name)}
    return {"prompt": request.prompt, **body} if request.prompt else body


def enlarging(request: ImageRequest, model: Model) -> Body:
    return {"resolution": "4k", **scale(request, model)}


BODIES: dict[str, Callable[[ImageRequest, Model], Body]] = {
    "text-to-image": drawing,
    "image-to-image": changing,
    "inpainting": repainting,
    "outpainting": expanding,
    "upscaling": enlarging,
}


def scale(request: ImageRequest, model: Model) -> Body:
    """``strength`` on the service's own scale."""
    if request.strength is None or model.takes is None or not model.takes.strength:
        return {}
    low, high = model.takes.strength
    value = low + request.strength * (high - low)
    is_whole = isinstance(low, int) and isinstance(high, int)
    return {"scale": round(value) if is_whole else round(value, 2)}


def pictures(request: ImageRequest, model: Model) -> Body:
    """The inputs in order, then the mask."""
    given = [*request.inputs, *([request.mask] if request.mask else [])]
    if not given:
        return {}
    if model.takes is not None and model.takes.travels == "link":
        return {"image_urls": [each.link for each in given]}
    return {CODED: [each.text for each in given]}


def read(answer: Answer) -> Reply:
    """
    Read an answer of the service (flat, with ``code``), of the gateway before it
    (``ResponseMetadata.Error``), or of neither, such as a proxy's page.
    """
    found = object_in(answer, exact=True)
    if isinstance(found, str):
        return Reply(answer.status, text=found)
    gateway = found.get("ResponseMetadata")
    if isinstance(gateway, dict):
        error = gateway.get("Error")
        error = error if isinstance(error, dict) else {}
        code = short(error.get("CodeN")) or short(error.get("Code"))
        text = f"{error.get('Code')} {error.get('Message')}"
        return Reply(answer.status, code, text, short(gateway.get("RequestId")))
    data, code = found.get("data"), short(found.get("code"))
    return Reply(
        answer.status,
        None if code == SUCCESS else code,
        str(found.get("message")),
        short(found.get("request_id")),
        data if isinstance(data, dict) else {},
        is_success=code == SUCCESS,
    )


def items(reply: Reply, name: str) -> list[object]:
    """The list that the answer holds by this name."""
    found = reply.data.get(name)
    return found if isinstance(found, list) else []
