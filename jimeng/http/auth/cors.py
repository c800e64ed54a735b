"""
Cross-origin requests: pages of the origins in ``CORS_ORIGINS`` may use the API.

A key is no cookie: no browser sends it by itself. So it is believed from such a page,
and a session never is.
"""

from flask import Flask, Response, current_app, request
from flask_cors import CORS

from jimeng.config import Config
from jimeng.http.auth.cross_site import PREFLIGHT, is_from_allowed_origin

# Response headers that a page may read.
EXPOSED = (
    *("ETag", "Link", "Location", "Retry-After", "RateLimit", "RateLimit-Policy"),
    *("Idempotent-Replayed", "Preference-Applied", "X-Request-ID", "x-should-retry"),
)
MAX_AGE_S = 600  # for which a browser need not ask again


def allow_origins(app: Flask, config: Config) -> None:
    """Have pages of other origins answered, where any may ask."""
    if not config.CORS_ORIGINS:
        return
    CORS(
        app,
        resources=r"/(api|v1|mcp)(/.*)?$",
        origins=config.CORS_ORIGINS,
        expose_headers=EXPOSED,
        max_age=MAX_AGE_S,
        always_send=False,
        intercept_exceptions=False,  # errors are answers like others here
    )
    app.before_request(answer_preflight)


def answer_preflight() -> Response | None:
    """
    Answer a browser's question whether a page may send a request. It comes without the
    key, so nothing else can be asked of it.
    """
    if PREFLIGHT not in request.headers or not is_from_allowed_origin(request):
        return None
    return current_app.make_default_options_response()
