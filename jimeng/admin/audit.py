"""The audit trail: who did what here."""

import json

from flask import render_template, request
from flask.typing import ResponseReturnValue

from jimeng import audit as trail
from jimeng import auth
from jimeng.admin import bp


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """All actions of operators, newest first."""
    cursor = request.args.get("cursor") or None
    return render_template(
        "admin/audit.html",
        page=trail.page(auth.viewer_of_page(), cursor),
        is_first=cursor is None,
        as_json=as_json,
    )


def as_json(details: dict) -> str:
    """Short, for a line of a table."""
    return json.dumps(details, ensure_ascii=False) if details else ""
