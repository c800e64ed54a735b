"""Pictures: ask for them, wait (``Prefer: wait=N``, RFC 7240), take them away."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from flask import Response, current_app, g, request, url_for

from jimeng import tasks
from jimeng.api import blp
from jimeng.api.openapi.blueprint import LIMITS
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.documents.task import OPEN
from jimeng.errors import Invalid, TaskNotFound, TooManyWaiting
from jimeng.http import auth, long_polls
from jimeng.http.etags import cached_response, etag, etag_headers, not_modified
from jimeng.http.request_bodies import accepts_pictures, idempotency_key
from jimeng.http.responses import absolute, path_for, rate_limit_headers, success
from jimeng.schemas import NewGeneralTask, NewImageTask, Nothing, Trying
from jimeng.schemas.model_responses import EstimateRecord
from jimeng.schemas.pagination import ByOffset
from jimeng.schemas.task_responses import (
    Created,
    Finished,
    TaskDeleted,
    TaskPage,
    TaskResult,
)
from jimeng.tasks.queries import MAX_OFFSET

WAIT = 3  # seconds that a client is asked to wait between two looks
CREATED, FINISHED, RESULT = Created(), Finished(), TaskResult()
ESTIMATE = EstimateRecord()
LATER = ["get_result", "get_task", "cancel_task", "retry_task", "delete_task"]
NEW_TASK = [
    *("validation_failed", "too_many_pending", "webhooks_off"),
    *("too_many_submissions", "quota_exceeded", "model_not_allowed"),
    *("key_too_many_submissions", "key_quota_exceeded"),
    *("queue_unavailable", "no_provider", "intake_paused", "storage_full"),
    *("idempotency_key_invalid", "idempotency_key_reused"),
    *("uploads_full", "server_busy"),
]
# What is told of every operation that makes a task.
creates = partial(
    blp.describe,
    headers=["Idempotent-Replayed", "Preference-Applied", *LIMITS],
    always=["Location", "Retry-After"],
    takes=["Idempotency-Key", "Prefer"],
    makes=("task_id", "task_id", LATER),
    once_ended=Finished,
)
MAX_WAIT_S = 60  # seconds


def create_from(params: dict, *, dry_run: bool) -> Response:
    """Both creating routes: the body has been checked, the model decides the rest."""
    sent = {*g.body, *g.body.get("input", {})}
    given = {name: value for name, value in params.items() if name in sent}
    params.pop("type", None)
    principal = auth.principal_of_api()
    params.setdefault("user_id", principal.user_id)
    new = tasks.NewTask(**params, given=given)
    if dry_run:
        return success(ESTIMATE.dump(tasks.estimate(principal, new)))
    task, replayed = tasks.create(principal, new, idem_key=idempotency_key())
    return accepted(principal, task, replayed=replayed)


def accepted(principal: Principal, task: Task, *, replayed: bool) -> Response:
    """The task as it was made or, where the client has waited for it, as it ended."""
    headers = {
        "Location": path_for("api.get_result", task_id=task.id),
        **rate_limit_headers(task.rate_limits),
    }
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    waited = wait_for(principal, task)
    headers |= waited.headers
    view = None
    if waited.ended and waited.headers:
        with suppress(TaskNotFound):  # who deletes it meanwhile wants no answer
            view = tasks.view_after_wait(principal, task)
    if view is not None and not view.task.is_open:
        return success(FINISHED.dump(view), 200, headers=headers)
    headers["Retry-After"] = str(WAIT)
    return success(CREATED.dump(task), 202, headers=headers)


@blp.post("/ai/image/task", tags=["images"])
@blp.arguments(Trying(), location="query")
@blp.arguments(NewImageTask())  # made once, not for each request
@blp.response(202, Created)
@creates(errors=[*NEW_TASK, "user_id_not_yours"], estimate=EstimateRecord)
@accepts_pictures
def create_image_task(query: dict, params: dict) -> Response:
    """
    Ask for one to four pictures.

    Answers at once with the task. Look at `Location` again after `Retry-After`
    seconds until its status is `completed`, `failed` or `cancelled`. With
    `Prefer: wait=60` the answer waits for that, and is a 200 with the pictures where
    they come in time. With `?dry_run=1` nothing is created, taken or kept: the request
    is judged, and the answer is a 200 with the model, the count and the price.
    ---
    创建图像任务

    立即返回任务，状态为 pending。隔 `Retry-After` 秒查询 `Location`，直到状态为
    `completed`、`failed` 或 `cancelled`。1 到 4 张图片，每张单独提交、单独计费。
    带 `Prefer: wait=60` 时等到结束再回答，来得及就是带图片的 200。带 `?dry_run=1` 时
    什么也不创建、不占用、不保存：只检查请求，以 200 回答模型、张数和价格。
    """
    return create_from(params, **query)


@blp.post("/ai/tasks", tags=["images"])
@blp.arguments(Trying(), location="query")
@blp.arguments(NewGeneralTask())
@blp.response(202, Created)
@creates(errors=[*NEW_TASK, "user_id_not_yours"], estimate=EstimateRecord)
@accepts_pictures
def create_task(query: dict, params: dict) -> Response:
    """
    Ask for a task of any type.

    The type's fields stand beside `type` or under `input`; `delay` says how many
    seconds it waits before it may start, and `?dry_run=1` asks for the price alone.
    ---
    创建任务（通用形式）

    该类型的字段写在 `type` 旁边，或写在 `input` 里；`delay` 是多少秒之后才可以开始；
    带 `?dry_run=1` 只问价格。
    """
    return create_from(params, **query)


@blp.get("/ai/image/result/<task_id>", tags=["images"])
@blp.response(200, TaskResult)
@blp.describe(
    errors=["task_not_found"],
    headers=["Retry-After", "Preference-Applied"],
    always=["ETag"],
    takes=["If-None-Match", "Prefer"],
)
@blp.alt_response(304)
def get_result(task_id: str) -> Response:
    """
    Look at a task: its status, and the pictures once they are there.

    A failed task is a 200 too, since the question was answered. `ETag` and
    `If-None-Match` make asking again cheap; with `Prefer: wait=60` the answer comes
    when the task has ended, or after that many seconds.
    ---
    查询任务结果

    任务存在就是 200，失败的任务也是：问题得到了回答。未结束时带 `Retry-After`。
    `ETag` 和 `If-None-Match` 让轮询更省；带 `Prefer: wait=60` 时，等到任务结束或时间
    用完才回答。
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
        parts += [view.troubles]
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
        response.headers["Retry-After"] = str(WAIT)
    return response


@blp.get("/ai/image/tasks", tags=["images"])
@blp.arguments(ByOffset, location="query")
@blp.response(200, TaskPage)
def list_images(query: dict) -> dict:
    """
    List a user's tasks, newest first, by offset.

    For what is older than the latest 1,000 use the list with a cursor.
    ---
    按页列出用户的任务

    最新的在前。最新的 1000 条之外请用按 cursor 的列表。
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
    """
    Cancel a task if need be, and remove it with its pictures.
    ---
    删除任务和图片

    未结束的先取消。
    """
    tasks.delete(auth.principal_of_api(), task_id)
    return {"task_id": task_id}


@dataclass(frozen=True)
class Waited:
    """
    Attributes:
        ended: Whether the task has ended, as far as is known.
        headers: What is said of the waiting; nothing where there was none.
    """

    ended: bool
    headers: dict[str, str] = field(default_factory=dict)


def wanted() -> int:
    """
    Seconds that the client would wait, at most `MAX_WAIT_S`; 0 for not at all. What
    cannot be read is no wish, and without a number it is for as long as there may be.
    """
    given = request.headers.get("Prefer")
    for preference in given.split(",") if given else ():
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = value.strip().strip('"') or str(MAX_WAIT_S)
            is_number = seconds.isascii() and seconds.isdigit()
            return min(int(seconds[:9]), MAX_WAIT_S) if is_number else 0
    return 0


def wait_for(principal: Principal, task: Task) -> Waited:
    """
    Wait for the task's end if the client prefers that, and there is a place.

    What the client is told was applied is what it asked for, unless that was longer
    than an answer may take here and the task has not ended.
    """
    seconds = wanted()
    if not (seconds and task.is_open):
        return Waited(not task.is_open, applied(seconds))
    config: Config = current_app.config["JIMENG"]
    allowed = min(seconds, int(config.WAIT_SECONDS))
    if task.starts_after(allowed):  # whose end no answer could wait for
        return Waited(ended=False)
    is_gone = partial(long_polls.is_disconnected, request.environ)
    try:
        with long_polls.long_poll_permit(task.user_id):
            ended = long_polls.wait_for_end(principal, task, allowed, is_gone)
    except TooManyWaiting:
        return Waited(ended=False)
    return Waited(ended, applied(seconds if ended else allowed))


def applied(seconds: int) -> dict[str, str]:
    return {"Preference-Applied": f"wait={seconds}"} if seconds else {}
