"""The shapes of a user's usage: what is asked, and what is answered."""

import re
from datetime import date, timedelta

from marshmallow import ValidationError, fields, validates_schema

from jimeng.documents import utcnow
from jimeng.schemas import Strict
from jimeng.schemas.fields import COMMON
from jimeng.schemas.kinds import a, one_of, some, text, whole
from jimeng.schemas.replies import Reply

USUAL_DAYS, MOST_DAYS = 30, 366
DATE = re.compile(r"2\d{3}-\d\d-\d\d", re.ASCII)
OUTCOMES = ("done", "failed", "cancelled", "unknown")


class Day(fields.Date):
    """A date of this millennium, ``2026-01-31``."""

    default_error_messages = {**COMMON, "invalid": "invalid.date"}

    def _deserialize(self, value, attr, data, **kwargs):
        if not DATE.fullmatch(value):
            raise ValidationError("invalid.date")
        return super()._deserialize(value, attr, data, **kwargs)


class Span(Strict):
    """``GET /api/v1/users/<id>/usage``: the days that are asked about."""

    since = Day(data_key="from")
    until = Day(data_key="to")

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


class Charged(Reply):
    no = whole(minimum=0)
    perhaps = fields.Integer(required=True, data_key="unknown", metadata={"minimum": 0})
    yes = whole(minimum=0)


class OutcomeUsage(Reply):
    outcome = one_of(*OUTCOMES)
    pictures = whole(minimum=0)
    charged = a(Charged)


class ModelUsage(Reply):
    model = text()
    outcomes = some(OutcomeUsage)


class DayUsage(Reply):
    date = text(format="date")
    models = some(ModelUsage)


class UsageTotals(Reply):
    pictures = whole(minimum=0)
    charged = a(Charged)
    outcomes = some(OutcomeUsage)


class UsageRecord(Reply):
    user_id = text()
    # Words of Python's own, which a class cannot have as names.
    since = fields.String(required=True, data_key="from", metadata={"format": "date"})
    until = fields.String(required=True, data_key="to", metadata={"format": "date"})
    days = some(DayUsage)
    totals = a(UsageTotals)
