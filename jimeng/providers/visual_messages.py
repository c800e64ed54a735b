"""What Volcengine Visual is told, by each kind of model, and what its answers say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jimeng.providers.models import Model
from jimeng.providers.provider import ImageRequest
from jimeng.providers.transport import Answer, decode, parse, short

Body = dict[str, object]

# Longer prompts come out less faithful, and later, when a language model has
# rewritten them; Volcengine advises so many characters or fewer for 3.x.
MOST_REWRITTEN = 120  # characters
# The words at which the model for repainting takes away what is masked.
ERASE = "删除"


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
    """From words, with pictures beside them or not."""
    body: Body = {
        "prompt": request.prompt,
        "width": request.width,
        "height": request.height,
    }
    if model.rewrites_prompt:
        # True is the service's own default, and what short prompts look best with;
        # sent, so that a changed default does not change the pictures.
        body["use_pre_llm"] = len(request.prompt) <= MOST_REWRITTEN
    if not model.is_synchronous:
        # Else the model may draw a group, and each picture of it is charged.
        body["force_single"] = True
    return body | scale(request, model)


def changing(request: ImageRequest, model: Model) -> Body:
    """From one picture; this model draws one and knows no groups."""
    size = {"width": request.width, "height": request.height}
    return {"prompt": request.prompt, **size, **scale(request, model)}


def repainting(request: ImageRequest, model: Model) -> Body:
    """Without words what is masked is taken away."""
    return {"prompt": request.prompt or ERASE, **scale(request, model)}


def expanding(request: ImageRequest, model: Model) -> Body:
    """Edges that do not grow are left out, as clients of the service do."""
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
    """Those that go in, in order, and the mask behind them."""
    given = [*request.inputs, *([request.mask] if request.mask else [])]
    if not given:
        return {}
    if model.takes is not None and model.takes.travels == "link":
        return {"image_urls": [each.link for each in given]}
    return {"binary_data_base64": [each.text for each in given]}


@dataclass(frozen=True)
class Reply:
    """
    What an answer says, whichever of the two shapes it has.

    Attributes:
        status: The HTTP status.
        code: Of the service or the gateway; None where the body cannot be read.
        data: The ``data`` of the service; empty where there is none.
    """

    status: int
    code: str | None = None
    text: str = ""
    request_id: str | None = None
    data: dict | None = None

    def get(self, name: str) -> object:
        return (self.data or {}).get(name)


def read(answer: Answer) -> Reply:
    """
    Read an answer of the service (flat, with ``code``), of the gateway before it
    (``ResponseMetadata.Error``), or of neither, such as a proxy's page.
    """
    try:
        found = parse(answer.body, exact=True)
    except ValueError:
        return Reply(answer.status, text="the answer is not JSON")
    if not isinstance(found, dict):
        return Reply(answer.status, text="the answer is not an object")
    gateway = found.get("ResponseMetadata")
    if isinstance(gateway, dict):
        error = gateway.get("Error")
        error = error if isinstance(error, dict) else {}
        code = short(error.get("CodeN")) or short(error.get("Code"))
        text = f"{error.get('Code')} {error.get('Message')}"
        return Reply(answer.status, code, text, short(gateway.get("RequestId")))
    data = found.get("data")
    return Reply(
        answer.status,
        short(found.get("code")),
        str(found.get("message")),
        short(found.get("request_id")),
        data if isinstance(data, dict) else None,
    )


def picture(reply: Reply) -> dict[str, tuple] | None:
    """
    Pick the picture as `Progress` takes it, a link before bytes; one was asked for,
    so of several it is the first. None if there is none.
    """
    urls = [url for url in _items(reply.get("image_urls")) if url]
    if urls:
        return {"urls": (urls[0],)}
    for text in _items(reply.get("binary_data_base64")):
        image = decode(text)
        if image:
            return {"images": (image,)}
    return None


def _items(value: object) -> list[str]:
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, str)]
