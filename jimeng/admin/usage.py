"""What everybody's pictures have come to today."""

from collections import Counter

from flask import render_template
from flask.typing import ResponseReturnValue

from jimeng import auth
from jimeng import usage as use
from jimeng.admin import bp
from jimeng.operations import users

MOST = 100  # users that are listed; the sums count all


@bp.get("/usage")
def usage() -> ResponseReturnValue:
    """Today's pictures, of all and by user, whoever had the most first."""
    viewer = auth.viewer_of_page()
    found = use.today(viewer)
    outcomes, charged = Counter[str](), Counter[str]()
    for each in found:
        outcomes += each.outcomes
        charged += each.charged
    shown = found[:MOST]
    return render_template(
        "admin/usage.html",
        rows=shown,
        names=users.names(viewer, [each.user_id for each in shown]),
        left_out=len(found) - len(shown),
        outcomes=outcomes,
        charged=charged,
        series=tuple(use.OUTCOMES.values()),
    )
