"""What can be done to many tasks in one request."""

from jimeng import auth, tasks
from jimeng.api import blp
from jimeng.api.openapi.blueprint import LIMITS
from jimeng.http.answers import limit_headers
from jimeng.http.bodies import idempotency_key
from jimeng.schemas import CancelSeveral, RetrySeveral
from jimeng.schemas.outcome_replies import CancelOutcomes, RetryOutcomes
from jimeng.tasks import Outcome
from jimeng.viewers import Viewer


def chosen(viewer: Viewer, params: dict) -> list[str]:
    """The ids that a request is about, each once."""
    ids = params.pop("ids", None)
    status, user_id = params.pop("status", None), params.pop("user_id", None)
    if ids is None:
        return tasks.select(viewer, user_id, status)
    return list(dict.fromkeys(ids))


@blp.post("/tasks/cancel", tags=["tasks"])
@blp.arguments(CancelSeveral)
@blp.response(200, CancelOutcomes)
def cancel_tasks(params: dict) -> list[Outcome]:
    """
    Cancel up to 100 tasks at once.

    Name them by `ids`, or give `status` and `user_id` for that user's newest 100 in
    that status. Each is as if cancelled by itself: one that cannot be does not keep
    the others, and `results` says what became of each.
    """
    viewer = auth.viewer_of_api()
    return tasks.cancel_many(viewer, chosen(viewer, params))


@blp.post("/tasks/retry", tags=["tasks"])
@blp.arguments(RetrySeveral)
@blp.response(200, RetryOutcomes)
@blp.describe(
    errors=["idempotency_key_invalid", "queue_unavailable", "no_provider"],
    headers=LIMITS,
    takes=["Idempotency-Key"],
)
def retry_tasks(params: dict) -> tuple[list[Outcome], dict]:
    """
    Run up to 100 failed or cancelled tasks again.

    As for cancelling many. Each success has the id of the new task. What was, or may
    have been, charged is run again only with `accept_double_charge`; else its own
    answer is `may_be_charged_twice`. With an
    `Idempotency-Key` the request may be sent again: what it has made is found and
    not made twice, and what it had no time for (`out_of_time`) is made.
    """
    viewer = auth.viewer_of_api()
    ids = chosen(viewer, params)
    outcomes = tasks.retry_many(viewer, ids, **params, idem_key=idempotency_key())
    headers: dict[str, str] = {}
    for each in outcomes:  # the latest that knows it is right
        asked = each.task or each.error
        headers.update(limit_headers(asked.rate_limits if asked else ()))
    return outcomes, headers
