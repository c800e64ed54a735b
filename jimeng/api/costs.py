"""Costs: the sums of the ledger, for programs."""

from flask import Response

from jimeng import jobs
from jimeng.api import blp
from jimeng.api.openapi.blueprint import TEXT
from jimeng.billing import cost_reports
from jimeng.billing.cost_reports import GROUPS, Cost
from jimeng.http import auth
from jimeng.http.csv_export import (
    COST_COLUMNS,
    MONTH_COLUMNS,
    cost_cells,
    csv_response,
    month_cells,
)
from jimeng.http.responses import success
from jimeng.schemas.costs import (
    CostQuery,
    CostReport,
    month_so_far,
    report_rows,
)

REPORT = CostReport()
CSV_EXAMPLE = (
    "day,cost,cost_micros,pictures,unknown,unpriced\n2026-01-31,0.40,400000,2,0,0\n"
)


@blp.get("/costs", tags=["users"])
@blp.arguments(CostQuery, location="query")
@blp.response(200, CostReport)
@blp.alt_response(200, schema=TEXT, content_type="text/csv", example=CSV_EXAMPLE)
@blp.describe(errors=["user_not_found"])
def show_costs(query: dict) -> Response:
    """
    Get costs: sums by day, month, model, user or key.

    By default those of this month by day. A key sees what its user has spent, an
    `admin` key what all users have; `user_id` narrows that to one user. With
    `customers=true` the costs of the user's customers are added (see `act_for`). At
    most 366 days in the server's billing time zone (`zone`): a picture counts on the
    day of its request, whenever its charge is known. Deleted tasks are included. A
    month is `open` while it is not over, or pictures of it are held or unknown;
    `corrected_at` is when it was last changed after its end.

    `by` has one or two groups, such as `month,user`. JSON has at most 10,000 rows;
    with `format=csv` any number.
    """
    by, as_csv = query.pop("by"), query.pop("format") == "csv"
    since, until = month_so_far(query.pop("since", None), query.pop("until", None))
    found = cost_reports.grouped(auth.principal_of_api(), by, since, until, **query)
    names = [GROUPS[each] for each in by]
    if as_csv:
        has_months = "month" in by
        rows = (
            (
                *(*each.values, *cost_cells(each.cost)),
                *(month_cells(each) if has_months else ()),
            )
            for each in found
        )
        columns = (*names, *COST_COLUMNS, *(MONTH_COLUMNS if has_months else ()))
        return csv_response(f"jimeng-costs-{since}-{until}.csv", columns, rows)
    report = report_rows(names, found)
    return success(
        REPORT.dump(
            {
                **{"since": since, "until": until, "by": by, "rows": report},
                "zone": jobs.runtime().config.BILLING_TIMEZONE,
                "currency": "CNY",
                "total": sum((row["costs"] for row in report), Cost()),
            }
        )
    )
