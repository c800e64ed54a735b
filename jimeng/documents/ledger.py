"""
The ledger of costs, and their sums. Neither expires: they outlive tasks and users.

Amounts are integers, in millionths of a yuan.
"""

from mongoengine.fields import BooleanField, DateTimeField, IntField, StringField

from jimeng.documents.base import (
    DictField,
    Leased,
    ListField,
    Stored,
    named_index,
    utcnow,
)

AMOUNTS = ("micros", "outputs", "unknown", "unpriced")
# Costs are summed by these, and by day.
OWNERS = ("user_id", "key_id", "lane", "account")
# The sums of months: `CostSum.of`, and the field that says whose they are.
OF_MONTH = {"user_month": "user_id", "key_month": "key_id"}


class LedgerEntry(Stored):
    """
    What one generation has cost, or by how much that has changed. Never edited: a later
    change is a further entry.

    Attributes:
        id: ``generation|revision``, counted from 1.
        key_id: The API key of the request; empty if there was none.
        account: The account that pays.
        day: In ``BILLING_TIMEZONE``, ``2026-01-31``, on which this was decided.
        budget_day: The day in ``BILLING_TIMEZONE`` on which it was created.
        micros: The cost; below 0 if less than entered before.
        outputs: Charged outputs: 1, 0, or -1 if no longer charged.
        unknown: Outputs that may or may not be charged, likewise.
        unpriced: Charged outputs whose price is not known, likewise.
        price_id: The price by which it was settled.
        batch: The settler's batch that has entered it.
    """

    id = StringField(primary_key=True)
    generation = StringField(required=True)
    task_id = StringField(required=True)
    user_id = StringField(required=True)
    key_id = StringField(default="")
    lane = StringField(required=True)
    account = StringField(required=True)
    day = StringField(required=True)
    budget_day = StringField()
    micros = IntField(default=0)
    outputs = IntField(default=0)
    unknown = IntField(default=0)
    unpriced = IntField(default=0)
    price_id = StringField()
    batch = IntField(required=True)
    at = DateTimeField(default=utcnow)

    meta = {
        "collection": "ledger",
        "indexes": [
            named_index("generation", "generation"),
            named_index("day", "day"),
        ],
    }


class CostSum(Stored):
    """
    The sums of the ledger's entries of one day, lane and account: of one user and key,
    or of all. And those of one user, or one key, in a month.

    Attributes:
        id: All other fields except the amounts.
        of: ``user`` or ``all``; of a month ``user_month`` or ``key_month``.
        day: Absent from those of a month, as are `lane` and `account`.
        month: Of those only: ``2026-01``.
        user_id: Absent for ``all`` and ``key_month``.
        key_id: Absent for ``all`` and ``user_month``.
        batch: The latest batch that it includes.
    """

    id = StringField(primary_key=True)
    of = StringField(required=True)
    day = StringField()
    month = StringField()
    user_id = StringField()
    key_id = StringField()
    lane = StringField()
    account = StringField()
    micros = IntField(default=0)
    outputs = IntField(default=0)
    unknown = IntField(default=0)
    unpriced = IntField(default=0)
    batch = IntField(required=True)

    meta = {
        "collection": "costs",
        "indexes": [
            named_index("day", "of", "day"),
            named_index("user", "user_id", "day", having="user_id"),
            named_index("month", "of", "month", "-micros", "-_id", having="month"),
        ],
    }


class Settler(Leased):
    """
    The one record by which settlers take turns.

    Attributes:
        open: Always true.
        batch: The number of the latest batch.
        month_batch: The latest batch that the sums of months include. Less than `batch`
            if a release without these sums has settled since.
        pending: That batch, while it may not be entered and added up completely; a
            settler that finds one completes it first.
    """

    id = StringField(primary_key=True)
    open = BooleanField()
    batch = IntField(default=0)
    month_batch = IntField(default=0)
    pending = ListField(DictField(), default=None)

    meta = {"collection": "settlers"}
