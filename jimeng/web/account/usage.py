"""The user's usage: pictures by day and by model, and as CSV."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from flask import current_app, g, request
from flask.typing import ResponseReturnValue

from jimeng import limits
from jimeng.billing import cost_reports, usage
from jimeng.billing.cost_reports import Cost
from jimeng.billing.costs import today, yuan
from jimeng.billing.usage import Report, UsageRow
from jimeng.documents import RateLimit
from jimeng.errors import QueueUnavailable
from jimeng.http.csv_export import COST_COLUMNS, cost_cells, csv_response
from jimeng.i18n import t
from jimeng.web import bp
from jimeng.web.account.profile import render_account_page
from jimeng.web.create.options import spoken
from jimeng.web.site.charts import Chart, Point, bars

SPANS_DAYS = (7, 30, 90)
DEFAULT_SPAN_DAYS = 30
# The chart's series; all other pictures were never sent.
CHART_SERIES = ("done", "failed", "unknown")
COLUMNS = ("date", "model", "outcome", "charged", "pictures")


@dataclass(frozen=True)
class CostPoint(Point):
    """A day's bar, and what it shows."""

    cost: Cost


@dataclass(frozen=True)
class Sums:
    """
    Pictures of one day, one model, or all.

    Attributes:
        outcomes: Outcome -> pictures.
        charged: ``no``, ``unknown`` or ``yes`` -> pictures.
    """

    outcomes: Counter[str]
    charged: Counter[str]


@bp.get("/account/usage")
def account_usage() -> ResponseReturnValue:
    """Totals, a chart, and tables of the chosen number of days."""
    days = span_days()
    report = usage_report(days)
    rows = report.rows
    spent = cost_report(days)
    return render_account_page(
        "usage",
        is_whole=report.is_whole,
        spans=SPANS_DAYS,
        days=days,
        total=sums(rows),
        by_model=[(model_name(model), each) for model, each in grouped(rows, "model")],
        by_day=grouped(rows, "date"),
        chart=chart_of(rows, days),
        series=CHART_SERIES,
        tells=tooltip,
        rate_limits=rate_limits(),
        costs=spent,
        cost_chart=cost_chart(spent),
        cost_tells=cost_tooltip,
        customers=customers_costs(days),
        zone=current_app.config["JIMENG"].BILLING_TIMEZONE,
    )


@bp.get("/account/costs.csv")
def costs_csv() -> ResponseReturnValue:
    """The costs of each day for a spreadsheet."""
    days = span_days()
    rows = [(day, *cost_cells(each)) for day, each in cost_report(days).days.items()]
    columns = ("date", *COST_COLUMNS)
    return csv_response(f"jimeng-costs-{days}-days.csv", columns, rows)


@bp.get("/account/usage.csv")
def usage_csv() -> ResponseReturnValue:
    """The same numbers for a spreadsheet."""
    days = span_days()
    rows = [[getattr(row, name) for name in COLUMNS] for row in usage_report(days).rows]
    return csv_response(f"jimeng-usage-{days}-days.csv", COLUMNS, rows)


def span_days() -> int:
    """The number of days in the query; the default for any that is not offered."""
    wanted = request.args.get("days", type=int)
    return wanted if wanted in SPANS_DAYS else DEFAULT_SPAN_DAYS


def usage_report(days: int) -> Report:
    since = today() - timedelta(days=days - 1)
    return usage.by_day(g.principal, g.principal.user_id, since=since, until=today())


def cost_report(days: int) -> cost_reports.Report:
    return cost_reports.of_user(g.principal, g.principal.user_id, days)


def customers_costs(days: int) -> cost_reports.OfCustomers | None:
    """What the user's customers have cost; None for a user who has no prefix."""
    customers = g.principal.customers
    return cost_reports.of_customers(customers, days) if customers.prefixes else None


def cost_chart(report: cost_reports.Report) -> Chart:
    """A bar for each day, its height in micro-yuan."""
    # A bar cannot be negative; a day on which more was taken back than spent is.
    return bars(
        [
            CostPoint(day[5:], (max(each.micros, 0),), each)
            for day, each in report.days.items()
        ]
    )


def cost_tooltip(each: CostPoint) -> str:
    cost = f"¥{yuan(each.cost.micros)}"
    return t("costs.tells", day=each.label, cost=cost, n=each.cost.outputs)


def rate_limits() -> Sequence[RateLimit]:
    """The user's rate limits; none while Redis cannot be reached."""
    with suppress(QueueUnavailable):
        return limits.rate_limits(g.principal, g.principal.user_id)
    return ()


def sums(rows: Iterable[UsageRow]) -> Sums:
    found = Sums(Counter(), Counter())
    for row in rows:
        found.outcomes[row.outcome] += row.pictures
        found.charged[row.charged] += row.pictures
    return found


def grouped(rows: Iterable[UsageRow], name: str) -> list[tuple[object, Sums]]:
    """Group the rows by one of their fields, in order of appearance."""
    found: dict[object, list[UsageRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return [(key, sums(each)) for key, each in found.items()]


@bp.app_template_filter("model_name")
def model_name(model: object) -> str:
    """The display name; of a model that is gone only the lane is known."""
    return str(model) if ":" in str(model) else spoken(str(model))


def chart_of(rows: Iterable[UsageRow], days: int) -> Chart:
    """A bar for each day up to today, empty days too."""
    found = dict(grouped(rows, "date"))
    none = sums(())
    wanted = [today() - timedelta(days=ago) for ago in range(days - 1, -1, -1)]
    return bars([point(day, found.get(day, none)) for day in wanted])


def point(day: date, found: Sums) -> Point:
    values = tuple(found.outcomes[outcome] for outcome in CHART_SERIES)
    return Point(day.strftime("%m-%d"), values)


def tooltip(each: Point) -> str:
    """The text of a day's tooltip."""
    numbers = dict(zip(CHART_SERIES, each.values, strict=True))
    return t("usage.tells", day=each.label, **numbers)
