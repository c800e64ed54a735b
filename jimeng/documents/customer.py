"""Limits of single customers of a shop, who have no user record."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.config import Config
from jimeng.documents.base import Stored
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.spending import Budgets

# The names of a customer's limits, as in `ApiKey`.
PER_MINUTE, PER_DAY = "tasks_per_minute", "pictures_per_day"
DAILY, MONTHLY = "daily_budget_micros", "monthly_budget_micros"
LIMITS = (PER_MINUTE, PER_DAY, DAILY, MONTHLY)


class Customer(Stored):
    """
    The limits that were set for one customer; they outlive the customer's data.

    Attributes:
        id: The customer's.
        owner_id: The owner of the prefix.
        by_operator: Limits that replace the server's defaults; some of `LIMITS`.
        by_owner: Limits in addition: what an operator allows, the owner cannot exceed.
    """

    id = StringField(primary_key=True)
    owner_id = StringField(required=True)
    by_operator = DictField()
    by_owner = DictField()
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "customers",
        "indexes": [],
    }

    def limit(self, name: str, default: int | None = None) -> int | None:
        """The limit in force; None for none."""
        found = (self.by_operator.get(name, default), self.by_owner.get(name))
        return min((each for each in found if each is not None), default=None)

    def budgets(self, config: Config) -> Budgets:
        """The budgets in force."""
        of_server = {
            DAILY: config.USER_DAILY_BUDGET,
            MONTHLY: config.USER_MONTHLY_BUDGET,
        }
        return Budgets(*(self.limit(n, most or None) for n, most in of_server.items()))


def is_customer(user_id: str) -> bool:
    """Whether it may be the id of a shop's customer; no user record has such an id."""
    return ":" in user_id
