"""
The ledger of costs, and their sums. Neither expires: they outlive tasks and users.

Amounts are integers, in millionths of a yuan.
"""

from mongoengine.fields import BooleanField, DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.leased import Leased

AMOUNTS = ("micros", "outputs", "unknown", "unpriced")
# Costs are summed by these, and by day.
OWNERS = ("user_id", "key_id", "lane", "account")
# The sums of months: `CostSum.of`, and the field that says whose they are.
OF_MONTH = {"user_month": "user_id", "key_month": "key_id"}


class LedgerEntry(Stored):
    """
    How one generation has ended and what it has cost, or what has changed of that.
    Never edited: a later change is a further entry.

    Attributes:
        id: ``generation|revision``, counted from 1.
        key_id: The API key of the request; empty if there was none.
        account: The account that pays.
        day: In ``BILLING_TIMEZONE``, ``2026-01-31``, for which this counts: that of the
            generation's first entry, which is the day of its creation. (An earlier
            release has entered the day of the decision.)
        bill_day: The day on which this was decided, as in the provider's bill; absent
            in entries of an earlier release.
        budget_day: The day in ``BILLING_TIMEZONE`` on which it was created.
        ended: How it has ended, ``state|charged|code``, if no earlier entry says so;
            `ended_before` is what they say.
        corrected_at: When the cost of a month that was over has been changed by this.
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
    bill_day = StringField()
    budget_day = StringField()
    ended = StringField()
    ended_before = StringField()
    corrected_at = DateTimeField()
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
    or of all. And those of one user, or one key, in a month. How all generations have
    ended is also counted by the hour of their end, for some days, and since ever.

    Attributes:
        id: All other fields except the amounts.
        of: ``user`` or ``all``; of a month ``user_month`` or ``key_month``; ``hour``
            or ``ever``.
        day: Of an hour in UTC, ``2026-01-31T14``. Absent from those of a month, as are
            `lane` and `account`, and from those since ever.
        month: Of those only: ``2026-01``.
        user_id: Absent for ``all`` and ``key_month``.
        key_id: Absent for ``all`` and ``user_month``.
        ends: How many have ended how: ``state|charged|code`` -> number. Those of hours
            and since ever only grow: what ends once more counts once more.
        corrected_at: When it has last been changed after its month was over.
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
    ends = DictField(default=None)
    corrected_at = DateTimeField()
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
        month_batch: The latest batch that all sums include. Less than `batch` after a
            rebuild that has ended half way.
        ends_batch: The latest batch that has entered how its generations have ended.
            Not `batch` if a release that does not do that has settled since.
        ends_after: Up to which id, in their order, the generations are entered that
            ended before; absent once all are.
        pending: That batch, while it may not be entered and added up completely; a
            settler that finds one completes it first.
    """

    id = StringField(primary_key=True)
    open = BooleanField()
    batch = IntField(default=0)
    month_batch = IntField(default=0)
    ends_batch = IntField()
    ends_after = StringField()
    pending = ListField(DictField(), default=None)

    meta = {"collection": "settlers"}

    @property
    def has_all_ends(self) -> bool:
        """Whether the ledger says of all generations how they have ended."""
        return self.ends_batch == self.batch and self.ends_after is None
