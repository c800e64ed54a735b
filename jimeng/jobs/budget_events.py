"""
Webhook events: a user's budget, or the installation's, is nearly spent, or a request
was refused for it. Those of the installation go to the endpoints of admins.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from jimeng.documents import (
    Budget,
    QuotaUsage,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    utcnow,
)
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    UNLIMITED,
    Budgets,
    Spending,
)
from jimeng.documents.webhook import BUDGET_EXCEEDED, BUDGET_WARNING
from jimeng.jobs import costs, webhook_outbox
from jimeng.jobs.runtime import runtime

INTERVAL_S = 10.0
WARN_PERCENT = 80
# Users who have spent since the run before, with time for a run that is late.
SPENT_SINCE = timedelta(minutes=5)
MAX_USERS = 1000  # in one run
NAMED = {"url": {"$exists": True}}  # endpoints; each user has one without a URL, too


def announce_budgets() -> None:
    """
    Insert the deliveries of budgets that are nearly spent, or exceeded: one for each
    budget, period and event, however often this runs.
    """
    now = utcnow()
    today, recent = costs.billing_day(now), {"spend_at": {"$gte": now - SPENT_SINCE}}
    webhook_outbox.insert([*_of_users(today, recent), *_of_installation(today, recent)])


def _of_users(today: str, recent: dict) -> Iterator[dict]:
    owners = WebhookEndpoint.collection().distinct("user_id", NAMED)
    usages = QuotaUsage.find_all({"_id": {"$in": owners}, **recent}, limit=MAX_USERS)
    if not usages:
        return
    ids = {"$in": [usage.id for usage in usages]}
    users = {user.id: user.budgets for user in User.find_all({"_id": ids})}
    endpoints = WebhookEndpoint.find_all({"user_id": ids, **NAMED})
    for usage in usages:
        budgets = users.get(usage.id, UNLIMITED).or_default(runtime().config)
        mine = [each for each in endpoints if each.user_id == usage.id]
        of = {"whose": "user", "user_id": usage.id}
        yield from _deliveries(mine, events_of(usage, budgets, today, of))


def _of_installation(today: str, recent: dict) -> Iterator[dict]:
    budgets = Budgets.of_installation(runtime().config)
    if not budgets.is_limited:
        return
    spent = Budget.find_one({"_id": INSTALLATION, **recent})
    if spent is None:
        return
    of = {"whose": "installation", "user_id": None}
    due = [*events_of(spent, budgets, today, of)]
    if due:
        yield from _deliveries(_endpoints_of_admins(), due)


def _endpoints_of_admins() -> list[WebhookEndpoint]:
    """With sign-in off everybody is an operator."""
    if not runtime().config.sign_in:
        return WebhookEndpoint.find_all(NAMED)
    rows = User.collection().find({"role": "admin", "disabled_at": None}, {"_id": 1})
    ids = [row["_id"] for row in rows]
    return WebhookEndpoint.find_all({"user_id": {"$in": ids}, **NAMED})


def _deliveries(
    endpoints: Iterable[WebhookEndpoint], events: Iterable[tuple[str, dict]]
) -> Iterator[dict]:
    for event, data in events:
        for each in endpoints:
            if each.wants(event):
                yield delivery(each, event, data)


def events_of(
    usage: Spending, budgets: Budgets, today: str, of: dict
) -> Iterator[tuple[str, dict]]:
    """
    Yield the events that are due, with their ``data``.

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
            yield BUDGET_WARNING, data
        if spent >= limit or (usage.refused or {}).get(period) == name:
            yield BUDGET_EXCEEDED, data


def delivery(endpoint: WebhookEndpoint, event: str, data: dict) -> dict:
    """The delivery of an event; a budget that is raised has events of its own."""
    # The ids of users have no space.
    subject = f"{data['user_id'] or 'the installation'} {data['period']}"
    row = webhook_outbox.new_delivery(endpoint, event, subject, utcnow(), data)
    name = WebhookDelivery.id_of(subject, event, data["limit_micros"], endpoint.id)
    return {**row, "_id": name}
