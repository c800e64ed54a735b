"""
Tasks of pictures and of videos: create, wait (``Prefer: wait=N``, RFC 7240), read, list
and delete.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from flask import Response, current_app, g, request, url_for

from jimeng import tasks
from jimeng.api import blp
from jimeng.api.openapi.blueprint import LIMITS
from jimeng.config import Config
from jimeng.documents import Batch, Task
from jimeng.documents.principal import Principal
from jimeng.documents.task import OPEN
from jimeng.errors import (
    Invalid,
    LimitReached,
    TaskNotFound,
    codes_of,
)
from jimeng.http import auth, long_polls
from jimeng.http.request_kinds import polled, submits
from jimeng.http.requests import accepts_forms, accepts_pictures, idempotency_key
from jimeng.http.responses import (
    absolute,
    cached_response,
    etag,
    etag_headers,
    not_modified,
    rate_limit_headers,
    rooted,
    success,
)
from jimeng.schemas.fields import Nothing
from jimeng.schemas.model_responses import EstimateRecord
from jimeng.schemas.pagination import ByOffset
from jimeng.schemas.tasks import (
    Created,
    DryRunQuery,
    Finished,
    ImageForm,
    NewImageTask,
    TaskDeleted,
    TaskPage,
    TaskResult,
)
from jimeng.schemas.videos import (
    NewGeneralTask,
    NewVideoTask,
    VideoForm,
    as_video,
)
from jimeng.tasks.queries import MAX_OFFSET

RETRY_AFTER_S = 3  # of responses to clients that poll
CREATED, FINISHED, RESULT = Created(), Finished(), TaskResult()
ESTIMATE = EstimateRecord()
LINKS = ["get_result", "get_task", "cancel_task", "retry_task", "delete_task"]
VIDEO_LINKS = ["get_video_result", *LINKS[1:]]
CREATE_ERRORS = [
    *codes_of(LimitReached),
    *("validation_failed", "webhooks_off", "model_not_allowed"),
    *("queue_unavailable", "no_provider", "intake_paused", "storage_full"),
    *("idempotency_key_invalid", "idempotency_key_reused"),
    *("uploads_full", "server_busy"),
]
# Documents every operation that creates a task.
describe_create = partial(
    blp.describe,
    headers=["Idempotent-Replayed", "Preference-Applied", *LIMITS],
    always=["Location", "Retry-After"],
    takes=["Idempotency-Key", "Prefer"],
    makes=("task_id", "task_id", LINKS),
    once_ended=Finished,
)
# The same for every operation that creates a task from a body.
describe_new = partial(
    describe_create,
    errors=[*CREATE_ERRORS, "user_id_not_yours"],
    estimate=EstimateRecord,
)
describe_result = partial(
    blp.describe,
    errors=["task_not_found"],
    headers=["Retry-After", "Preference-Applied"],
    always=["ETag"],
    takes=["If-None-Match", "Prefer"],
)
MAX_WAIT_S = 60  # seconds


def create_from(params: dict, *, dry_run: bool) -> Response:
    """Create a task from a validated body; the model validates the rest."""
    sent = {*g.body, *g.body.get("input", {})}
    received = {name: value for name, value in params.items() if name in sent}
    if params.pop("type", None) == "video":
        params = as_video(params)
    principal = auth.principal_of_api()
    params.setdefault("user_id", principal.user_id)
    new = tasks.Request(**params, received=received)
    if dry_run:
        return success(ESTIMATE.dump(tasks.estimate(principal, new)))
    task, replayed = tasks.create(principal, new, idem_key=idempotency_key())
    return created_response(principal, task, replayed=replayed)


def created_response(principal: Principal, task: Task, *, replayed: bool) -> Response:
    """202 with the new task or, if the client waited and it ended in time, 200."""
    headers = {
        "Location": rooted(task.result_path),
        **rate_limit_headers(task.rate_limits),
    }
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    waited = wait_for(principal, task)
    headers |= waited.headers
    view = None
    if waited.ended and waited.headers:
        with suppress(
            TaskNotFound
        ):  # deleted meanwhile: answer with the task as created
            view = tasks.view_after_wait(principal, task)
    if view is not None and not view.task.is_open:
        return success(FINISHED.dump(view), 200, headers=headers)
    headers["Retry-After"] = str(RETRY_AFTER_S)
    return success(CREATED.dump(task), 202, headers=headers)


@blp.post("/ai/image/task", tags=["images"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(NewImageTask())  # one instance for all requests
@blp.response(202, Created)
@describe_new(form=ImageForm)
@accepts_forms
@accepts_pictures
@submits
def create_image_task(query: dict, params: dict) -> Response:
    """
    Create a task for one to four pictures.

    Returns the task at once. Poll `Location` every `Retry-After` seconds until its
    status is `completed`, `failed` or `cancelled`. With `Prefer: wait=60` the response
    waits for that, and is a 200 with the pictures if they are ready in time. With
    `?dry_run=1` nothing is created, reserved or stored: the request is validated, and
    the response is a 200 with the model, the number of pictures and the price. In a
    form what is neither text nor a picture is JSON: `2`, `true`, `{"order": "123"}`.
    """
    return create_from(params, **query)


@blp.post("/ai/tasks", tags=["images"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(NewGeneralTask())
@blp.response(202, Created)
@describe_new()
@accepts_pictures
@submits
def create_task(query: dict, params: dict) -> Response:
    """
    Create a task of any type.

    The type's fields are next to `type` or inside `input`; `delay` postpones the start
    by that many seconds, and `?dry_run=1` only returns the price.
    """
    return create_from(params, **query)


@blp.post("/ai/video/task", tags=["videos"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(NewVideoTask())
@blp.response(202, Created)
@describe_new(form=VideoForm, makes=("task_id", "task_id", VIDEO_LINKS))
@accepts_forms
@accepts_pictures
@submits
def create_video_task(query: dict, params: dict) -> Response:
    """
    Create a task for one to four videos.

    Videos take minutes: poll `Location` every `Retry-After` seconds, or name a
    `webhook_url`. Upload large pictures first: a body may have 16 MiB. With
    `?dry_run=1` nothing is created: the response is a 200 with the price. In a form
    what is neither text nor a picture is JSON: `5`, `true`, `{"order": "123"}`.
    """
    return create_from({**params, "type": "video"}, **query)


@blp.get("/ai/video/result/<task_id>", tags=["videos"])
@blp.response(200, TaskResult)
@describe_result()
@blp.alt_response(304)
@polled
def get_video_result(task_id: str) -> Response:
    """
    Get a task's result: its status, and its videos once they are stored.

    The same as the result of pictures; `ETag` and `Prefer` work alike.
    """
    return get_result(task_id)


@blp.get("/ai/image/result/<task_id>", tags=["images"])
@blp.response(200, TaskResult)
@describe_result()
@blp.alt_response(304)
@polled
def get_result(task_id: str) -> Response:
    """
    Get a task's result: its status, and its pictures once they are ready.

    A failed task is a 200, too. `ETag` and `If-None-Match` make polling cheap; with
    `Prefer: wait=60` the response is sent when the task has ended, or after that many
    seconds.
    """
    principal = auth.principal_of_api()
    task, view = tasks.find_with_view(principal, task_id)
    waited = wait_for(principal, task)
    if view and waited.headers:
        view = tasks.view_after_wait(principal, task) or view
        task = view.task
    parts: list = [task.id, task.updated_at]
    if view and task.is_open:  # what changes without the record
        parts += [view.phase, view.progress, view.position, view.eta_seconds]
        parts += [view.troubles, view.hold_reason]
    tag = etag(*parts)
    response = not_modified(tag)
    if response is None and view:
        response = success(RESULT.dump(view), headers=etag_headers(tag))
    elif response is None:
        response = cached_response(
            tag, lambda: RESULT.dump(tasks.view(principal, task))
        )
    response.headers.update(waited.headers)
    if task.status in OPEN:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@blp.get("/ai/image/tasks", tags=["images"])
@blp.arguments(ByOffset, location="query")
@blp.response(200, TaskPage)
@blp.describe(errors=["user_not_found"])
def list_images(query: dict) -> dict:
    """
    List a user's tasks, newest first, by offset.

    Limited to the latest 1,000; use the list with a cursor for older tasks.
    """
    principal = auth.principal_of_api()
    query.setdefault("user_id", principal.user_id)
    if query["offset"] > MAX_OFFSET:
        url = absolute(url_for("api.list_tasks", user_id=query["user_id"]))
        raise Invalid.field("offset", "invalid.offset", max=MAX_OFFSET, url=url)
    found = tasks.page_by_offset(principal, query.pop("user_id"), **query)
    query.pop("metadata", None)
    return {"tasks": tasks.view_all(principal, found), **query, "count": len(found)}


@blp.delete("/ai/image/task/<task_id>", tags=["images"])
@blp.arguments(Nothing)
@blp.response(200, TaskDeleted)
@blp.describe(errors=["task_not_found"])
def delete_task(params: dict, task_id: str) -> dict:
    """Delete a task with its pictures; an unfinished task is cancelled first."""
    tasks.delete(auth.principal_of_api(), task_id)
    return {"task_id": task_id}


@dataclass(frozen=True)
class WaitResult:
    """
    Attributes:
        ended: Whether the task is known to have ended.
        headers: ``Preference-Applied``, if the request waited.
    """

    ended: bool
    headers: dict[str, str] = field(default_factory=dict)


def preferred_wait_s() -> int:
    """
    The seconds of ``Prefer: wait``, at most `MAX_WAIT_S`; 0 if absent or malformed,
    `MAX_WAIT_S` without a number.
    """
    preferences = request.headers.get("Prefer")
    for preference in preferences.split(",") if preferences else ():
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"') or str(MAX_WAIT_S)
            is_number = seconds.isascii() and seconds.isdigit()
            return min(int(seconds[:9]), MAX_WAIT_S) if is_number else 0
    return 0


def wait_for(principal: Principal, subject: Task | Batch) -> WaitResult:
    """
    Wait for the end of a task or batch if the client prefers that, and a permit is
    free.

    ``Preference-Applied`` has the requested seconds, unless the server's limit was
    shorter and it has not ended.
    """
    seconds = preferred_wait_s()
    if not (seconds and subject.is_open):
        return WaitResult(not subject.is_open, applied_header(seconds))
    config: Config = current_app.config["JIMENG"]
    allowed = min(seconds, int(config.WAIT_SECONDS))
    ended = long_polls.wait_if_open(principal, subject, allowed)
    if ended is None:
        return WaitResult(ended=False)
    return WaitResult(ended, applied_header(seconds if ended else allowed))


def applied_header(seconds: int) -> dict[str, str]:
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}
