"""The shapes that the REST API gives."""

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import url_for

from jimeng.answers import absolute
from jimeng.documents import ApiKey, Image, Task, User
from jimeng.i18n import language, t
from jimeng.pictures import SUFFIXES
from jimeng.providers import Model
from jimeng.styles import Style
from jimeng.tasks import TaskView

WAIT = 3  # seconds that a client is asked to wait between two looks


def moment(when: datetime | None) -> str | None:
    """RFC 3339, UTC, milliseconds, ending in ``Z``."""
    if when is None:
        return None
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def links(task: Task) -> dict[str, str]:
    paths = {
        "self": url_for("api.get_task", task_id=task.id),
        "result": url_for("api.get_result", task_id=task.id),
        "cancel": url_for("api.cancel_task", task_id=task.id),
        "html": url_for("web.task", task_id=task.id),
    }
    return {name: absolute(path) for name, path in paths.items()}


def created(task: Task) -> dict:
    """The answer to a request that made a task, and to its repetitions."""
    retried = {"retried_from": task.retried_from} if task.retried_from else {}
    return {
        "task_id": task.id,
        "status": "pending",
        "message": t("answer.created"),
        "provider": task.provider,
        "model": task.model,
        "created_at": moment(task.created_at),
        "position": task.first_answer.get("position", 0),
        "eta_seconds": task.first_answer.get("eta_seconds", 0),
        **retried,
        "links": links(task),
    }


def image(found: Image) -> dict:
    suffix = SUFFIXES[found.content_type]
    return {
        "url": absolute(url_for("web.image", key=found.key, ext=suffix)),
        "thumbnail_url": absolute(url_for("web.thumbnail", key=found.key)),
        "width": found.width,
        "height": found.height,
        "bytes": found.bytes,
        "content_type": found.content_type,
        "seed": found.seed,
    }


def error(kept: dict) -> dict:
    """A picture's failure in words."""
    return {
        "code": kept["code"],
        "message": t(f"error.{kept['code']}"),
        "provider_code": kept["provider_code"],
        "provider_request_id": kept["provider_request_id"],
        "retryable": kept["retryable"],
        "charged": kept["charged"],
    }


def has_error(view: TaskView) -> bool:
    """Whether it failed, or was ended by other than its owner."""
    return bool(view.errors) and (
        view.task.status == "failed" or view.task.reason is not None
    )


def message(view: TaskView) -> str:
    if has_error(view):
        return error(view.errors[0])["message"]
    return t(f"answer.{view.task.status}")


def outcome(view: TaskView) -> dict:
    """``result`` or ``error``, whichever there is."""
    if has_error(view):
        return {"error": error(view.errors[0])}
    if view.task.status != "completed":
        return {}
    images = [image(found) for found in view.images]
    urls = [each["url"] for each in images]
    result = {
        "image_url": urls[0] if urls else None,
        "image_urls": urls,
        "images": images,
        "failed": [error(kept) for kept in view.errors],
    }
    return {"result": result, "image_url": result["image_url"]}


def waiting(view: TaskView) -> dict:
    """Phase, place and progress of a task that has not ended."""
    if not view.task.is_open:
        return {}
    found: dict = {"phase": view.phase, "progress": view.progress}
    if view.position is not None:
        found["position"] = view.position
        found["eta_seconds"] = view.eta_seconds
    return found


def result(view: TaskView) -> dict:
    """The short answer: how it stands, and the pictures."""
    return {
        "task_id": view.task.id,
        "status": view.task.status,
        "message": message(view),
        "created_at": moment(view.task.created_at),
        **waiting(view),
        **outcome(view),
    }


def record(view: TaskView) -> dict:
    """The whole record."""
    task = view.task
    return {
        "id": task.id,
        "task_id": task.id,
        "type": task.type,
        "status": task.status,
        "message": message(view),
        "user_id": task.user_id,
        "input": task.input,
        "prompt": task.prompt,
        "provider": task.provider,
        "model": task.model,
        "width": task.width,
        "height": task.height,
        "n": task.n,
        "seed": task.seed,
        "provider_task_ids": list(view.remote_ids),
        "attempts": view.attempts,
        "retried_from": task.retried_from,
        "created_at": moment(task.created_at),
        "updated_at": moment(task.updated_at),
        "not_before": moment(task.not_before),
        "started_at": moment(task.started_at),
        "submitted_at": moment(task.submitted_at),
        "completed_at": moment(task.completed_at),
        "progress": view.progress,
        "result": None,
        "error": None,
        **waiting(view),
        **outcome(view),
        "links": links(task),
    }


def style(found: Style) -> dict:
    return {
        "id": found.id,
        "name": found.zh if language() == "zh" else found.en,
        "name_zh": found.zh,
        "name_en": found.en,
        "phrase": found.phrase,
    }


def key(found: ApiKey) -> dict:
    """An API key without what it proves."""
    return {
        "id": found.id,
        "name": found.name,
        "prefix": found.prefix,
        "scopes": list(found.scopes),
        "created_at": moment(found.created_at),
        "expires_at": moment(found.expires_at),
        "last_used_at": moment(found.last_used_at),
    }


def user(found: User) -> dict:
    return {
        "id": found.id,
        "email": found.email,
        "name": found.name,
        "role": found.role,
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def model(found: Model, *, is_default: bool) -> dict:
    """What can be asked of a model."""
    return {
        "id": found.id,
        "provider": found.provider,
        "aliases": sorted(found.names - {found.id}),
        "sizes": sizes(found),
        "max_images": found.max_images,
        "max_prompt": found.max_prompt,
        "takes_images": found.takes_images,
        "takes_seed": found.takes_seed,
        "default": is_default,
    }


def sizes(found: Model) -> dict:
    """The sizes that have a name, and the limits of all others; null is no limit."""
    least_side, most_side = found.sides or (None, None)
    least_area, most_area = found.area or (None, None)
    return {
        "ratios": pixels(found.sizes),
        "hd_ratios": pixels(found.hd_sizes),
        "keywords": pixels(found.keywords),
        "min_side": least_side,
        "max_side": most_side,
        "min_area": least_area,
        "max_area": most_area,
        "max_ratio": found.max_ratio,
    }


def pixels(named: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    return {name: f"{width}x{height}" for name, (width, height) in named.items()}
