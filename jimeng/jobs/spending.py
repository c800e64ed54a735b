"""Correct the amounts spent of budgets as costs become known."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from pymongo import UpdateOne

from jimeng.documents import ApiKey, Budget, CostSum, Generation, QuotaUsage, utcnow
from jimeng.documents.spending import (
    INSTALLATION,
    Budgets,
    Spending,
    Spent,
    spending_decrements,
)
from jimeng.jobs import costs
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

# Longer than a process spends from one slice of the installation's budget.
SLICE_EXPIRY = timedelta(seconds=45)
BUDGET_OWNERS: dict[type[Spending], str] = {QuotaUsage: "user_id", ApiKey: "key_id"}


def release_reserved(settled: Iterable[Mapping], batch: int) -> None:
    """
    Release reserved amounts that pictures did not cost, once for each batch.

    Args:
        settled: Their ``user_id``, ``key_id``, ``budget_day`` and ``released``.
    """
    released: dict[type[Spending], dict[str, Counter[str]]]
    released = defaultdict(lambda: defaultdict(Counter))
    for each in settled:
        day, micros = each["budget_day"], each["released"]
        if not micros:
            continue
        released[Budget][INSTALLATION][day] += micros
        for kind, field in BUDGET_OWNERS.items():
            if each[field]:
                released[kind][each[field]][day] += micros
    for kind, records in released.items():
        updates = [
            UpdateOne(
                {"_id": row_id, "spend_batch": {"$not": {"$gte": batch}}},
                [{"$set": {**spending_decrements(days), "spend_batch": batch}}],
            )
            for row_id, days in records.items()
        ]
        kind.collection(durable=False).bulk_write(updates, ordered=False)


def forget_batches() -> None:
    """Let the next batches count, whatever their numbers: after a restore."""
    kinds: list[type[Spending]] = [Budget, *BUDGET_OWNERS]
    for kind in kinds:
        later = {"spend_batch": {"$gt": 0}}
        kind.collection().update_many(later, {"$set": {"spend_batch": 0}})


def recount_installation() -> None:
    """
    Correct what the installation has spent: a process that dies takes its slice with
    it.

    Slices that processes may still spend from count as a whole.
    """
    if not Budgets.of_installation(runtime().config).is_limited:
        return
    now = utcnow()
    found = Budget.find_one({"_id": INSTALLATION})
    day = costs.billing_day(now)
    if found is None or found.spend_day > day:
        return
    slices = {
        name: each
        for name, each in (found.slices or {}).items()
        if each["at"] > now - SLICE_EXPIRY
    }
    ahead = sum(each["micros"] for each in slices.values())
    spent = {
        "spend_day": day,
        "day_micros": spent_by_all(day).total + ahead,
        "month_micros": spent_by_all(day[:7]).total + ahead,
        "slices": slices,
    }
    same = {"_id": INSTALLATION, "grants": found.grants}
    same["spend_batch"] = found.spend_batch or {"$in": [0, None]}
    changed = Budget.collection().update_one(same, {"$set": spent})
    log.debug("budget recounted: %s", bool(changed.modified_count))


def spent_by_all(period: str) -> Spent:
    """
    What was charged in a day or month, and is reserved for pictures created in it.

    Args:
        period: ``2026-01-31`` or ``2026-01``.
    """
    days = {"$gte": period, "$lte": f"{period}~"}
    used = _sum(CostSum, {"of": "all", "day": days}, "micros")
    reserved = {"held_micros": {"$exists": True}, "budget_day": days}
    return Spent(used, _sum(Generation, reserved, "held_micros"))


def _sum(kind: type[CostSum] | type[Generation], where: dict, field: str) -> int:
    groups = [{"$match": where}, {"$group": {"_id": None, "n": {"$sum": f"${field}"}}}]
    return next((row["n"] for row in kind.collection().aggregate(groups)), 0)
