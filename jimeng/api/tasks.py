"""Tasks: the whole record, the list, and what can be done to one."""

from flask import Response, url_for

from jimeng import auth, tasks
from jimeng.answers import absolute, idempotency_key, success
from jimeng.api import blp, shapes
from jimeng.api.images import accepted
from jimeng.errors import Invalid
from jimeng.schemas import ByCursor, Nothing, Retry, replies
from jimeng.schemas.fields import USER_ID


@blp.get("/tasks/<task_id>")
@blp.response(200, replies.TaskRecord)
def get_task(task_id: str) -> Response:
    """Look at everything that is known of a task."""
    viewer = auth.viewer_of_api()
    task = tasks.find(viewer, task_id)
    (view,) = tasks.view_all(viewer, [task], whole=True)
    headers = {"Retry-After": str(shapes.WAIT)} if task.is_open else {}
    return success(shapes.record(view), headers=headers)


@blp.get("/tasks/user/<user_id>")
@blp.arguments(ByCursor, location="query")
@blp.response(200, replies.TaskRecord(many=True))
def list_tasks(query: dict, user_id: str) -> Response:
    """
    List a user's tasks, newest first.

    The next page is in `Link` and in `next_cursor`; a page deep down costs no
    more than the first.
    """
    if not USER_ID.fullmatch(user_id):
        raise Invalid.field("user_id", "invalid.user_id")
    viewer = auth.viewer_of_api()
    page = tasks.page(viewer, user_id, **query)
    views = tasks.view_all(viewer, page.tasks, whole=True)
    headers = {}
    if page.next_cursor:
        query["cursor"] = page.next_cursor
        url = absolute(url_for("api.list_tasks", user_id=user_id, **query))
        headers["Link"] = f'<{url}>; rel="next"'
    rows = [shapes.record(view) for view in views]
    return success(rows, headers=headers, next_cursor=page.next_cursor)


@blp.post("/tasks/<task_id>/cancel")
@blp.arguments(Nothing)
@blp.response(200, replies.TaskRecord)
def cancel_task(params: dict, task_id: str) -> Response:
    """
    Cancel a task that has not ended.

    Pictures that wait are never sent. One that the provider has begun is charged,
    once, and not shown.
    """
    viewer = auth.viewer_of_api()
    task = tasks.cancel(viewer, task_id)
    (view,) = tasks.view_all(viewer, [task], whole=True)
    return success(shapes.record(view))


@blp.post("/tasks/<task_id>/retry")
@blp.arguments(Retry)
@blp.response(202, replies.Created)
def retry_task(params: dict, task_id: str) -> Response:
    """
    Run a failed or cancelled task again, as a new task.

    Where the first may have been charged, `accept_double_charge` must be true.
    """
    task, replayed = tasks.retry(
        auth.viewer_of_api(), task_id, **params, idem_key=idempotency_key()
    )
    return accepted(task, replayed=replayed)
