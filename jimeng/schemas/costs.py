"""Schemas of requests and responses: costs, and what remains of budgets."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import islice
from typing import Any

from marshmallow import ValidationError, missing, validates_schema

from jimeng.billing.cost_reports import GROUPS, Cost, CostGroup
from jimeng.billing.costs import today, yuan
from jimeng.errors import Invalid
from jimeng.i18n import t
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    AS_USER_ID,
    OneOf,
    QueryBoolean,
    Reply,
    Text,
    boolean,
    count,
    day,
    instant,
    integer,
    list_of,
    messages_for,
    nested,
    nested_list,
    reject_user_with_customers,
    text,
    user_id_check,
)
from jimeng.schemas.usage import DATE, DayField, Span

MAX_GROUPS = 2
MAX_COST_ROWS = 10_000  # of a response in JSON
AS_DATE = {"pattern": f"^{DATE.pattern}$"}
GROUP = "|".join(GROUPS)


def month_so_far(
    since: date | None = None, until: date | None = None
) -> tuple[date, date]:
    """Return the first and last day: by default this month up to today."""
    until = until or today()
    return since or until.replace(day=1), until


class Groups(Text):
    """One or two of `GROUPS`, separated by a comma."""

    default_error_messages = messages_for("string")

    def _deserialize(self, value, attr, data, **kwargs):
        found = super()._deserialize(value, attr, data, **kwargs).split(",")
        known = len({*found} & {*GROUPS})
        if known != len(found) or known > MAX_GROUPS:
            raise ValidationError(t("invalid.cost_groups", known=", ".join(GROUPS)))
        return found


class CostQuery(Span):
    """``GET /api/v1/costs``: whose, of which days, and by what."""

    whole = staticmethod(month_so_far)
    since = DayField(
        "First day, in the server's billing time zone; defaults to the first of the "
        "month of to",
        data_key="from",
        metadata=AS_DATE,
    )
    until = DayField(
        "Last day, inclusive; defaults to today", data_key="to", metadata=AS_DATE
    )
    by = Groups(
        "What to group by: one or two of day, month, model, user, key, separated by a "
        "comma",
        load_default=("day",),
        metadata={"pattern": f"^({GROUP})(,({GROUP}))?$", "default": "day"},
    )
    user_id = Text(
        "Only the costs of this user", validate=user_id_check, metadata=AS_USER_ID
    )
    customers = QueryBoolean(
        "1 or true: also the costs of the account's customers, of a key with act_for "
        "those that it acts for",
        load_default=False,
    )
    format = Text(
        "The response's format",
        load_default="json",
        validate=OneOf("json", "csv"),
    )

    @validates_schema
    def one_or_many(self, data: dict, **kwargs) -> None:
        reject_user_with_customers(data)


class Amounts(Reply):
    cost = text(
        "In yuan, as text", of=lambda row: yuan(cost_of(row).micros), example="0.40"
    )
    cost_micros = integer(
        "In millionths of a yuan; below 0 where more was taken back than spent",
        of=lambda row: cost_of(row).micros,
        example=400000,
    )
    pictures = integer(
        "Charged pictures and videos",
        of=lambda row: cost_of(row).outputs,
        example=2,
    )
    perhaps = integer(
        "Pictures of which it is not known whether they are charged",
        data_key="unknown",
        of=lambda row: cost_of(row).unknown,
        example=0,
    )
    unpriced = integer(
        "Charged pictures without a known price, which are not in the cost",
        of=lambda row: cost_of(row).unpriced,
        example=0,
    )


def cost_of(row: Any) -> Cost:
    return row if isinstance(row, Cost) else row["costs"]


def of_group(name: str):
    """A field of the rows that are grouped by it; others lack it."""

    def of(row: dict) -> Any:
        return (row["groups"][name] or None) if name in row["groups"] else missing

    return of


def of_month(value: Callable[[CostGroup], Any]):
    """A field of the rows that are grouped by month; others lack it."""

    def of(row: dict) -> Any:
        return value(row["of"]) if "month" in row["groups"] else missing

    return of


class CostRow(Amounts):
    day = text("The day", of=of_group("day"), required=False, example="2026-01-31")
    month = text("The month, such as 2026-01", of=of_group("month"), required=False)
    model = text(field_descriptions.MODEL_NAME, of=of_group("model"), required=False)
    user_id = text(field_descriptions.USER_ID, of=of_group("user_id"), required=False)
    key_id = text(
        "The id of the API key; null for what was requested without one",
        of=of_group("key_id"),
        required=False,
        null=True,
    )

    is_open = boolean(
        "Of a month: whether it may still change, since it is not over, or pictures of "
        "it are held or unknown",
        data_key="open",
        of=of_month(lambda group: group.is_open),
        required=False,
    )
    corrected_at = instant(
        "Of a month: when it was last changed after its end; null if it was not",
        of=of_month(lambda group: group.corrected_at),
        required=False,
        null=True,
    )


class CostReport(Reply):
    # `from` is a Python keyword, so it cannot be an attribute name.
    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")
    zone = text("The time zone of the days", example="Asia/Shanghai")
    currency = text("The currency of all amounts", choices=["CNY"])
    by = list_of(
        "What the rows are grouped by",
        text(choices=[*GROUPS]),
        example=["day"],
    )
    total = nested("All rows together", Amounts)
    rows = nested_list(
        "One row for each group that has costs, in order of the groups", CostRow
    )


class BudgetRecord(Reply):
    """A `BudgetState`."""

    period = text("day or month, of the billing time zone", choices=("day", "month"))
    limit_micros = count(
        "The budget, in millionths of a yuan", of="limit", example=20000000
    )
    spent_micros = count(
        "What was spent in the period, with what is reserved, in millionths of a yuan",
        of="spent",
        example=400000,
    )
    remaining_micros = count(
        "What remains of it, in millionths of a yuan",
        of="remaining",
        example=19600000,
    )
    reopens_at = instant("When the next period begins")


def report_rows(names: Sequence[str], found) -> list[dict]:
    """
    The rows of a `CostReport`.

    Raises:
        Invalid: more than `MAX_COST_ROWS`.
    """
    rows = [
        {
            "groups": dict(zip(names, each.values, strict=True)),
            "costs": each.cost,
            "of": each,
        }
        for each in islice(found, MAX_COST_ROWS + 1)
    ]
    if len(rows) > MAX_COST_ROWS:
        raise Invalid.field("by", "invalid.too_many_cost_rows", max=MAX_COST_ROWS)
    return rows
