"""What can be done to many tasks in one request."""

from collections.abc import Sequence

from flask import Response

from jimeng import auth, tasks
from jimeng.answers import idempotency_key, limit_headers, success
from jimeng.api import blp, shapes
from jimeng.i18n import t
from jimeng.schemas import CancelSeveral, RetrySeveral, replies
from jimeng.tasks import Outcome
from jimeng.viewers import Viewer


def chosen(viewer: Viewer, params: dict) -> list[str]:
    """The ids that a request is about, each once."""
    ids = params.pop("ids", None)
    status, user_id = params.pop("status", None), params.pop("user_id", None)
    if ids is None:
        return tasks.select(viewer, user_id, status)
    return list(dict.fromkeys(ids))


def counted(outcomes: Sequence[Outcome], rows: list[dict]) -> Response:
    """One row for each task, and how many went which way."""
    succeeded = sum(each.error is None for each in outcomes)
    counts = {"total": len(rows), "succeeded": succeeded}
    return success(
        {"results": rows, **counts, "failed": len(rows) - succeeded},
    )


def refusal(outcome: Outcome) -> dict:
    assert outcome.error is not None  # noqa: S101 - the caller has looked
    error = outcome.error
    return {
        "task_id": outcome.task_id,
        "success": False,
        "error": error.code,
        "message": t(f"error.{error.code}", **error.values),
    }


@blp.post("/tasks/cancel")
@blp.arguments(CancelSeveral)
@blp.response(200, replies.CancelOutcomes)
def cancel_tasks(params: dict) -> Response:
    """
    Cancel up to 100 tasks at once.

    Name them by `ids`, or give `status` and `user_id` for that user's newest 100 in
    that status. Each is as if cancelled by itself: one that cannot be does not keep
    the others, and `results` says what became of each.
    """
    viewer = auth.viewer_of_api()
    outcomes = tasks.cancel_many(viewer, chosen(viewer, params))
    rows = [
        refusal(each)
        if each.error
        else {"task_id": each.task_id, "success": True, "status": "cancelled"}
        for each in outcomes
    ]
    return counted(outcomes, rows)


@blp.post("/tasks/retry")
@blp.arguments(RetrySeveral)
@blp.response(200, replies.RetryOutcomes)
def retry_tasks(params: dict) -> Response:
    """
    Run up to 100 failed or cancelled tasks again.

    As for cancelling many. Each success has the id of the new task. With an
    `Idempotency-Key` the request may be sent again: what it has made is found and
    not made twice, and what it had no time for (`out_of_time`) is made.
    """
    viewer = auth.viewer_of_api()
    ids = chosen(viewer, params)
    outcomes = tasks.retry_many(viewer, ids, **params, idem_key=idempotency_key())
    response = counted(outcomes, [again(each) for each in outcomes])
    for each in outcomes:  # the latest that knows it is right
        asked = each.task or each.error
        response.headers.update(limit_headers(asked.standings if asked else ()))
    return response


def again(outcome: Outcome) -> dict:
    if outcome.task is None:
        return refusal(outcome)
    return {
        "task_id": outcome.task_id,
        "success": True,
        "status": "pending",
        "new_task_id": outcome.task.id,
        "replayed": outcome.replayed,
        "links": shapes.links(outcome.task),
    }
