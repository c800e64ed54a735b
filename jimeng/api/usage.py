"""Usage: what became of a user's pictures, day by day."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from flask import Response

from jimeng import auth, usage
from jimeng.answers import success
from jimeng.api import blp
from jimeng.errors import UserNotFound
from jimeng.schemas.fields import USER_ID
from jimeng.schemas.usage import OUTCOMES, Span, UsageRecord, span
from jimeng.usage import UsageRow


@blp.get("/users/<user_id>/usage")
@blp.arguments(Span, location="query")
@blp.response(200, UsageRecord)
def show_usage(query: dict, user_id: str) -> Response:
    """
    Look at what became of a user's pictures, by day, model and outcome.

    Days are in UTC, `from` and `to` are both included, at most 366 of them; left
    out, the last 30. A picture counts for the day on which it ended, each of a task
    by itself, deleted ones too. `charged` says how many of them the provider has
    billed, as far as is known.
    """
    viewer = auth.viewer_of_api()
    if not USER_ID.fullmatch(user_id):
        raise UserNotFound("an id that nobody can have")
    since, until = span(**query)
    rows = usage.by_day(viewer, user_id, since=since, until=until)
    days = groupby(rows, lambda row: row.date)
    return success(
        {
            "user_id": user_id,
            "from": since.isoformat(),
            "to": until.isoformat(),
            "days": [
                {"date": date.isoformat(), "models": models(list(found))}
                for date, found in days
            ],
            "totals": {**counted(rows), "outcomes": outcomes(rows)},
        }
    )


def models(rows: Sequence[UsageRow]) -> list[dict]:
    names = sorted({row.model for row in rows})
    return [
        {"model": name, "outcomes": outcomes([r for r in rows if r.model == name])}
        for name in names
    ]


def outcomes(rows: Sequence[UsageRow]) -> list[dict]:
    """Those that there are, in a fixed order."""
    return [
        {"outcome": outcome, **counted([r for r in rows if r.outcome == outcome])}
        for outcome in OUTCOMES
        if any(row.outcome == outcome for row in rows)
    ]


def counted(rows: Sequence[UsageRow]) -> dict:
    charged = Counter({"no": 0, "unknown": 0, "yes": 0})
    for row in rows:
        charged[row.charged] += row.pictures
    return {"pictures": charged.total(), "charged": dict(charged)}
