"""Budgets in yuan: of the installation, and what their errors say."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jimeng.billing import costs
from jimeng.billing.costs import yuan, yuan_short
from jimeng.billing.counters import count_at_refusal, find_exceeded, reserve_spending
from jimeng.config import Config
from jimeng.documents import Budget, OwnerBudget, QuotaUsage, best_effort, utcnow
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    Budgets,
    Spend,
    Spending,
    Spent,
)
from jimeng.errors import BudgetExceeded
from jimeng.process.runtime import runtime

WARN_PERCENT = 80  # of a limit: it is nearly spent

SharedBudget = type[Budget] | type[OwnerBudget]


@dataclass(frozen=True)
class BudgetState:
    """
    What is spent of a budget.

    Attributes:
        period: ``day`` or ``month``.
        begin: The day or month: ``2026-01-31`` or ``2026-01``.
        limit: In micro-yuan.
        spent: What was charged in that period, and is reserved.
        has_refused: Whether it has refused a request in that period.
    """

    period: str
    begin: str
    limit: int
    spent: int
    reopens_at: datetime
    has_refused: bool = False

    @property
    def remaining(self) -> int:
        return max(self.limit - self.spent, 0)

    @property
    def is_nearly_spent(self) -> bool:
        return 100 * self.spent >= WARN_PERCENT * self.limit

    @property
    def is_exceeded(self) -> bool:
        """
        Whether nothing remains, or too little for the requests that come. One that was
        refused while much remained was only large.
        """
        return self.spent >= self.limit or (self.has_refused and self.is_nearly_spent)


def budget_states(record: Spending | None, budgets: Budgets) -> list[BudgetState]:
    """The state of a record's budgets today; empty if they have no limit."""
    now = Spend(costs.billing_day(utcnow()), 0)
    return [
        BudgetState(
            period,
            now.period(period),
            limit,
            record.spent_in(now, period) if record else 0,
            reopens_at(now.day, period),
            record is not None
            and (record.refused or {}).get(period) == now.period(period),
        )
        for period in (DAY, MONTH)
        if (limit := budgets.of(period)) is not None
    ]


def states_of_installation(config: Config) -> list[BudgetState]:
    """The state of the installation's budgets; empty if they have no limit."""
    budgets = Budgets.of_installation(config)
    if not budgets.is_limited:
        return []
    return budget_states(Budget.find_one({"_id": INSTALLATION}), budgets)


def reserve_of_installation(spend: Spend) -> None:
    """
    Reserve from the installation's budgets.

    Args:
        spend: With these budgets, at least one of which is limited.

    Raises:
        BudgetExceeded: less than that remains.
    """
    period = reserve_spending(Budget, INSTALLATION, spend)
    if period is not None:
        raise refusal_of(Budget, INSTALLATION, spend, period)


def refusal_of(
    kind: SharedBudget, row_id: str, spend: Spend, period: str
) -> BudgetExceeded:
    """Record that a request is refused; return its error."""
    record_refusal(kind, row_id, spend, period)
    return over_budget(kind, row_id, spend, period)


def check_budget(kind: SharedBudget, row_id: str, spend: Spend) -> None:
    """Raise what an order would, and reserve nothing."""
    period = find_exceeded(kind, row_id, spend)
    if period is not None:
        raise over_budget(kind, row_id, spend, period)


def over_budget(
    kind: SharedBudget, row_id: str, spend: Spend, period: str
) -> BudgetExceeded:
    spent = count_at_refusal(kind, row_id, spend, period)
    whose = "installation" if kind is Budget else "owner"
    return budget_error(whose, spend, spend.budgets, period, spent)


def record_refusal(
    kind: type[Spending], row_id: str, spend: Spend, period: str
) -> None:
    """Store for the webhook event that a request was refused."""
    refused: dict = {f"refused.{period}": spend.period(period)}
    if kind is QuotaUsage:
        refused["taken_at"] = utcnow()
    with best_effort("refusal"):
        kind.collection(durable=False).update_one({"_id": row_id}, {"$set": refused})


def budget_error(
    whose: str, spend: Spend, budgets: Budgets, period: str, spent: Spent
) -> BudgetExceeded:
    """
    Args:
        whose: ``user``, ``key``, ``owner`` or ``installation``.
        period: ``day`` or ``month``.
        spent: In that period.
    """
    now, limit = utcnow(), budgets.of(period) or 0
    reopens = reopens_at(spend.day, period)
    error = BudgetExceeded(
        f"{whose} {period} {spend.micros} of {limit}, used {spent.used}, "
        f"reserved {spent.reserved}",
        retry_after=max(-(-(reopens - now) // timedelta(seconds=1)), 1),
        limit=yuan_short(limit),
        used=yuan_short(spent.used),
        held=yuan_short(spent.reserved),
        needed=yuan_short(spend.micros),
        reopens=f"{reopens:%Y-%m-%d %H:%M} ({runtime().config.BILLING_TIMEZONE})",
    )
    error.budget = {
        **budget_fields(whose, spend.day, period, limit, spent),
        "needed": yuan(spend.micros),
        "needed_micros": spend.micros,
    }
    return error


def budget_fields(
    whose: str, day: str, period: str, limit: int, spent: Spent
) -> dict[str, object]:
    """
    What errors and webhook events say of a budget.

    Args:
        whose: As in `budget_error`, and so is *period*.
        day: In ``BILLING_TIMEZONE``, of that period.
        limit: In micro-yuan.
    """
    return {
        "whose": whose,
        "period": period,
        "limit": yuan(limit),
        "limit_micros": limit,
        "used": yuan(spent.used),
        "used_micros": spent.used,
        "held": yuan(spent.reserved),
        "held_micros": spent.reserved,
        "reopens_at": reopens_at(day, period).isoformat(),
    }


def reopens_at(day: str, period: str) -> datetime:
    """When the next day or month begins in ``BILLING_TIMEZONE``."""
    today = date.fromisoformat(day)
    following = today + timedelta(days=1)
    if period == MONTH:
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return costs.day_begin(following)
