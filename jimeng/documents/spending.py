"""
Budgets: what a user, a key or the installation has spent of a day's and a month's.

Pictures count for the day on which they were created: with what they may cost at most,
until their cost is known. All amounts are integers, in millionths of a yuan.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mongoengine.fields import DateTimeField, IntField, StringField

from jimeng.config import Config
from jimeng.documents.base import Stored, number
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField

DAY, MONTH = "day", "month"
INSTALLATION = "installation"  # the id of its record


@dataclass(frozen=True)
class Budgets:
    """A daily and a monthly budget; None for no limit."""

    daily: int | None = None
    monthly: int | None = None

    @property
    def is_limited(self) -> bool:
        return self.daily is not None or self.monthly is not None

    @classmethod
    def of_installation(cls, config: Config) -> Self:
        return cls(config.DAILY_BUDGET or None, config.MONTHLY_BUDGET or None)

    def or_default(self, config: Config) -> "Budgets":
        """
        A user's budgets: those of the user's record, where 0 allows nothing; else those
        of the settings, where 0 is no limit.
        """
        daily, monthly = config.USER_DAILY_BUDGET, config.USER_MONTHLY_BUDGET
        return Budgets(
            (daily or None) if self.daily is None else self.daily,
            (monthly or None) if self.monthly is None else self.monthly,
        )

    def of(self, period: str) -> int | None:
        return self.daily if period == DAY else self.monthly


UNLIMITED = Budgets()


class WithBudgets:
    """
    A document with budgets of its own.

    Attributes:
        daily_budget_micros: What may be spent in a day, in micro-yuan, 0 for nothing;
            None for the default. Likewise `monthly_budget_micros`.
    """

    daily_budget_micros = IntField()
    monthly_budget_micros = IntField()

    @property
    def budgets(self) -> Budgets:
        return Budgets(self.daily_budget_micros, self.monthly_budget_micros)


@dataclass(frozen=True)
class Spent:
    """
    Attributes:
        used: What was charged, in micro-yuan.
        reserved: What is reserved in addition, in micro-yuan.
    """

    used: int = 0
    reserved: int = 0

    @property
    def total(self) -> int:
        return self.used + self.reserved


@dataclass(frozen=True)
class Spend:
    """
    An amount to reserve.

    Attributes:
        day: The day in ``BILLING_TIMEZONE``, ``2026-01-31``.
        micros: For all pictures of the request.
        budgets: What may be spent in all.
    """

    day: str
    micros: int
    budgets: Budgets = Budgets()

    @property
    def month(self) -> str:
        return self.day[:7]

    def period(self, name: str) -> str:
        """The day or month: ``2026-01-31`` or ``2026-01``."""
        return self.day if name == DAY else self.month

    def fits(self) -> list[dict]:
        """Query conditions for a record whose budgets are not exceeded by it."""
        found = []
        for begin, name, limit in (
            (self.day, "day_micros", self.budgets.daily),
            (self.month, "month_micros", self.budgets.monthly),
        ):
            if limit is not None:
                is_earlier = {"spend_day": {"$not": {"$gte": begin}}}
                fits = {name: {"$not": {"$gt": limit - self.micros}}}
                found.append({"$or": [is_earlier, fits]})
        return found

    def exceeds_alone(self) -> bool:
        """Whether it does not fit even if nothing was spent yet."""
        limits = (self.budgets.daily, self.budgets.monthly)
        return any(each is not None and self.micros > each for each in limits)

    def changes(self) -> dict:
        """The fields to set in an update pipeline."""
        found: dict = {"spend_day": {"$max": ["$spend_day", self.day]}}
        found["spend_at"] = utcnow()
        for begin, name in ((self.day, "day_micros"), (self.month, "month_micros")):
            # Also where `spend_day` is absent.
            is_new = {"$lt": ["$spend_day", begin]}
            more = {"$add": [number(f"${name}"), self.micros]}
            found[name] = {"$cond": [is_new, self.micros, more]}
        return found


def spending_decrements(days: Mapping[str, int]) -> dict:
    """
    The fields to set in an update pipeline to subtract amounts.

    Args:
        days: Day -> amount; days and months other than the latest do not count.
    """
    months: Counter[str] = Counter()
    for day, micros in days.items():
        months[day[:7]] += micros
    latest = {"$ifNull": ["$spend_day", ""]}
    this_month = {"$substrBytes": [latest, 0, 7]}
    return {
        "day_micros": _less("$day_micros", latest, days),
        "month_micros": _less("$month_micros", this_month, months),
    }


def _less(field: str, latest: dict, amounts: Mapping[str, int]) -> dict:
    """The *field* less the amount of the *latest* period, at least 0."""
    branches = [
        {"case": {"$eq": [latest, period]}, "then": micros}
        for period, micros in amounts.items()
    ]
    amount = {"$switch": {"branches": branches, "default": 0}}
    return {"$max": [{"$subtract": [number(field), amount]}, 0]}


class Spending(Stored):
    """
    Attributes:
        spend_day: The latest day with a submission.
        day_micros: What was spent on it, and is reserved.
        month_micros: The same for its month.
        spend_at: When anything was last reserved.
        spend_batch: The settler's latest batch that these include.
        refused: ``day`` and ``month`` -> the latest one in which a request was refused.
    """

    spend_day = StringField(default="")
    day_micros = IntField(default=0)
    month_micros = IntField(default=0)
    spend_at = DateTimeField()
    spend_batch = IntField(default=0)
    refused = DictField(default=None)

    meta = {"abstract": True}

    def spent_in(self, spend: Spend, period: str) -> int:
        """What was spent in the day or month of *spend*, and is reserved."""
        if period == DAY:
            return self.day_micros if self.spend_day >= spend.day else 0
        return self.month_micros if self.spend_day >= spend.month else 0


def exceeded_period(
    record: Spending | None, spend: Spend, budgets: Budgets
) -> str | None:
    """Whether *spend* exceeds one of these: ``day``, ``month``, or None."""
    for period in (DAY, MONTH):
        limit = budgets.of(period)
        spent = record.spent_in(spend, period) if record else 0
        if limit is not None and spent + spend.micros > limit:
            return period
    return None


class OwnerBudget(Spending):
    """
    What a user who owns prefixes of customers has spent, and all those customers with
    him: the user's own budgets, if set, bound that sum.

    Attributes:
        id: The user's.
        lanes: As in `QuotaUsage`, without ``pending``: in each lane the user and all
            customers together have one ticket after the other.
    """

    id = StringField(primary_key=True)
    lanes = DictField()

    meta = {"collection": "owner_budgets"}


class Budget(Spending):
    """What the installation has spent."""

    id = StringField(primary_key=True)

    meta = {"collection": "budgets"}
