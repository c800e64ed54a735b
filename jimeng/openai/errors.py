"""Errors in OpenAI's format, and whether the client may retry."""

from collections.abc import Mapping

from flask import Response, after_this_request, current_app, g

from jimeng.documents import Task
from jimeng.errors import code_of_status
from jimeng.http.responses import absolute, json_response, rooted
from jimeng.i18n import t

PREFIX = "/v1"
# For invalid requests its clients know 400 and, for an unknown model, 404.
INVALID, NO_MODEL = 400, 404
NO_ROUTE = code_of_status(404)
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
# Our field -> the name that clients know.
PARAMS = {"images": "image", "duration": "seconds"}
# Our code -> OpenAI's, for codes that clients handle; all others are ours.
NAMES = {
    "unauthorized": "invalid_api_key",
    "api_key_invalid": "invalid_api_key",
    "quota_exceeded": "insufficient_quota",
    "budget_exceeded": "insufficient_quota",
    "key_quota_exceeded": "insufficient_quota",
    "too_many_requests": "rate_limit_exceeded",
    "too_many_submissions": "rate_limit_exceeded",
    "key_too_many_submissions": "rate_limit_exceeded",
}


def report_task(task: Task, *, replayed: bool) -> None:
    """
    Mark this request as having a task: responses tell the client not to retry, and
    whether an earlier request had created the task.
    """
    g.openai_task = task
    if replayed:

        @after_this_request
        def mark(response: Response) -> Response:
            response.headers["Idempotent-Replayed"] = "true"
            return response


def failure(
    code: str,
    status: int,
    *,
    message: str | None = None,
    retry_after: int | None = None,
    errors: Mapping[str, list[str]] | None = None,
    param: str | None = None,
    charged: str = "unknown",
    again: bool = False,
    budget: Mapping[str, object] | None = None,
) -> Response:
    """
    ``{"error": {…}}``.

    Args:
        errors: The invalid fields; the first is reported.
        charged: Whether the provider charged for the task's pictures, if there is one.
        again: The client may retry although there is a task: it will join it.
        budget: The state of the budget that is exceeded.
    """
    said = message or reason(code, PREFIX)
    if errors:
        first = next(iter(errors))
        param = PARAMS.get(first.partition(".")[0], first)
        said = t("form.error", field=param, message="; ".join(errors[first]))
        is_model = param == "model"
        status = NO_MODEL if is_model else INVALID
        code = "model_not_found" if is_model else f"invalid_{param}"
    error: dict[str, object] = {
        "message": said,
        "type": TYPES.get(status, type_of(status)),
        "param": param,
        "code": NAMES.get(code, code),
        "request_id": g.get("request_id", ""),
    }
    if budget:
        error["budget"] = budget
    if fields := task_fields(said):
        error |= {**fields, "charged": charged}
    response = json_response({"error": error}, status, retry_after=retry_after)
    if fields and not again:
        response.headers["x-should-retry"] = "false"
    return response


def reason(code: str, prefix: str) -> str:
    """
    The message of an error's code; where nothing is at the address, as for chat or
    embeddings, with the routes below *prefix*.
    """
    if code != NO_ROUTE:
        return t(f"error.{code}")
    found = {
        f"{method} {rule.rule}"
        for rule in current_app.url_map.iter_rules()
        if rule.rule.startswith(f"{prefix}/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    routes = sorted(found, key=lambda route: route.split()[::-1])
    return t("openai.no_route", routes=", ".join(routes))


def task_fields(said: str) -> dict[str, str]:
    """
    What an error says of the task that this request has created; empty without one.
    """
    task = g.get("openai_task")
    if task is None:
        return {}
    return {
        "message": t("openai.task", message=said, id=task.id),
        "task_id": task.id,
        "result_url": absolute(rooted(task.result_path)),
    }


def type_of(status: int) -> str:
    return "invalid_request_error" if status < 500 else "server_error"
