"""Tasks: the full record, the list, and actions on one or several."""

from flask import Response

from jimeng import tasks
from jimeng.api import blp
from jimeng.api.images import (
    CREATE_ERRORS,
    ESTIMATE,
    RETRY_AFTER_S,
    created_response,
    describe_create,
)
from jimeng.api.openapi.blueprint import LIMITS
from jimeng.api.pagination import describe_list, page_response
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.http.request_kinds import polled, submits
from jimeng.http.requests import idempotency_key
from jimeng.http.responses import rate_limit_headers, success
from jimeng.schemas.fields import USER_ID, Nothing
from jimeng.schemas.model_responses import EstimateRecord, RetryEstimates
from jimeng.schemas.pagination import ByCursor, OwnByCursor
from jimeng.schemas.tasks import (
    CancelOutcomes,
    CancelSeveral,
    Created,
    DryRunQuery,
    Retry,
    RetryOutcomes,
    RetrySeveral,
    TaskRecord,
)
from jimeng.tasks import BulkResult, TaskView

RECORDS = TaskRecord(many=True)
RETRIES, RETRY_ESTIMATES = RetryOutcomes(), RetryEstimates()


@blp.get("/tasks/<task:task_id>", tags=["tasks"])
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found"], headers=["Retry-After"])
@polled
def get_task(task_id: str) -> tuple[TaskView, dict]:
    """Get the full record of a task."""
    principal = auth.principal_of_api()
    task = tasks.find(principal, task_id)
    (view,) = tasks.view_all(principal, [task], whole=True)
    return view, {"Retry-After": str(RETRY_AFTER_S)} if task.is_open else {}


@blp.get("/tasks", tags=["tasks"])
@blp.arguments(OwnByCursor, location="query")
@blp.response(200, RECORDS)
@describe_list()
def list_own_tasks(query: dict) -> Response:
    """
    List the caller's tasks, newest first.

    With `customers=true` also those of all customers of the account (see `act_for`),
    whichever key they were created with; a key with `act_for` lists those that it acts
    for. `user_id` says whose each is. The next page is in `Link` and in `next_cursor`.
    """
    principal = auth.principal_of_api()
    page = tasks.page(principal, principal.user_id, **query)
    rows = RECORDS.dump(tasks.view_all(principal, page.rows, whole=True))
    return page_response(rows, page.next_cursor)


@blp.get("/tasks/user/<user_id>", tags=["tasks"])
@blp.arguments(ByCursor, location="query")
@blp.response(200, RECORDS)
@describe_list(errors=["user_not_found"])
def list_tasks(query: dict, user_id: str) -> Response:
    """
    List a user's tasks, newest first.

    The next page is in `Link` and in `next_cursor`; every page costs the same.
    """
    if not USER_ID.fullmatch(user_id):
        raise Invalid.field("user_id", "invalid.user_id")
    principal = auth.principal_of_api()
    page = tasks.page(principal, user_id, **query)
    rows = RECORDS.dump(tasks.view_all(principal, page.rows, whole=True))
    return page_response(rows, page.next_cursor)


@blp.post("/tasks/<task_id>/cancel", tags=["tasks"])
@blp.arguments(Nothing)
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found", "task_finished", "cannot_stop"])
def cancel_task(params: dict, task_id: str) -> TaskView:
    """
    Cancel a task that has not ended.

    Waiting pictures are never submitted. A picture that the provider has begun is
    charged once, and not shown. A video that it has begun is completed: the task
    stays open.
    """
    principal = auth.principal_of_api()
    return tasks.view_changed(principal, tasks.cancel(principal, task_id))


@blp.post("/tasks/<task_id>/pictures/<int:index>/cancel", tags=["tasks"])
@blp.arguments(Nothing)
@blp.response(200, TaskRecord)
@blp.describe(errors=["task_not_found", "image_not_found", "picture_under_way"])
def cancel_picture(params: dict, task_id: str, index: int) -> TaskView:
    """
    Cancel one waiting picture, counted from 0; the others go on.

    It is never submitted, and not charged. When all others have ended, so has the task.
    """
    principal = auth.principal_of_api()
    return tasks.view_changed(
        principal, tasks.cancel_picture(principal, task_id, index)
    )


@blp.post("/tasks/<task_id>/retry", tags=["tasks"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(Retry)
@blp.response(202, Created)
@describe_create(
    errors=[
        *("task_not_found", "task_not_retryable", "may_be_charged_twice"),
        *CREATE_ERRORS,
    ],
    estimate=EstimateRecord,
)
@submits
def retry_task(query: dict, params: dict, task_id: str) -> Response:
    """
    Retry the missing pictures of an ended task, as a new task.

    If a failed picture was, or may have been, charged (`charged` is `yes` or
    `unknown`), `accept_double_charge` must be true, otherwise the response is a 409
    `may_be_charged_twice`. With `?dry_run=1` nothing is created: the response is a 200
    with the number of pictures and the price.
    """
    principal = auth.principal_of_api()
    if query["dry_run"]:
        found = tasks.estimate_retry(principal, task_id, **params)
        return success(ESTIMATE.dump(found))
    task, replayed = tasks.retry(
        principal, task_id, **params, idem_key=idempotency_key()
    )
    return created_response(principal, task, replayed=replayed)


def selected_ids(principal: Principal, params: dict) -> list[str]:
    """The ids that a request selects, without duplicates."""
    ids = params.pop("ids", None)
    status, user_id = params.pop("status", None), params.pop("user_id", None)
    if ids is None:
        return tasks.newest_ids(principal, user_id, status)
    return list(dict.fromkeys(ids))


@blp.post("/tasks/cancel", tags=["tasks"])
@blp.arguments(CancelSeveral)
@blp.response(200, CancelOutcomes)
def cancel_tasks(params: dict) -> list[BulkResult]:
    """
    Cancel up to 100 tasks.

    Select them by `ids`, or by `status` and `user_id` for that user's newest 100 with
    that status. Tasks are independent: a failure does not stop the others, and
    `results` has one entry for each.
    """
    principal = auth.principal_of_api()
    return tasks.cancel_many(principal, selected_ids(principal, params))


@blp.post("/tasks/retry", tags=["tasks"])
@blp.arguments(DryRunQuery(), location="query")
@blp.arguments(RetrySeveral)
@blp.response(200, RetryOutcomes)
@blp.describe(
    errors=["idempotency_key_invalid", "queue_unavailable", "no_provider"],
    headers=LIMITS,
    takes=["Idempotency-Key"],
    estimate=RetryEstimates,
)
def retry_tasks(query: dict, params: dict) -> Response:
    """
    Retry up to 100 failed or cancelled tasks.

    Select them as for cancelling. Each success has the id of the new task. Tasks that
    were, or may have been, charged are retried only with `accept_double_charge`;
    otherwise their error is `may_be_charged_twice`. With an `Idempotency-Key` the
    request can be repeated safely: tasks that it created are returned, and those that
    it had no time for (`out_of_time`) are created. With `?dry_run=1` nothing is
    created: the response has the number of pictures, the price, and for each task
    whether it would be accepted.
    """
    principal = auth.principal_of_api()
    ids = selected_ids(principal, params)
    if query["dry_run"]:
        estimates = tasks.estimate_retries(principal, ids, **params)
        return success(RETRY_ESTIMATES.dump(estimates))
    results = tasks.retry_many(principal, ids, **params, idem_key=idempotency_key())
    headers: dict[str, str] = {}
    for each in results:  # the last that has them is the most recent
        asked = each.task or each.error
        headers.update(rate_limit_headers(asked.rate_limits if asked else ()))
    return success(RETRIES.dump(results), headers=headers)
