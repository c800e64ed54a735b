"""
Budgets in yuan: of the installation, and what their errors say.

The installation's is one record that all requests share. So each process reserves a
slice of it in advance and serves requests from that; the less remains, the smaller is
the slice, down to what a single request needs.
"""

import threading
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock

from jimeng import jobs
from jimeng.documents import Budget, best_effort, new_token, utcnow
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    Budgets,
    Spend,
    Spending,
    Spent,
    exceeded_period,
)
from jimeng.errors import BudgetExceeded
from jimeng.jobs import costs, spending
from jimeng.jobs.costs import yuan, yuan_short

SLICE_S = 30.0  # after that a process takes a new slice
SLICE_SHARE = 64  # of what remains of the budget


@dataclass
class Slice:
    """
    What this process has reserved in advance.

    Attributes:
        process: Its name in the record; a new one after a fork.
        day: For pictures of this day.
        micros: What remains of it.
        until: By `time.monotonic`.
        following: The size of the next one.
    """

    process: str = ""
    day: str = ""
    micros: int = 0
    until: float = 0.0
    following: int = 0


_slice = Slice()
_lock = threading.Lock()


@dataclass(frozen=True)
class BudgetState:
    """
    What is spent of a budget.

    Attributes:
        period: ``day`` or ``month``.
        limit: In micro-yuan.
        spent: What was charged in that period, and is reserved.
    """

    period: str
    limit: int
    spent: int
    reopens_at: datetime

    @property
    def remaining(self) -> int:
        return max(self.limit - self.spent, 0)


def budget_states(record: Spending | None, budgets: Budgets) -> list[BudgetState]:
    """The state of a record's budgets today; empty if they have no limit."""
    now = Spend(costs.billing_day(utcnow()), 0)
    return [
        BudgetState(
            period,
            limit,
            record.spent_in(now, period) if record else 0,
            reopens_at(now.day, period),
        )
        for period in (DAY, MONTH)
        if (limit := budgets.of(period)) is not None
    ]


def reserve_of_installation(spend: Spend) -> None:
    """
    Reserve from the installation's budgets.

    Args:
        spend: With these budgets, at least one of which is limited.

    Raises:
        BudgetExceeded: less than that remains.
    """
    budgets = spend.budgets
    with _lock:
        mine = _slice
        remaining = mine.micros if mine.day == spend.day else 0
        if remaining >= spend.micros and time.monotonic() < mine.until:
            mine.micros -= spend.micros
            return
        mine.process = mine.process or new_token()
        sizes = dict.fromkeys((max(mine.following, spend.micros), spend.micros))
        # First with what remains, then without: a recount may have returned that.
        for part in dict.fromkeys((remaining, 0)):
            for size in sizes:
                wanted = Spend(spend.day, size, budgets)
                granted = Budget.grant(mine.process, wanted, part)
                if granted is not None:
                    mine.day, mine.micros = spend.day, size - spend.micros
                    mine.until = time.monotonic() + SLICE_S
                    mine.following = _next_size(granted, spend, budgets)
                    return
    record = Budget.find_one({"_id": INSTALLATION})
    period = exceeded_period(record, spend, budgets) or DAY
    spent = spending.spent_by_all(spend.period(period))
    record_refusal(Budget, INSTALLATION, spend, period)
    raise budget_error("installation", spend, budgets, period, spent)


def _next_size(record: Budget, spend: Spend, budgets: Budgets) -> int:
    """A share of what remains of the budget, in multiples of a request's amount."""
    limits = ((period, budgets.of(period)) for period in (DAY, MONTH))
    remaining = min(
        limit - record.spent_in(spend, period)
        for period, limit in limits
        if limit is not None
    )
    return spend.micros * (remaining // SLICE_SHARE // spend.micros)


def release_of_installation(spend: Spend) -> None:
    """Return what a request has reserved that has created nothing."""
    with _lock:
        if _slice.day == spend.day:
            _slice.micros += spend.micros


def clear_slice() -> None:
    """Forget what this process has reserved in advance."""
    with _lock:
        vars(_slice).update(vars(Slice()))


def record_refusal(
    kind: type[Spending], row_id: str, spend: Spend, period: str
) -> None:
    """Store for the webhook event that a request was refused."""
    refused = {"$set": {f"refused.{period}": spend.period(period)}}
    with best_effort("refusal"):
        kind.collection(durable=False).update_one({"_id": row_id}, refused)


def budget_error(
    whose: str, spend: Spend, budgets: Budgets, period: str, spent: Spent
) -> BudgetExceeded:
    """
    Args:
        whose: ``user``, ``key`` or ``installation``.
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
        reopens=f"{reopens:%Y-%m-%d %H:%M} ({jobs.runtime().config.BILLING_TIMEZONE})",
    )
    error.budget = {
        "whose": whose,
        "period": period,
        "limit": yuan(limit),
        "limit_micros": limit,
        "used": yuan(spent.used),
        "used_micros": spent.used,
        "held": yuan(spent.reserved),
        "held_micros": spent.reserved,
        "needed": yuan(spend.micros),
        "needed_micros": spend.micros,
        "reopens_at": reopens.isoformat(),
    }
    return error


def reopens_at(day: str, period: str) -> datetime:
    """When the next day or month begins in ``BILLING_TIMEZONE``."""
    today = date.fromisoformat(day)
    following = today + timedelta(days=1)
    if period == MONTH:
        following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(following, clock.min, costs.billing_zone())
