"""Files of ``static/`` are kept for good: another content has another address."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Response, current_app, make_response, request
from flask.sansio.blueprints import BlueprintSetupState

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


@bp.record_once
def keep_files(state: BlueprintSetupState) -> None:
    """What was asked for by the address that pages link need not be asked for again."""
    send = state.app.view_functions["static"]

    def send_file(filename: str) -> Response:
        response = make_response(send(filename=filename))
        if request.args.get("v") == version_of(filename):
            response.headers["Cache-Control"] = FOR_GOOD
        return response

    state.app.view_functions["static"] = send_file
