"""
``/api/v3/contents/generations/tasks``: videos for clients of Volcengine's Ark.

Source: https://www.volcengine.com/docs/82379/1520757. Ark's SDK sends null for what is
not set, and repeats a POST by itself without saying so. Not part of the OpenAPI
document: Ark describes it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, g

from jimeng import tasks
from jimeng.documents.base import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import CannotStop, Invalid, TaskNotFound
from jimeng.gallery import trash
from jimeng.http.auth import principal_of_api, reject_cross_site, require_scope
from jimeng.http.requests import accepts_pictures, idempotency_key, limit_large_bodies
from jimeng.http.responses import json_response, rate_limit_headers
from jimeng.i18n import t
from jimeng.inputs import Reference
from jimeng.openai import model_names
from jimeng.openai.inputs import reference
from jimeng.openai.requests import as_integer, read_json
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models.video import FRAMES_PER_S
from jimeng.schemas.task_responses import last_frame_link, link_of
from jimeng.tasks import TaskView

PREFIX = "/api/v3"
TASKS = f"{PREFIX}/contents/generations/tasks"
# A client that got no answer repeats its request at once.
LOST_WITHIN = timedelta(seconds=10)
ROLES = {"reference_image": "reference"}  # Ark's name -> ours; the others are equal
STATUSES = {"pending": "queued", "processing": "running", "completed": "succeeded"}
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


@bp.post(TASKS)
@accepts_pictures
def create() -> Response:
    """Create a video, or return the one that an equal request has just created."""
    body = {name: value for name, value in read_json().items() if value is not None}
    principal = principal_of_api()
    new = parse(body, principal)
    sent = tasks.Request([TASKS, body], repeats=1, lost_within=LOST_WITHIN)
    task, _ = tasks.create_or_join(principal, new, sent, idem_key=idempotency_key())
    headers = rate_limit_headers(task.rate_limits)
    response = json_response({"id": task.id}, 200)
    response.headers.update(headers)
    response.call_on_close(lambda: tasks.mark_answered(task.id))
    return response


@bp.get(f"{TASKS}/<task_id>")
def get(task_id: str) -> Response:
    return json_response(record(find(principal_of_api(), task_id)), 200)


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


def find(principal: Principal, task_id: str) -> TaskView:
    """
    Raises:
        TaskNotFound: as `tasks.find`, also for a task of pictures.
    """
    task = tasks.find(principal, task_id)
    if task.type != VIDEO:
        raise TaskNotFound(f"{task_id} makes pictures")
    return tasks.view(principal, task)


def parse(body: Mapping[str, Any], principal: Principal) -> tasks.NewTask:
    """
    Raises:
        Invalid: a field has a value that is not offered here.
        NoProvider: as `model_names.find`.
    """
    for name, allowed in ONLY.items():
        if name in body and body[name] not in allowed:
            raise Invalid.field(name, "invalid.unknown_field")
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
    given = {k: v for k, v in video.stored().items() if k != "roles"}
    return tasks.NewTask(
        user_id=principal.user_id,
        prompt=prompt,
        model=model.id,
        provider=model.provider,
        seed=-1 if seed is None or not model.takes_seed else seed,
        images=pictures,
        video=video,
        given={"prompt": prompt, "model": model.id, **given},
    )


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


def record(view: TaskView) -> dict[str, object]:
    """The task as Ark shows it."""
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
    }
    if task.seed is not None:
        found["seed"] = task.seed
    if view.images:
        made = view.images[0]
        last = last_frame_link(made)
        found["content"] = {
            "video_url": link_of(made),
            **({"last_frame_url": last} if last else {}),
        }
        tokens = tasks.usage_tokens(task)
        found["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
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
    **_: object,
) -> Response:
    """An error as Ark writes it; clients repeat 429 and 5xx by themselves."""
    said, param = message or t(f"error.{code}"), ""
    if errors:
        param = next(iter(errors))
        said = f"{param}: {'; '.join(errors[param])}"
    name = CODES.get(status, "InternalServiceError")
    name = RUNNING if code == "cannot_stop" else name
    error = {"code": name, "message": said, "param": param, "type": kind_of(status)}
    error["message"] += f" Request id: {g.get('request_id', '')}"
    # Clients know 400 for a wrong field.
    known = 400 if status == 422 else status
    return json_response({"error": error}, known, retry_after=retry_after)


def kind_of(status: int) -> str:
    kinds = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}
    kinds |= {409: "Conflict", 429: "TooManyRequests"}
    return kinds.get(status, "BadRequest" if status < 500 else "InternalServerError")
