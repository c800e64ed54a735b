"""Before and after each request: its id and checks, its headers, log line and count."""

import logging
import re
import secrets
import time

from flask import Flask, Request, Response, g

from jimeng import documents, jobs
from jimeng.config import logs
from jimeng.documents import RateLimit, migrations
from jimeng.errors import UnsupportedEncoding, outages
from jimeng.http import auth
from jimeng.http.error_handlers import error_writer
from jimeng.http.request_kinds import POLL, READ, SUBMIT, kind_of
from jimeng.http.requests import current_request, reject_nul
from jimeng.http.responses import add_vary, rate_limit_headers
from jimeng.process.metric_counts import counts

log = logging.getLogger("jimeng.access")

VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")
# Path prefixes of frequent requests without a user, which are logged at debug level.
QUIET_PATHS = ("/static/", "/health", "/metrics")


def setup(app: Flask) -> None:
    """Assign each request an id, check it, and log and count its response."""
    app.before_request(begin)
    app.after_request(finish)
    app.teardown_request(end)


def begin() -> None:
    asked = current_request()
    received = asked.headers.get("X-Request-ID", "")
    sane = VALID_REQUEST_ID.fullmatch(received)
    request_id = g.request_id = received if sane else secrets.token_hex(12)
    g.began = time.monotonic()
    outages.begin_request()
    logs.clear()
    logs.bind(request=request_id, address=auth.client_address(asked))
    auth.check_host(asked)
    auth.count_request(asked, is_order=kind_of(asked) == SUBMIT)
    refuse_encoded(asked)
    if b"%00" in asked.query_string:
        reject_nul(asked.args.items(multi=True))
    if not asked.path.startswith(QUIET_PATHS):
        documents.await_new()
        if asked.method not in auth.SAFE_METHODS:
            migrations.check()


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
    report(asked, response.status_code)
    return response


def end(_: BaseException | None) -> None:
    outages.end_request()


def report(asked: Request, status: int) -> None:
    """Log and count a finished request; Redis is written only periodically."""
    took_ms = (time.monotonic() - g.get("began", time.monotonic())) * 1000
    is_quiet = asked.path.startswith(QUIET_PATHS)
    interface, kind = auth.interface_of(asked), kind_of(asked)
    logs.bind(door=interface)
    # A successful poll is too frequent and uniform for the log.
    is_routine = is_quiet or (kind == POLL and status < 400)
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
    if is_quiet:
        return
    kind = READ if kind == POLL else kind
    counts.add("requests", interface, kind, str(status))
    counts.observe("request", interface, kind, seconds=took_ms / 1000)
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
