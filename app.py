"""The application factory. `python app.py` runs the whole service locally."""

import sys

if __name__ == "__main__":
    from jimeng.local.supervisor import main
    from jimeng.providers import Registry

    # The rest of the module is for the started processes, not for this one.
    sys.exit(main(check=Registry.from_config))

import logging
import os
import re
import secrets
import time
from collections.abc import Callable

from flask import Flask, Request, Response, g, render_template, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from jimeng import api, cli, documents, i18n, jobs, mcp, openai, web
from jimeng.api import openapi
from jimeng.api.openapi.document import Document
from jimeng.config import Config, logs
from jimeng.documents import RateLimit, migrations
from jimeng.documents.database_errors import TROUBLES
from jimeng.errors import (
    BudgetExceeded,
    ConfigError,
    DatabaseUnavailable,
    IndexMissing,
    Invalid,
    JimengError,
    UnsupportedEncoding,
)
from jimeng.errors.access import SignInRequired
from jimeng.http import auth
from jimeng.http.requests import (
    MAX_BODY_BYTES,
    JimengRequest,
    current_request,
    reject_nul,
)
from jimeng.http.responses import (
    add_vary,
    compress,
    errors_by_field,
    failure,
    field_errors_message,
    rate_limit_headers,
    translate_errors,
)
from jimeng.jobs.metric_counters import counts
from jimeng.monitoring import health, metrics
from jimeng.openai import ark
from jimeng.web import admin
from jimeng.web.account import sign_in

log = logging.getLogger("jimeng.access")

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
HTTP_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
}
# Path prefix -> the function that writes the errors of that interface.
ERROR_WRITERS: tuple[tuple[str, Callable[..., Response]], ...] = (
    (openai.PREFIX, openai.failure),
    (ark.PREFIX, ark.failure),
    (mcp.PATH, mcp.failure),
    *((prefix, failure) for prefix in ("/api", "/health", "/metrics")),
)
# Path prefixes of frequent requests without a user, which are logged at debug level.
QUIET_PATHS = ("/static/", "/health", "/metrics")
# Endpoint -> kind of the request; all others are ``read`` or ``change``.
REQUEST_KINDS = {
    **dict.fromkeys(
        (
            *("api.create_task", "api.create_image_task", "api.retry_task"),
            *("web.create", "web.again", "web.retry", "web.edit_picture"),
        ),
        "submit",
    ),
    **dict.fromkeys(
        (
            *(
                "web.image",
                "web.thumbnail",
                "web.preview",
                "web.video",
                "web.last_frame",
                "web.trashed_thumbnail",
                "web.input_link",
            ),
            "api.get_upload_content",
        ),
        "picture",
    ),
    "mcp.handle_message": "call",
}
# Endpoints that clients and open pages poll until something has ended.
POLLS = frozenset(
    {
        *("api.get_result", "api.get_task", "api.get_batch"),
        *("web.card", "web.changes", "web.family", "web.task_changes"),
        *("web.batch_card", "web.batch_now", "web.tidying", "web.cancelling"),
        *("admin.live", "admin.hours", "admin.clear_progress"),
        "admin.failures_progress",
    }
)


class App(Flask):
    """Flask without the check of each request hook for being a coroutine."""

    request_class = JimengRequest

    def ensure_sync(self, func: Callable) -> Callable:
        return func


def create_app(config: Config | None = None) -> Flask:
    """
    Create the web application. It connects lazily: unavailable databases do not keep
    it from starting.

    Args:
        config: The settings. Without it they are loaded from the environment, and a
                malformed one ends the process with a message instead of a traceback.

    Raises:
        ConfigError: a setting is malformed.
    """
    if config is None:  # as `flask --app app` calls it
        try:
            return create_app(Config.load())
        except (ConfigError, DatabaseUnavailable) as error:
            sys.exit(logs.refuse(error))
    logs.setup(config)
    app = App(__name__)
    auth.setup(app, config)
    app.config.from_mapping(
        JIMENG=config,
        DEMO=os.environ.get("JIMENG_DEMO") == "1",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
    )
    # A redirect would answer in HTML, and lose the body of a POST.
    app.url_map.merge_slashes = False
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    documents.connect(config)
    jobs.configure(config)
    openai.check(config)
    described = (api.blp, openai.bp, health.bp, metrics.bp)
    Document(app, described)
    for blueprint in described:
        app.register_blueprint(blueprint)
    app.register_blueprint(ark.bp)
    app.register_blueprint(mcp.bp)
    app.register_blueprint(web.bp)
    app.register_blueprint(admin.bp)
    app.register_blueprint(openapi.bp)
    cli.register(app)
    app.jinja_env.globals.update(
        t=i18n.t, language=i18n.language, demo=app.config["DEMO"]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if config.TRUSTED_PROXIES:
        each = config.TRUSTED_PROXIES
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=each, x_proto=each)  # type: ignore[method-assign]
    app.after_request(compress)  # registered first, so it runs last
    frame_requests(app)
    auth.allow_origins(app, config)
    handle_errors(app)
    return app


def frame_requests(app: Flask) -> None:
    """Assign each request an id, check it, and log and count its response."""

    @app.before_request
    def begin() -> None:
        asked = current_request()
        received = asked.headers.get("X-Request-ID", "")
        sane = VALID_REQUEST_ID.fullmatch(received)
        request_id = g.request_id = received if sane else secrets.token_hex(12)
        g.began = time.monotonic()
        logs.clear()
        logs.bind(request=request_id, address=auth.client_address(asked))
        auth.check_host(asked)
        auth.count_request(asked)
        refuse_encoded(asked)
        if b"%00" in asked.query_string:
            reject_nul(asked.args.items(multi=True))
        if not asked.path.startswith(QUIET_PATHS):
            documents.await_new()
            if asked.method not in auth.SAFE_METHODS:
                migrations.check()

    @app.after_request
    def finish(response: Response) -> Response:
        asked = current_request()
        response.headers["X-Request-ID"] = g.get("request_id", "")
        auth.add_security_headers(response, asked)
        # Errors are never cached: neither a 404 page, which shows the signed-in user at
        # a URL of another's choice, nor a 412 for one client's If-Match on a public
        # picture.
        response.headers.setdefault("Cache-Control", "no-store")
        if response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        if error_writer(asked) is not None:
            add_vary(response, "Accept-Language")
            for name, value in rate_limit_headers(request_limits()).items():
                before = response.headers.get(name)
                response.headers[name] = f"{before}, {value}" if before else value
            if asked.method == "OPTIONS":
                del response.headers["Content-Type"]  # the response has no body
        took_ms = (time.monotonic() - g.get("began", time.monotonic())) * 1000
        is_quiet = asked.path.startswith(QUIET_PATHS)
        interface, status = auth.interface_of(asked), response.status_code
        logs.bind(door=interface)
        is_routine = is_quiet or is_poll(asked.endpoint, asked.method, status)
        log.log(
            logging.DEBUG if is_routine else logging.INFO,
            "%s %s %d %.0fms",
            asked.method,
            asked.path,
            status,
            took_ms,
        )
        if asked.method not in auth.SAFE_METHODS and status < 400:
            jobs.wake_a_worker()
        if not is_quiet:
            kind = kind_of_request(asked.endpoint, asked.method)
            count_request(interface, kind, status, took_ms / 1000)
        return response


def kind_of_request(endpoint: str | None, method: str) -> str:
    """
    Return the kind of a request: ``submit`` (a generation), ``picture`` (a download),
    ``call`` (MCP), ``read``, ``change``, or ``none`` if there is no such route.
    """
    if endpoint is None:
        return "none"
    if method in auth.SAFE_METHODS:
        return REQUEST_KINDS.get(endpoint, "read")
    is_openai = endpoint.startswith(("openai.", "ark."))
    return "submit" if is_openai else REQUEST_KINDS.get(endpoint, "change")


def is_poll(endpoint: str | None, method: str, status: int) -> bool:
    """Whether it is a successful poll, too frequent and uniform for the log."""
    return endpoint in POLLS and method in auth.SAFE_METHODS and status < 400


def count_request(interface: str, kind: str, status: int, seconds: float) -> None:
    """Count a finished request; Redis is written only periodically."""
    counts.add("requests", interface, kind, str(status))
    counts.observe("request", interface, kind, seconds=seconds)
    if status < 500:  # a failed one has waited for a database already
        counts.flush_if_due()


def request_limits() -> list[RateLimit]:
    """The rate limit of this request, if it was counted."""
    return [g.request_limit] if "request_limit" in g else []


def refuse_encoded(asked: Request) -> None:
    """
    Raises:
        UnsupportedEncoding: the body is compressed, which is not supported.
    """
    coding = asked.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity"} and asked.method not in auth.SAFE_METHODS:
        raise UnsupportedEncoding(f"encoding {coding[:40]!r}")


def error_writer(asked: Request = request) -> Callable[..., Response] | None:
    """
    The function that writes this request's errors as JSON; None for a page, unless a
    program asks for it, with an API key.
    """
    path = asked.path
    return next(
        (each for at, each in ERROR_WRITERS if path == at or path.startswith(f"{at}/")),
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


def handle_errors(app: Flask) -> None:
    """Register the handlers that turn all exceptions into responses."""

    @app.errorhandler(SignInRequired)
    def on_sign_in_required(error: SignInRequired) -> Response:
        return sign_in.redirect_to_sign_in()

    @app.errorhandler(JimengError)
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

    @app.errorhandler(Invalid)
    def on_invalid(error: Invalid) -> Response:
        messages = i18n.problems(error)
        log.info("refused %s", error)
        said = field_errors_message(messages)
        return answer_error(error.code, error.status, message=said, errors=messages)

    @app.errorhandler(ValidationError)
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

    @app.errorhandler(HTTPException)
    def on_http_error(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400:  # a redirect by the router
            return error.get_response()  # type: ignore[return-value]
        otherwise = "bad_request" if status < 500 else "internal"
        response = answer_error(HTTP_CODES.get(status, otherwise), status)
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After", "Content-Range"}:
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def on_other(error: Exception) -> Response:
        if documents.is_away(error):
            log.warning("database away", exc_info=error)
            away = IndexMissing if documents.lacks_index(error) else DatabaseUnavailable
            return answer_error(away.code, away.status, retry_after=5)
        log.error("failed", exc_info=error)
        return answer_error("internal", 500)
