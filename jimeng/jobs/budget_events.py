"""Webhook events: a user's budget is nearly spent, or a request was refused for it."""

from collections.abc import Iterator
from datetime import timedelta

from jimeng.documents import (
    QuotaUsage,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    utcnow,
)
from jimeng.documents.spending import DAY, MONTH, UNLIMITED
from jimeng.documents.webhook import BUDGET_EXCEEDED, BUDGET_WARNING
from jimeng.jobs import costs, prices, spending, webhook_outbox

INTERVAL_S = 10.0
WARN_PERCENT = 80
# Users who have spent since the run before, with time for a run that is late.
SPENT_SINCE = timedelta(minutes=5)
MAX_USERS = 1000  # in one run


def announce_budgets() -> None:
    """
    Insert the deliveries of budgets that are nearly spent, or exceeded: one for each
    budget, period and event, however often this runs.
    """
    now, named = utcnow(), {"url": {"$exists": True}}
    owners = WebhookEndpoint.collection().distinct("user_id", named)
    recent = {"_id": {"$in": owners}, "spend_at": {"$gte": now - SPENT_SINCE}}
    usages = QuotaUsage.find_all(recent, limit=MAX_USERS)
    if not usages:
        return
    ids = {"$in": [usage.id for usage in usages]}
    users = {user.id: user.budgets for user in User.find_all({"_id": ids})}
    endpoints = WebhookEndpoint.find_all({"user_id": ids, **named})
    rows = []
    for usage in usages:
        budgets = spending.user_budgets(users.get(usage.id, UNLIMITED))
        for event, data in events_of(usage, budgets, costs.billing_day(now)):
            mine = (each for each in endpoints if each.user_id == usage.id)
            rows += [delivery(each, event, data) for each in mine if each.wants(event)]
    webhook_outbox.insert(rows)


def events_of(
    usage: QuotaUsage, budgets: spending.Budgets, today: str
) -> Iterator[tuple[str, dict]]:
    """Yield the events that are due for a user, with their ``data``."""
    for period, name in ((DAY, today), (MONTH, today[:7])):
        limit = budgets.of(period)
        if limit is None or usage.spend_day < name:
            continue
        spent = usage.day_micros if period == DAY else usage.month_micros
        data = {
            "user_id": usage.id,
            "period": name,
            "limit": prices.yuan(limit),
            "limit_micros": limit,
            "spent": prices.yuan(spent),
            "spent_micros": spent,
        }
        if 100 * spent >= WARN_PERCENT * limit:
            yield BUDGET_WARNING, data
        if spent >= limit or (usage.refused or {}).get(period) == name:
            yield BUDGET_EXCEEDED, data


def delivery(endpoint: WebhookEndpoint, event: str, data: dict) -> dict:
    """The delivery of an event; a budget that is raised has events of its own."""
    subject = f"{data['user_id']} {data['period']}"
    row = webhook_outbox.new_delivery(endpoint, event, subject, utcnow(), data)
    name = WebhookDelivery.id_of(subject, event, data["limit_micros"], endpoint.id)
    return {**row, "_id": name}
