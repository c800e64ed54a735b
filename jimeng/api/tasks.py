"""Tasks: the whole record, the list, and what can be done to one."""

from flask import Response

from jimeng import auth, tasks
from jimeng.api import blp
from jimeng.api.images import ESTIMATE, NEW_TASK, WAIT, accepted, creates
from jimeng.api.lists import listed, lists
from jimeng.errors import Invalid
from jimeng.http.answers import success
from jimeng.http.bodies import idempotency_key
from jimeng.schemas import Nothing, Retry, Trying
from jimeng.schemas.fields import USER_ID
from jimeng.schemas.lists import ByCursor
from jimeng.schemas.model_replies import EstimateRecord
from jimeng.schemas.task_replies import Created, TaskRecord
from jimeng.tasks import TaskView

RECORDS = TaskRecord(many=True)


@blp.get("/tasks/<task:task_id>", tags=["tasks"])
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found"], headers=["Retry-After"])
def get_task(task_id: str) -> tuple[TaskView, dict]:
    """
    Look at everything that is known of a task.
    ---
    查看整个任务

    包括参数、各步的时间、服务方的任务 id、提交次数。
    """
    viewer = auth.viewer_of_api()
    task = tasks.find(viewer, task_id)
    (view,) = tasks.view_all(viewer, [task], whole=True)
    return view, {"Retry-After": str(WAIT)} if task.is_open else {}


@blp.get("/tasks/user/<user_id>", tags=["tasks"])
@blp.arguments(ByCursor, location="query")
@blp.response(200, RECORDS)
@lists()
def list_tasks(query: dict, user_id: str) -> Response:
    """
    List a user's tasks, newest first.

    The next page is in `Link` and in `next_cursor`; a page deep down costs no
    more than the first.
    ---
    列出用户的任务

    最新的在前。下一页在 `Link` 和 `next_cursor` 里；再深的页也一样快。
    """
    if not USER_ID.fullmatch(user_id):
        raise Invalid.field("user_id", "invalid.user_id")
    viewer = auth.viewer_of_api()
    page = tasks.page(viewer, user_id, **query)
    rows = RECORDS.dump(tasks.view_all(viewer, page.rows, whole=True))
    where = {"endpoint": "api.list_tasks", "user_id": user_id}
    return listed(rows, page.next_cursor, **where, **query)


@blp.post("/tasks/<task_id>/cancel", tags=["tasks"])
@blp.arguments(Nothing)
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found", "task_finished"])
def cancel_task(params: dict, task_id: str) -> TaskView:
    """
    Cancel a task that has not ended.

    Pictures that wait are never sent. One that the provider has begun is charged,
    once, and not shown.
    ---
    取消任务

    等待中的图片不再提交。服务方已经开始的图片计费一次，不再显示。已结束的任务是 409。
    """
    viewer = auth.viewer_of_api()
    return tasks.view_changed(viewer, tasks.cancel(viewer, task_id))


@blp.post("/tasks/<task_id>/pictures/<int:index>/cancel", tags=["tasks"])
@blp.arguments(Nothing)
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found", "image_not_found", "picture_under_way"])
def cancel_picture(params: dict, task_id: str, index: int) -> TaskView:
    """
    Cancel one picture that waits, counted from 0; the others go on.

    It is never sent, and not charged. When all others have ended, so has the task.
    ---
    取消一张图片

    取消还在等待的一张（从 0 数起），其余照常。它不再提交，也不计费；其余都结束后任务
    也就结束。
    """
    viewer = auth.viewer_of_api()
    return tasks.view_changed(viewer, tasks.cancel_picture(viewer, task_id, index))


@blp.post("/tasks/<task_id>/retry", tags=["tasks"])
@blp.arguments(Trying(), location="query")
@blp.arguments(Retry)
@blp.response(202, Created)
@creates(
    errors=[
        *("task_not_found", "task_not_retryable", "may_be_charged_twice"),
        *NEW_TASK,
    ],
    estimate=EstimateRecord,
)
def retry_task(query: dict, params: dict, task_id: str) -> Response:
    """
    Ask once more for the pictures that an ended task lacks, as a new task.

    Where a picture that failed was, or may have been, charged (`charged` is `yes` or
    `unknown`), `accept_double_charge` must be true, else it is a 409
    `may_be_charged_twice`. With `?dry_run=1` nothing is created: the answer is a 200
    with the count and the price.
    ---
    重试任务

    已结束的任务缺的图片作为新任务再次生成。失败的图片已经或可能已经计费时
    （`charged` 为 `yes` 或 `unknown`），`accept_double_charge` 必须为 true，否则
    是 409 `may_be_charged_twice`。带 `?dry_run=1` 时什么也不创建，以 200 回答张数和价
    格。
    """
    viewer = auth.viewer_of_api()
    if query["dry_run"]:
        found = tasks.estimate_retry(viewer, task_id, **params)
        return success(ESTIMATE.dump(found))
    task, replayed = tasks.retry(viewer, task_id, **params, idem_key=idempotency_key())
    return accepted(viewer, task, replayed=replayed)
