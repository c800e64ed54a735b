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
    ---
    批量取消任务

    用 `ids` 指定最多 100 个，或用 `status` 和 `user_id`选择这个用户处于该状态的最
    新 100 个。各任务互不影响，`results` 逐个说明结果。
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
    ---
    批量重试任务

    选择方式同批量取消，成功的各有新任务的 id。已经或可能已经计费的，
    要 `accept_double_charge` 为 true 才重试，否则各自答 `may_be_charged_twice`。
    带 `Idempotency-Key` 可以放心重发：已经创建的不会再创建，来不及的（`out_of_time`）
    继续创建。
    """
    viewer = auth.viewer_of_api()
    ids = chosen(viewer, params)
    outcomes = tasks.retry_many(viewer, ids, **params, idem_key=idempotency_key())
    headers: dict[str, str] = {}
    for each in outcomes:  # the latest that knows it is right
        asked = each.task or each.error
        headers.update(limit_headers(asked.rate_limits if asked else ()))
    return outcomes, headers
