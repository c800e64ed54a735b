"""Files of ``static/`` are kept for good: another content has another address."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, current_app, request

from jimeng.web import bp

FOR_GOOD = "public, max-age=31536000, immutable"


@cache
def version(path: Path) -> str | None:
    """What changes with the content; None if there is no such file."""
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def version_of(filename: str) -> str | None:
    return version(Path(str(current_app.static_folder), filename))


@bp.app_url_defaults
def name_version(endpoint: str, values: dict) -> None:
    if endpoint == "static":
        values.setdefault("v", version_of(values["filename"]))


@bp.after_app_request
def keep(response: Response) -> Response:
    """What was asked for by the address that pages link need not be asked for again."""
    given = request.args.get("v")
    # Of an error the name may be anything.
    is_file = request.endpoint == "static" and response.status_code < 400
    if is_file and given and given == version_of((request.view_args or {})["filename"]):
        response.headers["Cache-Control"] = FOR_GOOD
    return response
