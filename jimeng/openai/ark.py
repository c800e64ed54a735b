"""
``/api/v3``: pictures and videos for clients of Volcengine's Ark.

Source: https://www.volcengine.com/docs/82379/1541523 and
https://www.volcengine.com/docs/82379/1520757. Ark's SDK sends null for what is not
set, and repeats a POST by itself without saying so. Not part of the OpenAPI document:
Ark describes it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from jimeng import tasks
from jimeng.documents import Image, Task
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import CannotStop, Invalid
from jimeng.gallery import trash
from jimeng.http.auth import principal_of_api, reject_cross_site, require_scope
from jimeng.http.request_kinds import polled, submits
from jimeng.http.requests import accepts_pictures, idempotency_key, limit_large_bodies
from jimeng.http.responses import json_response, rate_limit_headers
from jimeng.i18n import t
from jimeng.inputs import Reference
from jimeng.openai import images, model_names, responses, streams
from jimeng.openai.errors import reason, task_fields
from jimeng.openai.inputs import reference
from jimeng.openai.parameters import ImagesRequest, owner_of
from jimeng.openai.requests import (
    Body,
    as_integer,
    has_retry_count,
    present_fields,
    read_json,
    retry_count,
)
from jimeng.openai.videos import find
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models.video import FRAMES_PER_S
from jimeng.schemas.tasks import last_frame_link, link_of
from jimeng.tasks import PictureView, TaskView
from jimeng.tasks.queries import MAX_OFFSET

PREFIX = "/api/v3"
PICTURES = f"{PREFIX}/images/generations"
TASKS = f"{PREFIX}/contents/generations/tasks"
# A client that got no answer repeats its request at once.
LOST_RESPONSE_AGE = timedelta(seconds=10)
ROLES = {"reference_image": "reference"}  # Ark's name -> ours; the others are equal
STATUSES = {"pending": "queued", "processing": "running", "completed": "succeeded"}
FILTERS = {theirs: ours for ours, theirs in STATUSES.items()}
FILTERS |= {"failed": "failed", "cancelled": "cancelled"}
MAX_PAGE = 500
# Fields that change what a video costs, or what it is, and their only value here.
ONLY: dict[str, tuple[object, ...]] = {
    "draft": (False,),
    "service_tier": ("default",),
    "output_format": ("mp4",),
    "tools": ([],),
    "frames": (),
    "callback_url": (),
    "omni_reference_task_type": ("auto", "reference"),
}
ONLY_OF_PICTURES: dict[str, tuple[object, ...]] = {
    "sequential_image_generation": ("disabled",),
    "layer_decomposition": (False,),
    "tools": ([],),
}
# Our status -> the name of such errors in Ark's answers.
CODES = {
    400: "InvalidParameter",
    401: "AuthenticationError",
    402: "QuotaExceeded",
    403: "AccessDenied",
    404: "NotFound",
    409: "InvalidAction",
    422: "InvalidParameter",
    429: "RateLimitExceeded",
}
RUNNING = "InvalidAction.RunningTaskDeletion"

bp = Blueprint("ark", __name__)
bp.before_request(reject_cross_site)
bp.before_request(require_scope)
limit_large_bodies(bp, principal_of_api)


def request_of(content: object) -> tasks.Attempt:
    """Any request may be a repetition, unless the client counts its repetitions."""
    if has_retry_count():
        return tasks.Attempt(content, retry_count())
    return tasks.Attempt(content, repeats=1, max_lost_answer_age=LOST_RESPONSE_AGE)


@bp.post(PICTURES)
@accepts_pictures
@submits
def generate() -> Response:
    """Create pictures and wait for them."""
    return images.answer(picture_body(read_json()), INTERFACE)


def picture_body(sent: Mapping[str, Any]) -> Body:
    """
    Raises:
        Invalid: a field has a value that is not offered here.
    """
    fields = dict(present_fields(sent))
    check_only(fields, ONLY_OF_PICTURES)
    if "model" not in fields:
        raise Invalid.field("model", "invalid.required")
    fields.setdefault("output_format", "jpeg")  # as at Ark
    return Body(fields, {}, [PICTURES, sent])


def check_only(body: Mapping[str, Any], only: Mapping[str, tuple[object, ...]]) -> None:
    """
    Raises:
        Invalid: a field has another value than the one that is offered here.
    """
    for name, allowed in only.items():
        if name in body and body[name] not in allowed:
            raise Invalid.field(name, "invalid.unknown_field")


def pictures(params: ImagesRequest, view: TaskView) -> Response:
    """The pictures, and why some of them failed."""
    items = [picture_item(each) for each in view.pictures]
    created = [item for item in items if "error" not in item]
    usage = usage_of(view.images)
    head = {**head_of(view.task), **responses.cost_fields(view.task)}
    content = {**head, "data": items, "usage": usage}
    body = responses.with_pictures(params, content, view.images, created)
    return responses.response_of(body)


def picture_events(params: ImagesRequest, view: TaskView) -> Iterator[bytes]:
    """An event for each picture, and one with the usage of all."""
    head = head_of(view.task)
    for index, each in enumerate(view.pictures):
        kind = f"image_generation.partial_{'succeeded' if each.image else 'failed'}"
        item = {"type": kind, **head, "image_index": index, **picture_item(each)}
        created, items = ([each.image], [item]) if each.image else ([], [])
        yield from streams.event(
            kind, responses.with_pictures(params, item, created, items)
        )
    kind, usage = "image_generation.completed", usage_of(view.images)
    last = {"type": kind, **head, **responses.cost_fields(view.task), "usage": usage}
    yield from streams.event(kind, responses.with_pictures(params, last, [], []))
    yield b"data: [DONE]\n\n"


def head_of(task: Task) -> dict[str, object]:
    created = int((task.completed_at or task.created_at).timestamp())
    return {
        "model": task.req_key,
        "created": created,
        "task_id": task.id,
        "user_id": task.user_id,
    }


def picture_item(picture: PictureView) -> dict[str, object]:
    """The size of a picture in Ark's response, or its error."""
    if picture.image:
        return {"size": f"{picture.image.width}x{picture.image.height}"}
    code = picture.error["code"] if picture.error else "task_cancelled"
    return {"error": {"code": code, "message": t(f"error.{code}")}}


def usage_of(created: list[Image]) -> dict[str, int]:
    tokens = sum(round(each.width * each.height / 256) for each in created)
    return {
        "generated_images": len(created),
        "output_tokens": tokens,
        "total_tokens": tokens,
    }


@bp.post(TASKS)
@accepts_pictures
@submits
def create() -> Response:
    """Create a video, or return the one that an equal request has just created."""
    body = {name: value for name, value in read_json().items() if value is not None}
    principal = principal_of_api()
    new = parse(body, principal)
    sent = request_of([TASKS, body])
    task, _ = tasks.create_or_join(principal, new, sent, idem_key=idempotency_key())
    headers = rate_limit_headers(task.rate_limits)
    response = json_response({"id": task.id}, 200)
    response.headers.update(headers)
    response.call_on_close(lambda: tasks.mark_answered(task.id))
    return response


@bp.get(TASKS)
def list_videos() -> Response:
    """
    The caller's videos, or those of the customer `user`, newest first.

    Raises:
        Invalid: the page would begin after `MAX_OFFSET`.
    """
    principal, query = principal_of_api(), request.args
    number, size = number_of("page_num", 1), number_of("page_size", 20)
    where: dict[str, object] = {}
    if ids := query.getlist("filter.task_ids"):
        where["_id"] = {"$in": ids}
    if name := query.get("filter.model"):
        where["model"] = model_names.find(name, makes="video").id
    if status := query.get("filter.status"):
        where["status"] = FILTERS.get(status, status)
    if query.get("filter.service_tier", "default") != "default":
        where["_id"] = {"$in": []}
    offset = (number - 1) * size
    if offset > MAX_OFFSET:
        last = MAX_OFFSET // size + 1
        raise Invalid.field("page_num", "invalid.range", min=1, max=last)
    found, total = tasks.page_and_total(
        *(principal, customer_of(query, principal)),
        limit=size,
        offset=offset,
        type=VIDEO,
        condition=where,
    )
    views = tasks.view_all(principal, found)
    tokens = tasks.usage_tokens([view.task.id for view in views if view.images])
    items = [record(view, tokens) for view in views]
    return json_response({"items": items, "total": total}, 200)


def number_of(name: str, default: int) -> int:
    """
    Raises:
        Invalid: it is not an integer from 1 to `MAX_PAGE`.
    """
    number = as_integer(request.args.get(name, default))
    if number is None or not 1 <= number <= MAX_PAGE:
        raise Invalid.field(name, "invalid.range", min=1, max=MAX_PAGE)
    return number


@bp.get(f"{TASKS}/<task_id>")
@polled
def get(task_id: str) -> Response:
    view = find(principal_of_api(), task_id)
    return json_response(record(view, tasks.usage_tokens([view.task.id])), 200)


@bp.delete(f"{TASKS}/<task_id>")
def delete(task_id: str) -> Response:
    """
    Cancel a video that waits; move one that has ended to the trash.

    Raises:
        CannotStop: it is being generated.
    """
    principal = principal_of_api()
    view = find(principal, task_id)
    if not view.task.is_open:
        trash.trash(principal, view.task.id)
    elif STATUSES[view.task.status] == "running":
        raise CannotStop(f"task {view.task.id}")
    else:
        tasks.cancel(principal, view.task.id)
    return json_response({}, 200)


def parse(body: Mapping[str, Any], principal: Principal) -> tasks.Request:
    """
    Raises:
        Invalid: a field has a value that is not offered here.
        NoProvider: as `model_names.find`.
    """
    check_only(body, ONLY)
    named = typed(body, "model", str)
    if not named:
        raise Invalid.field("model", "invalid.required")
    model = model_names.find(named, makes="video")
    prompt, roles, pictures = content_of(body.get("content"))
    seed = whole(body, "seed")
    video = VideoParameters(
        duration=whole(body, "duration"),
        resolution=typed(body, "resolution", str),
        ratio=typed(body, "ratio", str),
        audio=audio_of(body, model),
        camera_fixed=typed(body, "camera_fixed", bool),
        last_frame=typed(body, "return_last_frame", bool),
        roles=roles,
    )
    parameters = {k: v for k, v in video.stored().items() if k != "roles"}
    return tasks.Request(
        user_id=customer_of(body, principal),
        prompt=prompt,
        model=model.id,
        provider=model.provider,
        seed=-1 if seed is None or not model.takes_seed else seed,
        images=pictures,
        video=video,
        received={"prompt": prompt, "model": model.id, **parameters},
    )


def customer_of(fields: Mapping[str, Any], principal: Principal) -> str:
    """
    `owner_of`, where Ark's own ``safety_identifier`` names the customer, too, if it is
    one: it is free text otherwise.

    Raises:
        Invalid: as `owner_of`.
    """
    given = {name: each for name, each in fields.items() if each != ""}
    named, prefix = given.get("safety_identifier"), principal.user_prefix
    is_customer = prefix and isinstance(named, str) and named.startswith(prefix)
    if is_customer and not {"user", "user_id"} & {*given}:
        return owner_of({"user": named}, principal)
    return owner_of(given, principal)


def typed(body: Mapping[str, Any], name: str, kind: type) -> Any:
    """
    Raises:
        Invalid: it is of another type.
    """
    value = body.get(name)
    if value is not None and type(value) is not kind:
        key = "invalid.string" if kind is str else "invalid.boolean"
        raise Invalid.field(name, key)
    return value


def whole(body: Mapping[str, Any], name: str) -> int | None:
    """
    Raises:
        Invalid: it is not an integer.
    """
    if name not in body:
        return None
    number = as_integer(body[name])
    if number is None:
        raise Invalid.field(name, "invalid.integer")
    return number


def audio_of(body: Mapping[str, Any], model: Model) -> bool | None:
    """Whether it has sound: as at Ark, unless that is declined."""
    wanted = typed(body, "generate_audio", bool)
    if model.video is None or not model.video.audio:
        return wanted or None
    return wanted is not False


def content_of(content: object) -> tuple[str, tuple, tuple[Reference, ...]]:
    """
    The prompt, and the roles and references of the pictures.

    Raises:
        Invalid: an item is of a kind that is not offered here.
    """
    texts, roles, pictures = [], [], []
    for at, item in enumerate(content if isinstance(content, list) else []):
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "text" and isinstance(item.get("text"), str):
            texts.append(item["text"].strip())
        elif kind == "image_url":
            role = typed(item, "role", str) or "first_frame"
            roles.append(ROLES.get(role, role))
            pictures.append(reference(f"content.{at}", item.get("image_url")))
        else:
            raise Invalid.field(f"content.{at}", "invalid.unknown_field")
    return "\n".join(texts), tuple(roles), tuple(pictures)


def record(view: TaskView, tokens: Counter[str]) -> dict[str, object]:
    """The task as Ark shows it; *tokens* as `tasks.usage_tokens`."""
    task, video = view.task, view.task.video or {}
    found: dict[str, object] = {
        "id": task.id,
        "model": task.req_key,
        "status": STATUSES.get(task.status, task.status),
        "created_at": int(task.created_at.timestamp()),
        "updated_at": int(task.updated_at.timestamp()),
        "resolution": video.get("resolution"),
        "ratio": video.get("ratio"),
        "duration": video.get("duration"),
        "framespersecond": FRAMES_PER_S,
        "generate_audio": bool(video.get("audio")),
        "service_tier": "default",
        "user_id": task.user_id,
        **responses.cost_fields(task),
    }
    if task.seed is not None:
        found["seed"] = task.seed
    if view.images:
        created = view.images[0]
        last = last_frame_link(created)
        found["content"] = {
            "video_url": link_of(created),
            **({"last_frame_url": last} if last else {}),
        }
        used = tokens[task.id]
        found["usage"] = {"completion_tokens": used, "total_tokens": used}
    if task.status == "failed" and view.errors:
        code = view.errors[0]["code"]
        found["error"] = {"code": code, "message": t(f"error.{code}")}
    return found


def failure(
    code: str,
    status: int,
    *,
    message: str | None = None,
    retry_after: int | None = None,
    errors: Mapping[str, list[str]] | None = None,
    again: bool = False,
    budget: Mapping[str, object] | None = None,
    **_: object,
) -> Response:
    """
    An error as Ark writes it; clients repeat 429 and 5xx by themselves.

    Args:
        again: As in `errors.failure`, and so is *budget*.
    """
    said, param = message or reason(code, PREFIX), ""
    if errors:
        param = next(iter(errors))
        said = f"{param}: {'; '.join(errors[param])}"
    name = CODES.get(status, "InternalServiceError")
    name = RUNNING if code == "cannot_stop" else name
    error: dict[str, Any] = {
        "code": name,
        "message": said,
        "param": param,
        "type": kind_of(status),
        **({"budget": budget} if budget else {}),
    }
    if created := task_fields(said):
        error |= created
    error["message"] += f" Request id: {g.get('request_id', '')}"
    # Clients know 400 for a wrong field.
    known = 400 if status == 422 else status
    response = json_response({"error": error}, known, retry_after=retry_after)
    if created and not again:
        response.headers["x-should-retry"] = "false"
    return response


def kind_of(status: int) -> str:
    kinds = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}
    kinds |= {409: "Conflict", 429: "TooManyRequests"}
    return kinds.get(status, "BadRequest" if status < 500 else "InternalServerError")


INTERFACE = images.Interface(
    request=request_of, pictures=pictures, events=picture_events, failure=failure
)
