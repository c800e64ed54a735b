"""Schemas of requests and responses: usage."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from marshmallow import ValidationError, fields, validates_schema

from jimeng.billing.costs import today
from jimeng.billing.usage import UsageRow
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    DescribedField,
    Reply,
    Strict,
    boolean,
    count,
    day,
    messages_for,
    nested,
    nested_list,
    text,
)
from jimeng.schemas.tasks import MODEL

USUAL_DAYS, MAX_DAYS = 30, 366
DATE = re.compile(r"2\d{3}-\d\d-\d\d", re.ASCII)
OUTCOMES = ("done", "failed", "cancelled", "unknown")


class DayField(DescribedField, fields.Date):
    """A date of this millennium, ``2026-01-31``."""

    default_error_messages = messages_for("date")

    def _deserialize(self, value, attr, data, **kwargs):
        if not DATE.fullmatch(value):
            raise ValidationError("invalid.date")
        return super()._deserialize(value, attr, data, **kwargs)


def span(since: date | None = None, until: date | None = None) -> tuple[date, date]:
    """Return the first and last day; by default the last thirty days, with today."""
    until = until or today()
    return since or until - timedelta(days=USUAL_DAYS - 1), until


class Span(Strict):
    """``GET /api/v1/users/<id>/usage``: the range of days."""

    whole = staticmethod(span)  # completes a range that is given in part

    since = DayField(
        field_descriptions.FROM,
        data_key="from",
        metadata={"pattern": f"^{DATE.pattern}$"},
    )
    until = DayField(
        field_descriptions.TO, data_key="to", metadata={"pattern": f"^{DATE.pattern}$"}
    )

    @validates_schema
    def in_order(self, data: dict, **kwargs) -> None:
        since, until = self.whole(data.get("since"), data.get("until"))
        if since > until:
            raise ValidationError({"from": ["invalid.from_after_to"]})
        if (until - since).days >= MAX_DAYS:
            raise ValidationError({"from": ["invalid.too_many_days"]})


Rows = Sequence[UsageRow]


def split(name: str, order: Iterable[object] | None = None):
    """Group rows by their value of *name*, in *order* or alphabetically."""

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
    no = count("Not charged", of=pictures("no"))
    perhaps = count("Perhaps charged", of=pictures("unknown"), data_key="unknown")
    yes = count("Charged", of=pictures("yes"), example=5)


class OutcomeUsage(Reply):
    outcome = text(
        "done, failed, cancelled (before it was submitted), or unknown (whether the "
        "provider accepted it)",
        choices=OUTCOMES,
        of=lambda rows: rows[0].outcome,
    )
    pictures = count(field_descriptions.PICTURES, of=pictures(), example=5)
    charged = nested(field_descriptions.CHARGED, Charged, of=lambda rows: rows)


class ModelUsage(Reply):
    model = text(
        field_descriptions.MODEL_NAME, of=lambda rows: rows[0].model, example=MODEL
    )
    outcomes = nested_list(
        field_descriptions.OUTCOMES, OutcomeUsage, of=split("outcome", OUTCOMES)
    )


class DayUsage(Reply):
    date = day(field_descriptions.DATE, of=lambda rows: rows[0].date)
    models = nested_list("The models used that day", ModelUsage, of=split("model"))


class UsageTotals(Reply):
    pictures = count(field_descriptions.PICTURES, of=pictures(), example=5)
    charged = nested(field_descriptions.CHARGED, Charged, of=lambda rows: rows)
    outcomes = nested_list(
        field_descriptions.OUTCOMES, OutcomeUsage, of=split("outcome", OUTCOMES)
    )


class UsageRecord(Reply):
    user_id = text(field_descriptions.USER_ID, example="user_123")
    # `from` is a Python keyword, so it cannot be an attribute name.
    since = day(field_descriptions.FROM, data_key="from")
    until = day(field_descriptions.TO, data_key="to")
    days = nested_list(
        "Days on which pictures were created that have ended, newest first",
        DayUsage,
        of=lambda found: split("date")(found["rows"])[::-1],
    )
    totals = nested("Totals for all days", UsageTotals, of="rows")
    complete = boolean(
        "False for a while after an upgrade: not all pictures that ended before it are "
        "counted yet",
        of="is_whole",
    )
