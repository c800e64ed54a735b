"""The settings in force, and today's usage of all users."""

from collections import Counter

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.config import Config
from jimeng.http import auth
from jimeng.limits import usage as use
from jimeng.operations import users
from jimeng.web.admin import bp


@bp.get("/settings")
def settings() -> ResponseReturnValue:
    """The effective settings; secrets only as set or not set."""
    config: Config = current_app.config["JIMENG"]
    found = operations.settings.read_settings(auth.principal_of_page(), config)
    return render_template("admin/settings.html", found=found)


MAX_USERS_SHOWN = 100  # listed users; the totals count all


@bp.get("/usage")
def usage() -> ResponseReturnValue:
    """Today's pictures, in total and by user, largest first."""
    principal = auth.principal_of_page()
    found = use.today(principal)
    outcomes, charged = Counter[str](), Counter[str]()
    for each in found:
        outcomes += each.outcomes
        charged += each.charged
    shown = found[:MAX_USERS_SHOWN]
    return render_template(
        "admin/usage.html",
        rows=shown,
        names=users.names(principal, [each.user_id for each in shown]),
        left_out=len(found) - len(shown),
        outcomes=outcomes,
        charged=charged,
        series=tuple(use.OUTCOMES.values()),
    )
