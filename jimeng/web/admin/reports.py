"""The settings in force, and today's usage of all users."""

import re
from collections import Counter

from flask import current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import operations
from jimeng.billing import cost_reports
from jimeng.billing import usage as use
from jimeng.billing.costs import today
from jimeng.config import Config
from jimeng.errors import Invalid
from jimeng.http.csv_export import COST_COLUMNS, cost_cells, csv_response
from jimeng.operations import users
from jimeng.web.admin import bp


@bp.get("/settings")
def settings() -> ResponseReturnValue:
    """The effective settings; secrets only as set or not set."""
    config: Config = current_app.config["JIMENG"]
    found = operations.settings.read_settings(g.principal, config)
    return render_template("admin/settings.html", found=found)


MAX_USERS_SHOWN = 100  # listed users; the totals count all
MAX_PAGE = 10_000  # of users by cost


@bp.get("/usage")
def usage() -> ResponseReturnValue:
    """Today's pictures, in total and by user, largest first."""
    principal = g.principal
    found = use.today(principal)
    outcomes, charged = Counter[str](), Counter[str]()
    for each in found:
        outcomes += each.outcomes
        charged += each.charged
    shown = found[:MAX_USERS_SHOWN]
    wanted = request.args.get("sort", "")
    order = wanted if wanted in cost_reports.ORDERS else cost_reports.ORDERS[0]
    page = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    return render_template(
        "admin/usage.html",
        rows=shown,
        names=users.names(principal, [each.user_id for each in shown]),
        left_out=len(found) - len(shown),
        outcomes=outcomes,
        charged=charged,
        series=tuple(use.OUTCOMES.values()),
        money=operations.costs.overview(principal, order, page),
        zone=current_app.config["JIMENG"].BILLING_TIMEZONE,
        order=order,
        orders=cost_reports.ORDERS,
        page=page,
        is_decided=request.args.get("done") == "decided",
    )


MONTH = re.compile(r"2\d{3}-(0[1-9]|1[0-2])", re.ASCII)


@bp.get("/costs.csv")
def costs_csv() -> ResponseReturnValue:
    """
    The costs of a month, this one unless named: by day, model and account, or with
    ``by`` by ``user`` or ``key``. Programs send an API key.
    """
    wanted, by = request.args.get("month", ""), request.args.get("by", "")
    month = wanted if MONTH.fullmatch(wanted) else today().isoformat()[:7]
    principal = g.principal
    if by in cost_reports.OWNERS:
        columns = ("month", by, "name", *COST_COLUMNS)
        owners = operations.costs.by_owner(principal, by, month)
        named = ((month, *names, *cost_cells(cost)) for *names, cost in owners)
        return csv_response(f"jimeng-costs-{month}-by-{by}.csv", columns, named)
    rows = (
        (each.day, each.model, each.account, *cost_cells(each.cost))
        for each in cost_reports.by_account(principal, month)
    )
    columns = ("date", "model", "account", *COST_COLUMNS)
    return csv_response(f"jimeng-costs-{month}.csv", columns, rows)


@bp.post("/costs/<picture_id>/decide")
def decide_cost(picture_id: str) -> ResponseReturnValue:
    """Say whether the provider charged for a picture."""
    charged = request.form.get("charged")
    if charged not in ("yes", "no"):
        raise Invalid.field("charged", "invalid.choice", known="yes, no")
    operations.costs.decide(g.principal, picture_id, charged == "yes")
    return redirect(url_for(".usage", done="decided") + "#to-decide", 303)
