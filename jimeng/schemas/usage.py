"""The shapes of a user's usage: what is asked, and what is answered."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from marshmallow import ValidationError, fields, validates_schema

from jimeng.documents import utcnow
from jimeng.schemas import Strict
from jimeng.schemas.fields import saying
from jimeng.schemas.kinds import Reply, a, count, day, flag, one_of, some, text
from jimeng.schemas.task_replies import MODEL
from jimeng.usage import UsageRow

USUAL_DAYS, MOST_DAYS = 30, 366
DATE = re.compile(r"2\d{3}-\d\d-\d\d", re.ASCII)
OUTCOMES = ("done", "failed", "cancelled", "unknown")


class DayField(fields.Date):
    """A date of this millennium, ``2026-01-31``."""

    default_error_messages = saying("date")

    def _deserialize(self, value, attr, data, **kwargs):
        if not DATE.fullmatch(value):
            raise ValidationError("invalid.date")
        return super()._deserialize(value, attr, data, **kwargs)


class Span(Strict):
    """``GET /api/v1/users/<id>/usage``: the days that are asked about."""

    since = DayField(data_key="from", metadata={"pattern": f"^{DATE.pattern}$"})
    until = DayField(data_key="to", metadata={"pattern": f"^{DATE.pattern}$"})

    @validates_schema
    def in_order(self, data: dict, **kwargs) -> None:
        since, until = span(**data)
        if since > until:
            raise ValidationError({"from": ["invalid.from_after_to"]})
        if (until - since).days >= MOST_DAYS:
            raise ValidationError({"from": ["invalid.too_many_days"]})


def span(since: date | None = None, until: date | None = None) -> tuple[date, date]:
    """The first and the last day: by default the last thirty, today included."""
    until = until or utcnow().date()
    return since or until - timedelta(days=USUAL_DAYS - 1), until


Rows = Sequence[UsageRow]


def split(name: str, order: Iterable[object] | None = None):
    """Rows by what *name* is in them, in *order* or in the order of the alphabet."""

    def of(rows: Rows) -> list[Rows]:
        found = {getattr(row, name) for row in rows}
        ordered = sorted(found) if order is None else [o for o in order if o in found]
        return [[row for row in rows if getattr(row, name) == each] for each in ordered]

    return of


def pictures(charged: str | None = None):
    def of(rows: Rows) -> int:
        return sum(row.pictures for row in rows if charged in {None, row.charged})

    return of


class Charged(Reply):
    no = count(pictures("no"))
    perhaps = count(pictures("unknown"), data_key="unknown")
    yes = count(pictures("yes"), example=5)


class OutcomeUsage(Reply):
    outcome = one_of(*OUTCOMES, of=lambda rows: rows[0].outcome)
    pictures = count(pictures(), example=5)
    charged = a(Charged, lambda rows: rows)


class ModelUsage(Reply):
    model = text(lambda rows: rows[0].model, example=MODEL)
    outcomes = some(OutcomeUsage, split("outcome", OUTCOMES))


class DayUsage(Reply):
    date = day(lambda rows: rows[0].date)
    models = some(ModelUsage, split("model"))


class UsageTotals(Reply):
    pictures = count(pictures(), example=5)
    charged = a(Charged, lambda rows: rows)
    outcomes = some(OutcomeUsage, split("outcome", OUTCOMES))


class UsageRecord(Reply):
    user_id = text(example="user_123")
    # Words of Python's own, which a class cannot have as names.
    since = day(data_key="from")
    until = day(data_key="to")
    days = some(DayUsage, lambda found: split("date")(found["rows"])[::-1])
    totals = a(UsageTotals, "rows")
    complete = flag("is_whole")
