"""Correct the amounts spent of budgets as costs become known."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pymongo import UpdateOne

from jimeng.documents import ApiKey, Budget, QuotaUsage, utcnow
from jimeng.documents.spending import (
    INSTALLATION,
    Budgets,
    Spending,
    spending_decrements,
)
from jimeng.jobs import costs
from jimeng.jobs.runtime import runtime
from jimeng.lanes.budgets import raise_to_count, recount

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
    Correct what the installation has spent: a process that dies leaves too much, and
    one without the limit counts nothing.
    """
    if not Budgets.of_installation(runtime().config).is_limited:
        return
    day = costs.billing_day(utcnow())
    if not recount(Budget, INSTALLATION, day):
        raise_to_count(Budget, INSTALLATION, day)
