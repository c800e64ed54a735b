"""The stylesheet of all pages, joined from the files of ``static/``."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, current_app, request, url_for

from jimeng.web import bp, style_pictures
from jimeng.web.shapes import rules
from jimeng.web.versions import FOR_GOOD


@cache
def joined(folder: str) -> tuple[str, str]:
    """
    The tokens and shared components, each area's own rules, then those of shapes.

    Returns:
        The text, and what changes with it.
    """
    root = Path(folder)
    shared = [root / "app.css", root / "components.css"]
    files = [*shared, *sorted((root / "areas").glob("*.css"))]
    made = [rules(), style_pictures.rules(root)]
    text = "\n".join([*(file.read_text("utf-8") for file in files), *made])
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def stylesheet_url() -> str:
    """The address of the stylesheet as it is now: another text, another address."""
    version = joined(str(current_app.static_folder))[1]
    return url_for("web.stylesheet", v=version)


@bp.get("/app.css")
def stylesheet() -> Response:
    """All rules in one file; kept for good under the address that pages link."""
    text, version = joined(str(current_app.static_folder))
    response = Response(text, content_type="text/css; charset=utf-8")
    response.set_etag(version)
    current = request.args.get("v") == version
    response.headers["Cache-Control"] = FOR_GOOD if current else "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]
