"""Budgets of users and keys: recount what is spent and reserved."""

from datetime import timedelta

from jimeng.documents import ApiKey, Generation, QuotaUsage, utcnow
from jimeng.documents.spending import (
    Spend,
    Spent,
    exceeded_period,
    spending_decrements,
)

# The field of generations that names the owner of a budget, and its index.
OWNERS = {QuotaUsage: ("user_id", "budget"), ApiKey: ("by_key", "key_budget")}
Owner = type[QuotaUsage] | type[ApiKey]
# By then the generations of a request are stored, also if its process has died.
STORED_AFTER = timedelta(seconds=60)


def find_exceeded(kind: Owner, row_id: str, spend: Spend) -> str | None:
    """
    Whether *spend* exceeds a budget of this user or key: ``day``, ``month``, or None.

    If it seems to, the record is corrected before, where that is possible.
    """
    period = exceeded_period(kind.find_one({"_id": row_id}), spend, spend.budgets)
    if period is not None and recount(kind, row_id, spend.day):
        return exceeded_period(kind.find_one({"_id": row_id}), spend, spend.budgets)
    return period


def release_spending(kind: Owner, row_id: str, spend: Spend | None) -> None:
    """Return what was reserved for a request that has created nothing."""
    if spend is not None:
        less = spending_decrements({spend.day: spend.micros})
        kind.collection(durable=False).update_one({"_id": row_id}, [{"$set": less}])


def recount(kind: Owner, row_id: str, day: str) -> bool:
    """
    Correct what was spent in the day and its month, from the generations.

    A process that dies between two writes leaves too much reserved. But a count of
    stored generations misses those of requests that are still running, or that the
    janitor has yet to backfill: then nothing is changed.

    Returns:
        Whether it was corrected.
    """
    before = kind.find_one({"_id": row_id})
    if before is None or before.spend_at is None or before.spend_day > day:
        return False
    if before.spend_at > utcnow() - STORED_AFTER:
        return False
    spent = {
        "spend_day": day,
        "day_micros": count_spent(kind, row_id, day).total,
        "month_micros": count_spent(kind, row_id, day[:7]).total,
        "spend_at": utcnow(),  # counted anew at most once a minute
    }
    same = {"_id": row_id, "spend_at": before.spend_at}
    rows = kind.collection(durable=False)
    return rows.update_one(same, {"$set": spent}).matched_count > 0


def count_spent(kind: Owner, row_id: str, period: str) -> Spent:
    """
    What the pictures of this user or key have cost, and may cost still, from the index.

    Args:
        period: The day or month of their creation: ``2026-01-31`` or ``2026-01``.
    """
    field, index = OWNERS[kind]
    days = {"$gte": period, "$lte": f"{period}~"}
    sums = {"used": {"$sum": "$cost_micros"}, "reserved": {"$sum": "$held_micros"}}
    groups: list[dict] = [
        {"$match": {field: row_id, "budget_day": days}},
        {"$group": {"_id": None, **sums}},
    ]
    rows = Generation.collection().aggregate(groups, hint=index)
    row = next(iter(rows), {"used": 0, "reserved": 0})
    return Spent(row["used"], row["reserved"])
