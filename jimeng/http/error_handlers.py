"""Turn all exceptions into responses of the interface that the request uses."""

import logging
from collections.abc import Callable, Mapping

from flask import Flask, Request, Response, current_app, g, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException

from jimeng import documents, i18n
from jimeng.documents.database_errors import TROUBLES
from jimeng.errors import (
    BudgetExceeded,
    DatabaseUnavailable,
    IndexMissing,
    Invalid,
    JimengError,
    code_of_status,
)
from jimeng.http import auth
from jimeng.http.responses import (
    errors_by_field,
    failure,
    field_errors_message,
    rate_limit_headers,
    translate_errors,
)
from jimeng.process.metric_counts import counts

log = logging.getLogger("jimeng.access")

Writer = Callable[..., Response]


def setup(app: Flask, writers: Mapping[str, Writer]) -> None:
    """
    Args:
        writers: Path prefix -> the function that writes the errors of that interface;
            those of all other paths are HTML pages.
    """
    app.extensions["error_writers"] = writers
    app.register_error_handler(JimengError, on_jimeng_error)
    app.register_error_handler(Invalid, on_invalid)
    app.register_error_handler(ValidationError, on_validation_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_other)


def error_writer(asked: Request = request) -> Writer | None:
    """
    The function that writes this request's errors as JSON; None for a page, unless a
    program asks for it, with an API key.
    """
    path, writers = asked.path, current_app.extensions["error_writers"]
    return next(
        (writers[at] for at in writers if path == at or path.startswith(f"{at}/")),
        failure if auth.bearer_key(asked) is not None else None,
    )


def answer_error(code: str, status: int, **fields) -> Response:
    """Write an error as JSON of the request's interface, or as an HTML page."""
    counts.add("refusals", auth.interface_of(), code)
    write = error_writer()
    if write is not None:
        return write(code, status, **fields)
    message = fields.get("message") or i18n.t(f"error.{code}")
    values = {"message": message, "request_id": g.get("request_id", "")}
    try:
        page = render_template("error.html", status=status, **values)
    except TROUBLES as error:  # of the page's head, about who is signed in
        if not documents.is_away(error):
            raise
        page = render_template("error.html", status=status, is_away=True, **values)
    response = Response(page, status)
    if fields.get("retry_after"):
        response.headers["Retry-After"] = str(fields["retry_after"])
    return response


def on_jimeng_error(error: JimengError) -> Response:
    level = logging.WARNING if error.status >= 500 else logging.INFO
    # Log the cause of an error that an unavailable service has caused.
    cause = error.__cause__ if error.status >= 500 else None
    log.log(level, "refused code=%s: %s", error.code, error, exc_info=cause)
    message = i18n.explain(error)
    budget = error.budget if isinstance(error, BudgetExceeded) else {}
    more = {"budget": budget} if budget else {}
    response = answer_error(
        error.code,
        error.status,
        message=message,
        retry_after=error.retry_after,
        **more,
    )
    response.headers.update(rate_limit_headers(error.rate_limits))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="jimeng"'
    if error.status == 415:  # RFC 9110, section 15.5.16
        response.headers["Accept-Encoding"] = "identity"
    return response


def on_invalid(error: Invalid) -> Response:
    messages = i18n.problems(error)
    log.info("refused %s", error)
    said = field_errors_message(messages)
    return answer_error(error.code, error.status, message=said, errors=messages)


def on_validation_error(error: ValidationError) -> Response:
    reasons = errors_by_field(error.messages)
    log.info("refused invalid: %s", ", ".join(reasons))
    messages = translate_errors(reasons)
    return answer_error(
        Invalid.code,
        Invalid.status,
        message=field_errors_message(messages),
        errors=messages,
    )


def on_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect by the router
        return error.get_response()  # type: ignore[return-value]
    response = answer_error(code_of_status(status), status)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "Content-Range"}:
            response.headers[name] = value
    return response


def on_other(error: Exception) -> Response:
    if documents.is_away(error):
        log.warning("database away", exc_info=error)
        away = IndexMissing if documents.lacks_index(error) else DatabaseUnavailable
        return answer_error(away.code, away.status, retry_after=5)
    log.error("failed", exc_info=error)
    return answer_error("internal", 500)
