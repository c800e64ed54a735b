"""Pictures: ask for them, look after them, take them away."""

from flask import Response, request, url_for

from jimeng import auth, jobs, styles, tasks
from jimeng.answers import (
    absolute,
    conditional,
    etag,
    idempotency_key,
    limit_headers,
    success,
    tagged,
)
from jimeng.api import blp, shapes
from jimeng.documents import Task
from jimeng.errors import Invalid
from jimeng.i18n import t
from jimeng.schemas import ByOffset, NewGeneralTask, NewImageTask, Nothing, replies
from jimeng.tasks.reading import MOST_OFFSET


def create_from(params: dict) -> Response:
    """Both creating routes: the body has been checked, the model decides the rest."""
    body = request.get_json()
    sent = {*body, *body.get("input", {})}
    given = {name: value for name, value in params.items() if name in sent}
    params.pop("type", None)
    viewer = auth.viewer_of_api()
    params.setdefault("user_id", viewer.user_id)
    new = tasks.NewTask(**params, given=given)
    task, replayed = tasks.create(viewer, new, idem_key=idempotency_key())
    return accepted(task, replayed=replayed)


def accepted(task: Task, *, replayed: bool) -> Response:
    headers = {
        "Location": url_for("api.get_result", task_id=task.id),
        "Retry-After": str(shapes.WAIT),
        **limit_headers(task.standings),
    }
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return success(shapes.created(task), 202, headers=headers)


@blp.post("/ai/image/task")
@blp.arguments(NewImageTask)
@blp.response(202, replies.Created)
def create_image_task(params: dict) -> Response:
    """
    Ask for one to four pictures.

    Answers at once with the task. Look at `Location` again after `Retry-After`
    seconds until its status is `completed`, `failed` or `cancelled`.
    """
    return create_from(params)


@blp.post("/ai/tasks")
@blp.arguments(NewGeneralTask)
@blp.response(202, replies.Created)
def create_task(params: dict) -> Response:
    """
    Ask for a task of any type.

    The type's fields stand beside `type` or under `input`; `delay` says how many
    seconds it waits before it may start.
    """
    return create_from(params)


@blp.get("/ai/image/result/<task_id>")
@blp.response(200, replies.TaskResult)
def get_result(task_id: str) -> Response:
    """
    Look at a task: its status, and the pictures once they are there.

    A failed task is a 200 too, since the question was answered. `ETag` and
    `If-None-Match` make asking again cheap.
    """
    viewer = auth.viewer_of_api()
    task = tasks.find(viewer, task_id)
    if not task.is_open:
        tag = etag(task.id, task.updated_at)
        return conditional(tag) or tagged(
            success(shapes.result(tasks.view(viewer, task))), tag
        )
    data = shapes.result(tasks.view(viewer, task))
    tag = etag(data)
    response = conditional(tag) or tagged(success(data), tag)
    if data["status"] in {"pending", "processing"}:
        response.headers["Retry-After"] = str(shapes.WAIT)
    return response


@blp.get("/ai/image/tasks")
@blp.arguments(ByOffset, location="query")
@blp.response(200, replies.TaskPage)
def list_images(query: dict) -> Response:
    """
    List a user's tasks, newest first, by offset.

    For what is older than the latest 1,000 use the list with a cursor.
    """
    viewer = auth.viewer_of_api()
    query.setdefault("user_id", viewer.user_id)
    if query["offset"] > MOST_OFFSET:
        url = absolute(url_for("api.list_tasks", user_id=query["user_id"]))
        raise Invalid.field("offset", "invalid.offset", max=MOST_OFFSET, url=url)
    found = tasks.recent(viewer, query.pop("user_id"), **query)
    rows = [shapes.result(view) for view in tasks.view_all(viewer, found)]
    return success({"tasks": rows, **query, "count": len(rows)})


@blp.delete("/ai/image/task/<task_id>")
@blp.arguments(Nothing)
@blp.response(200, replies.TaskDeleted)
def delete_task(params: dict, task_id: str) -> Response:
    """Cancel a task if need be, and remove it with its pictures."""
    tasks.delete(auth.viewer_of_api(), task_id)
    return success({"task_id": task_id, "message": t("answer.task_deleted")})


@blp.get("/styles")
@blp.response(200, replies.StyleRecord(many=True))
def list_styles() -> Response:
    """List the styles that have a name, and the words that each stands for."""
    return success([shapes.style(each) for each in styles.STYLES])


@blp.get("/models")
@blp.response(200, replies.ModelRecord(many=True))
def list_models() -> Response:
    """List the models that this server offers, and what each of them takes."""
    registry = jobs.runtime().registry
    usual = registry.default()
    models = registry.models.values()
    return success([shapes.model(m, is_default=m is usual) for m in models])
