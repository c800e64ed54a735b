"""What one's pictures have come to: by day and by model, and as CSV."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from flask import request
from flask.typing import ResponseReturnValue

from jimeng import limits
from jimeng.documents import RateLimit
from jimeng.errors import QueueUnavailable
from jimeng.http import auth
from jimeng.i18n import t
from jimeng.limits import usage
from jimeng.limits.usage import Report, UsageRow
from jimeng.web import bp
from jimeng.web.account.profile import show
from jimeng.web.create.options import spoken
from jimeng.web.site.charts import Chart, Point, bars
from jimeng.web.site.csv_export import spreadsheet

SPANS = (7, 30, 90)  # days
USUAL = 30
DRAWN = ("done", "failed", "unknown")  # the chart's series; the rest was never sent
COLUMNS = ("date", "model", "outcome", "charged", "pictures")


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
    """Numbers, a chart, and tables of the days that were chosen."""
    days = span()
    report = read(days)
    rows = report.rows
    return show(
        "usage",
        is_whole=report.is_whole,
        spans=SPANS,
        days=days,
        total=sums(rows),
        by_model=[(named(model), each) for model, each in grouped(rows, "model")],
        by_day=grouped(rows, "date"),
        chart=chart_of(rows, days),
        series=DRAWN,
        tells=tells,
        rate_limits=rate_limits(),
    )


@bp.get("/account/usage.csv")
def usage_csv() -> ResponseReturnValue:
    """The same numbers for a spreadsheet."""
    days = span()
    rows = [[getattr(row, name) for name in COLUMNS] for row in read(days).rows]
    return spreadsheet(f"jimeng-usage-{days}-days.csv", COLUMNS, rows)


def span() -> int:
    """The days that are asked for; the usual number for what is none of ours."""
    wanted = request.args.get("days", type=int)
    return wanted if wanted in SPANS else USUAL


def today() -> date:
    return datetime.now(UTC).date()


def read(days: int) -> Report:
    principal = auth.principal_of_page()
    since = today() - timedelta(days=days - 1)
    return usage.by_day(principal, principal.user_id, since=since, until=today())


def rate_limits() -> Sequence[RateLimit]:
    """The limits that there are; none while nobody can be asked about them."""
    principal = auth.principal_of_page()
    with suppress(QueueUnavailable):
        return limits.rate_limits(principal, principal.user_id)
    return ()


def sums(rows: Iterable[UsageRow]) -> Sums:
    found = Sums(Counter(), Counter())
    for row in rows:
        found.outcomes[row.outcome] += row.pictures
        found.charged[row.charged] += row.pictures
    return found


def grouped(rows: Iterable[UsageRow], name: str) -> list[tuple[object, Sums]]:
    """The rows by one of their fields, in the order in which they come."""
    found: dict[object, list[UsageRow]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return [(key, sums(each)) for key, each in found.items()]


def named(model: object) -> str:
    """Its name as people say it; of one that is gone only the lane is known."""
    return str(model) if ":" in str(model) else spoken(str(model))


def chart_of(rows: Iterable[UsageRow], days: int) -> Chart:
    """A bar for each day up to today, empty days too."""
    found = dict(grouped(rows, "date"))
    none = sums(())
    wanted = [today() - timedelta(days=ago) for ago in range(days - 1, -1, -1)]
    return bars([point(day, found.get(day, none)) for day in wanted])


def point(day: date, found: Sums) -> Point:
    values = tuple(found.outcomes[outcome] for outcome in DRAWN)
    return Point(day.strftime("%m-%d"), values)


def tells(each: Point) -> str:
    """A day in words, for whoever points at its bar."""
    numbers = dict(zip(DRAWN, each.values, strict=True))
    return t("usage.tells", day=each.label, **numbers)
