"""The settings in force, and today's usage of all users."""

import re
from collections import Counter
from decimal import Decimal

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.config import Config
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.jobs.prices import yuan
from jimeng.limits import costs
from jimeng.limits import usage as use
from jimeng.operations import users
from jimeng.web.admin import bp
from jimeng.web.site.csv_export import csv_response


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
        money=operations.costs.overview(principal),
        is_decided=request.args.get("done") == "decided",
    )


COST_COLUMNS = (
    *("date", "model", "account", "cost", "cost_micros"),
    *("pictures", "unknown", "unpriced"),
)
MONTH = re.compile(r"2\d{3}-(0[1-9]|1[0-2])", re.ASCII)


@bp.get("/costs.csv")
def costs_csv() -> ResponseReturnValue:
    """The costs of a month, this one unless named, by day, model and account."""
    wanted = request.args.get("month", "")
    month = wanted if MONTH.fullmatch(wanted) else costs.today().isoformat()[:7]
    found = costs.by_account(auth.principal_of_page(), month)
    rows = (
        (
            *(each.day, each.model, each.account),
            *(Decimal(yuan(each.cost.micros)), each.cost.micros),
            *(each.cost.outputs, each.cost.unknown, each.cost.unpriced),
        )
        for each in found
    )
    return csv_response(f"jimeng-costs-{month}.csv", COST_COLUMNS, rows)


@bp.post("/costs/<picture_id>/decide")
def decide_cost(picture_id: str) -> ResponseReturnValue:
    """Say whether the provider charged for a picture."""
    charged = request.form.get("charged")
    if charged not in ("yes", "no"):
        raise Invalid.field("charged", "invalid.choice", known="yes, no")
    operations.costs.decide(auth.principal_of_page(), picture_id, charged == "yes")
    return redirect(url_for(".usage", done="decided") + "#to-decide", 303)
