"""Correct the amounts spent of budgets: prices that rise, counts that are wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jimeng.billing import costs
from jimeng.billing.costs import Price
from jimeng.billing.counters import (
    Owner,
    raise_to_count,
    recount,
    release_spending,
    reserve_spending,
)
from jimeng.documents import (
    ApiKey,
    Budget,
    Customer,
    Generation,
    OwnerBudget,
    QuotaUsage,
    User,
    utcnow,
)
from jimeng.documents.customer import is_customer
from jimeng.documents.spending import (
    INSTALLATION,
    UNLIMITED,
    Budgets,
    Spend,
)
from jimeng.errors import BudgetExceeded
from jimeng.process.runtime import runtime


@dataclass
class HoldIncrease:
    """
    What a picture costs more than is held for it, at the price by which it is sent.

    Attributes:
        micros: What is to be held in all; None if that is held already.
    """

    micros: int | None = None
    reserved: list[tuple[Owner, str, Spend]] = field(default_factory=list)

    def release(self) -> None:
        """Return what was reserved: the new amount is not stored."""
        for kind, row_id, spend in self.reserved:
            release_spending(kind, row_id, spend)
        self.reserved.clear()


def increase_hold(generation: Generation, price: Price | None) -> HoldIncrease:
    """
    Reserve what a picture costs more than is held for it, from all its budgets and for
    the day of its order, so that nothing is sent above its hold.

    Raises:
        BudgetExceeded: less than that remains; then nothing is reserved.
    """
    more, held = HoldIncrease(), generation.held_micros or 0
    day = generation.budget_day
    if day is None or price is None or price.micros <= held:
        return more
    more.micros = price.micros
    for kind, row_id, budgets in _budgets_of(generation):
        spend = Spend(day, price.micros - held, budgets)
        period = reserve_spending(kind, row_id, spend)
        if period is not None:
            more.release()
            raise BudgetExceeded(f"{period} of {row_id}: {price.micros}, held {held}")
        more.reserved.append((kind, row_id, spend))
    return more


def _budgets_of(generation: Generation) -> Iterator[tuple[Owner, str, Budgets]]:
    """What a picture counts for, in the order in which its task was counted."""
    if generation.by_key:
        key = ApiKey.find_one({"_id": generation.by_key})
        yield ApiKey, generation.by_key, key.budgets if key else UNLIMITED
    yield QuotaUsage, generation.user_id, _of_user(generation.user_id)
    if generation.owner_id:
        owner = User.find_one({"_id": generation.owner_id})
        yield OwnerBudget, generation.owner_id, owner.budgets if owner else UNLIMITED
    of_all = Budgets.of_installation(runtime().config)
    if of_all.is_limited:
        yield Budget, INSTALLATION, of_all


def _of_user(user_id: str) -> Budgets:
    """The budgets of a user, or of a customer."""
    config = runtime().config
    if customer := is_customer(user_id) and Customer.find_one({"_id": user_id}):
        return customer.budgets(config)
    user = User.find_one({"_id": user_id})
    return (user.budgets if user else UNLIMITED).or_default(config)


def recount_shared() -> None:
    """
    Correct what the installation has spent, and each owner of customers with a budget:
    a process that dies leaves too much, one without the limit counts nothing, and a
    MongoDB that is killed may lose what was not journaled yet.
    """
    day = costs.billing_day(utcnow())
    shared: list[tuple[Owner, str]] = []
    if Budgets.of_installation(runtime().config).is_limited:
        shared.append((Budget, INSTALLATION))
    owners = User.find_all({"user_prefixes": {"$exists": True}})
    shared += [(OwnerBudget, each.id) for each in owners if each.budgets.is_limited]
    for kind, row_id in shared:
        if not recount(kind, row_id, day):
            raise_to_count(kind, row_id, day)
