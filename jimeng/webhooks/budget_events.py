"""
Webhook events: the budget of a user, a key or the installation is nearly spent, or a
request was refused for it. Those of a key go to the endpoints of its user, those of a
shop's customer to the shop's, too, and those of the installation to those of admins.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from jimeng.billing import costs
from jimeng.billing.budgets import WARN_PERCENT, budget_fields
from jimeng.billing.counters import count_spent
from jimeng.documents import (
    ApiKey,
    Budget,
    Customer,
    OwnerBudget,
    QuotaUsage,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    utcnow,
)
from jimeng.documents.customer import is_customer
from jimeng.documents.principal import begins_with
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    UNLIMITED,
    Budgets,
    Spending,
)
from jimeng.documents.webhook import BUDGET_EXCEEDED, BUDGET_WARNING
from jimeng.process.runtime import runtime
from jimeng.webhooks import outbox

INTERVAL_S = 10.0
# Users who have spent since the run before, with time for a run that is late.
SPENT_SINCE = timedelta(minutes=5)
MAX_USERS = 1000  # in one run
BUDGETS = ("daily_budget_micros", "monthly_budget_micros")
Due = tuple[str, str, dict]  # the period, the event, its ``data``
NAMED = {"url": {"$exists": True}}  # endpoints; each user has one without a URL, too


def announce_budgets() -> None:
    """
    Insert the deliveries of budgets that are nearly spent, or exceeded: one for each
    budget, period and event, however often this runs.
    """
    now = utcnow()
    today, recent = costs.billing_day(now), {"spend_at": {"$gte": now - SPENT_SINCE}}
    owners = WebhookEndpoint.collection().distinct("user_id", NAMED)
    found = [*_of_users(owners, today, recent), *_of_installation(today, recent)]
    if owners:
        found += _of_shops(owners, today, recent)
        found += _of_keys(owners, today, recent)
        found += _of_customers(owners, today, now - SPENT_SINCE)
    due = {each.delivery_id: each for each in found}
    announced = {*WebhookDelivery.find_ids({"_id": {"$in": [*due]}})}
    new = [each for name, each in due.items() if name not in announced]
    outbox.insert([each.delivery() for each in new])


def _of_users(owners: list[str], today: str, recent: dict) -> Iterator["BudgetEvent"]:
    usages = QuotaUsage.find_all({"_id": {"$in": owners}, **recent}, limit=MAX_USERS)
    if not usages:
        return
    ids = [usage.id for usage in usages]
    users = {user.id: user.budgets for user in User.find_all({"_id": {"$in": ids}})}
    users |= _limited([each for each in ids if is_customer(each)])
    endpoints = _endpoints_of(ids)
    for usage in usages:
        budgets = users.get(usage.id, UNLIMITED).or_default(runtime().config)
        of = {"whose": "user", "user_id": usage.id}
        due = events_of(usage, budgets, today, of)
        yield from _events_for(endpoints[usage.id], usage, due)


def _of_shops(owners: list[str], today: str, recent: dict) -> Iterator["BudgetEvent"]:
    """Those of users who own customers: of them and all these customers together."""
    usages = OwnerBudget.find_all({"_id": {"$in": owners}, **recent}, limit=MAX_USERS)
    ids = [usage.id for usage in usages]
    users = User.find_all({"_id": {"$in": ids}}) if ids else []
    budgets = {user.id: user.budgets for user in users}
    endpoints = _endpoints_of(ids)
    for usage in usages:
        of = {"whose": "owner", "user_id": usage.id}
        due = events_of(usage, budgets.get(usage.id, UNLIMITED), today, of)
        yield from _events_for(endpoints[usage.id], usage, due)


def _of_keys(owners: list[str], today: str, recent: dict) -> Iterator["BudgetEvent"]:
    limited = [{name: {"$gt": 0}} for name in BUDGETS]
    where = {"user_id": {"$in": owners}, "$or": limited, **recent}
    keys = ApiKey.find_all(where, limit=MAX_USERS)
    endpoints = _endpoints_of({key.user_id for key in keys})
    for key in keys:
        of = {"whose": "key", "user_id": key.user_id, "key_id": key.id}
        due = events_of(key, key.budgets, today, of)
        yield from _events_for(endpoints[key.user_id], key, due)


def _of_customers(
    owners: list[str], today: str, since: datetime
) -> Iterator["BudgetEvent"]:
    """Those of customers, for the users among *owners* who own them."""
    budgets = UNLIMITED.or_default(runtime().config)
    limiting = User.find_ids({"_id": {"$in": owners}, "limits_customers": True})
    if not limiting and not budgets.is_limited:
        return
    mine = {"_id": {"$in": owners}, "user_prefixes": {"$gt": ""}}
    shops = User.find_all(mine, {"user_prefixes": 1})
    prefixes = [prefix for shop in shops for prefix in shop.user_prefixes]
    if not prefixes:
        return
    recent = {
        "taken_at": {"$gte": since},
        "_id": {"$in": [begins_with(prefix) for prefix in prefixes]},
    }
    ids = QuotaUsage.find_ids(recent, hint="forgotten") if limiting else []
    limited = _limited(ids)
    nearly = [
        {name: {"$gte": limit * WARN_PERCENT / 100}}
        for name, limit in (
            ("day_micros", budgets.daily),
            ("month_micros", budgets.monthly),
        )
        if limit is not None
    ]
    of_limited = {"_id": {"$in": [*limited]}}
    usages = QuotaUsage.find_all(
        {
            **recent,
            "$or": [*nearly, {"refused": {"$exists": True}}, of_limited],
        },
        hint="forgotten",
        limit=MAX_USERS,
    )
    found = {usage.id: User.owner_of(usage.id) for usage in usages}
    endpoints = _endpoints_of({*owners}.intersection(found.values()))
    for usage in usages:
        of = {"whose": "user", "user_id": usage.id}
        due = events_of(usage, limited.get(usage.id, budgets), today, of)
        yield from _events_for(endpoints[found[usage.id] or ""], usage, due)


def _limited(customers: list[str]) -> dict[str, Budgets]:
    """The budgets in force of those customers for whom limits were set."""
    where, config = {"_id": {"$in": customers}}, runtime().config
    found = Customer.find_all(where) if customers else []
    return {each.id: each.budgets(config) for each in found}


def _endpoints_of(user_ids: Iterable[str]) -> outbox.Endpoints:
    """User -> endpoints with a URL; none for all others."""
    found: outbox.Endpoints = defaultdict(list)
    ids = [*user_ids]
    where = {"user_id": {"$in": ids}, **NAMED}
    for each in WebhookEndpoint.find_all(where) if ids else ():
        found[each.user_id].append(each)
    return found


def _of_installation(today: str, recent: dict) -> Iterator["BudgetEvent"]:
    budgets = Budgets.of_installation(runtime().config)
    if not budgets.is_limited:
        return
    spent = Budget.find_one({"_id": INSTALLATION, **recent})
    if spent is None:
        return
    of = {"whose": "installation", "user_id": None}
    due = [*events_of(spent, budgets, today, of)]
    if due:
        yield from _events_for(_endpoints_of_admins(), spent, due)


def _endpoints_of_admins() -> list[WebhookEndpoint]:
    """With sign-in off everybody is an operator."""
    if not runtime().config.sign_in:
        return WebhookEndpoint.find_all(NAMED)
    rows = User.collection().find({"role": "admin", "disabled_at": None}, {"_id": 1})
    ids = [row["_id"] for row in rows]
    return WebhookEndpoint.find_all({"user_id": {"$in": ids}, **NAMED})


def _events_for(
    endpoints: Iterable[WebhookEndpoint], usage: Spending, events: Iterable[Due]
) -> Iterator["BudgetEvent"]:
    for period, event, data in events:
        for each in endpoints:
            if each.wants(event):
                yield BudgetEvent(each, event, data, usage, period)


def events_of(usage: Spending, budgets: Budgets, today: str, of: dict) -> Iterator[Due]:
    """
    Yield the events that are due.

    Args:
        of: The fields that name whose budgets these are.
    """
    for period, name in ((DAY, today), (MONTH, today[:7])):
        limit = budgets.of(period)
        if limit is None or usage.spend_day < name:
            continue
        spent = usage.day_micros if period == DAY else usage.month_micros
        data = {
            **of,
            "period": name,
            "limit": costs.yuan(limit),
            "limit_micros": limit,
            "spent": costs.yuan(spent),
            "spent_micros": spent,
        }
        if 100 * spent >= WARN_PERCENT * limit:
            yield period, BUDGET_WARNING, data
        if spent >= limit or (usage.refused or {}).get(period) == name:
            yield period, BUDGET_EXCEEDED, data


@dataclass(frozen=True)
class BudgetEvent:
    """
    An event of a budget, for one endpoint; a budget that is raised has events of its
    own.

    Attributes:
        usage: The record of what is spent of it.
        period: ``day`` or ``month``.
    """

    endpoint: WebhookEndpoint
    event: str
    data: dict
    usage: Spending
    period: str

    @property
    def subject(self) -> str:
        # The ids of users and keys have no space.
        whose = self.data.get("key_id") or self.data["user_id"] or "the installation"
        return f"{whose} {self.data['period']}"

    @property
    def delivery_id(self) -> str:
        limit = self.data["limit_micros"]
        return WebhookDelivery.id_of(self.subject, self.event, limit, self.endpoint.id)

    def delivery(self) -> dict:
        begin, user_id = self.data["period"], self.data["user_id"]
        spent = count_spent(type(self.usage), self.usage.id, begin)
        day = begin if self.period == DAY else f"{begin}-01"
        whose, limit = self.data["whose"], self.data["limit_micros"]
        budget = budget_fields(whose, day, self.period, limit, spent)
        row = outbox.new_delivery(
            *(self.endpoint, self.event, self.subject, utcnow()),
            {**self.data, "budget": budget},
            owner=User.owner_of(user_id) if user_id else None,
        )
        return {**row, "_id": self.delivery_id}
