"""A shop's customers: their limits, and the deletion of what is theirs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from jimeng import jobs, limits
from jimeng.accounts import key_cache, users
from jimeng.accounts.users import yuan_or_none
from jimeng.documents import Customer, Task, User, utcnow
from jimeng.documents.customer import DAILY, LIMITS, MONTHLY, PER_DAY, PER_MINUTE
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.spending import Budgets
from jimeng.errors import Invalid
from jimeng.errors.access import UserNotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CustomerView:
    """
    A customer, with the attributes of a `User`.

    Attributes:
        tasks_per_minute: The limit that was set; None for the server's default.
            Likewise `pictures_per_day`, and the budgets in micro-yuan.
        budgets: Those in force.
    """

    id: str
    tasks_per_minute: int | None
    pictures_per_day: int | None
    daily_budget_micros: int | None
    monthly_budget_micros: int | None
    budgets: Budgets
    email: None = None
    name: None = None
    role: str = "customer"


def find(principal: Principal, user_id: str) -> CustomerView:
    """
    Return a customer's limits.

    Raises:
        UserNotFound: the principal may not see the customer, or nobody owns the prefix.
        UserIdNotYours: as in `Principal.require_reader`.
    """
    principal.require_reader(user_id)
    owner_of(user_id)
    return _view(Customer.find_one({"_id": user_id}) or Customer(id=user_id))


def owner_of(user_id: str) -> str:
    """
    Raises:
        UserNotFound: nobody owns a prefix of that id.
    """
    owner = User.owner_of(user_id)
    if owner is None:
        raise UserNotFound(f"customer {user_id[:64]!r}")
    return owner


def require_owner(principal: Principal, user_id: str, what: str) -> None:
    """
    Require that the principal may decide about a customer.

    Args:
        what: The requested action, for the log.

    Raises:
        UserNotFound, UserIdNotYours: as in `Principal.require_reader`.
        ScopeTooSmall: the key neither acts for the customer nor may delete accounts.
    """
    principal.require_reader(user_id)
    key = principal.key
    if key is None or not key.acts_for(user_id):
        principal.require_account(what)


def set_limits(
    principal: Principal, user_id: str, **wanted: int | None
) -> CustomerView:
    """
    Set limits of a customer: an operator's replace the server's defaults, the owner's
    apply in addition to what an operator allows.

    Args:
        wanted: Some of `LIMITS`; None to remove one.

    Raises:
        UserNotFound, UserIdNotYours, ScopeTooSmall: as in `find` and `require_owner`.
        Invalid: a field that customers do not have.
    """
    require_owner(principal, user_id, "a customer's limits")
    owner = owner_of(user_id)
    if others := wanted.keys() - set(LIMITS):
        raise Invalid({name: [("invalid.not_of_customers", {})] for name in others})
    whose = "by_operator" if principal.is_operator else "by_owner"
    fields = {f"{whose}.{name}": most for name, most in wanted.items()}
    update: dict = {"$set": {"owner_id": owner, "updated_at": utcnow()}}
    update["$set"] |= {name: most for name, most in fields.items() if most is not None}
    if gone := {name: "" for name, most in fields.items() if most is None}:
        update["$unset"] = gone
    told = {
        name.removesuffix("_micros"): yuan_or_none(most)
        if name.endswith("_micros")
        else most
        for name, most in wanted.items()
    }
    with recorded_on_behalf(principal, user_id, "users.update", **told):
        # First: whoever reads the key from now on looks for the limits.
        has_limits = {"$set": {"limits_customers": True}}
        User.collection().update_one({"_id": owner}, has_limits)
        Customer.collection().update_one({"_id": user_id}, update, upsert=True)
        key_cache.access_changed()
        limits.clear_quota_cache()
    log.info("customer limited id=%s by=%s", user_id, principal.user_id)
    return find(principal, user_id)


def reject_limits(wanted: Mapping) -> None:
    """
    Raises:
        Invalid: limits that only customers have.
    """
    if names := wanted.keys() & {PER_MINUTE, PER_DAY}:
        raise Invalid({name: [("invalid.of_customers", {})] for name in names})


def delete(principal: Principal, user_id: str) -> None:
    """
    Delete what belongs to a customer, who may be deleted again. Costs, limits and what
    is used up of these stay.

    Raises:
        UserNotFound: as in `find`; but the customers of an owner who is deleted have
            tasks.
        UserIdNotYours, ScopeTooSmall: as in `require_owner`.
    """
    require_owner(principal, user_id, "deleting a customer")
    if Task.find_one({"user_id": user_id}) is None:
        owner_of(user_id)
    with recorded_on_behalf(principal, user_id, "users.delete"):
        removed = users.delete_data(principal, user_id)
    log.info("customer deleted id=%s tasks=%d", user_id, removed)


def _view(customer: Customer) -> CustomerView:
    return CustomerView(
        customer.id,
        customer.limit(PER_MINUTE),
        customer.limit(PER_DAY),
        customer.limit(DAILY),
        customer.limit(MONTHLY),
        budgets=customer.budgets(jobs.runtime().config),
    )
