"""Budgets: reserve from them, and count what is spent and reserved."""

import time
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from jimeng.billing.settlement import settle_held
from jimeng.documents import (
    ApiKey,
    Budget,
    CostSum,
    Generation,
    OwnerBudget,
    QuotaUsage,
    Settler,
    User,
    utcnow,
)
from jimeng.documents.base import number
from jimeng.documents.principal import begins_with
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    Budgets,
    Spend,
    Spent,
    exceeded_period,
    spending_decrements,
)
from jimeng.process.state import Remembered

# The field of generations that names the owner of a budget, and its index.
OWNERS = {
    QuotaUsage: ("user_id", "budget"),
    ApiKey: ("by_key", "key_budget"),
    OwnerBudget: ("owner_id", "owner_budget"),
}
Owner = type[QuotaUsage] | type[ApiKey] | type[OwnerBudget] | type[Budget]
# By then the generations of a request are stored, also if its process has died.
STORED_AFTER = timedelta(seconds=60)
MAX_ATTEMPTS = 3
MAX_COUNTS, COUNT_AGAIN_S = 20, 0.02  # while others change what is counted


class _State(Remembered):
    counted: Budgets | None = None  # the installation's, by this process


_state = _State()


def reserve_spending(kind: Owner, row_id: str, spend: Spend) -> str | None:
    """
    Reserve from the budgets of a user, a key, an owner of customers, or the
    installation, in one update.

    A process counts what the installation has spent before it reserves from that for
    the first time: while it had no limit, nothing was reserved. An owner's is counted
    with the first task that counts for it.

    Returns:
        The budget that it would exceed, ``day`` or ``month``; None if it is reserved,
        or the user or key is gone.
    """
    if kind is Budget and _state.counted != spend.budgets:
        raise_to_count(Budget, INSTALLATION, spend.day)
        _state.counted = spend.budgets
    is_latest = {"spend_day": {"$not": {"$gt": spend.day}}}
    where: dict = {"_id": row_id, "$and": [is_latest, *spend.fits()]}
    rows = kind.collection(durable=False)
    for _ in range(MAX_ATTEMPTS):
        if not spend.exceeds_alone():
            if rows.update_one(where, [{"$set": spend.changes()}]).matched_count:
                return None
            record = kind.find_one({"_id": row_id})
            if record is not None and record.spend_day > spend.day:
                return _reserve_earlier(kind, row_id, spend)
            if record is None and kind is OwnerBudget:
                raise_to_count(kind, row_id, spend.day)
                continue
            if record is None and kind is not Budget:
                return None
        period = find_exceeded(kind, row_id, spend)
        if period is not None:
            return period
    return DAY if spend.budgets.daily is not None else MONTH  # others were faster


def _reserve_earlier(kind: Owner, row_id: str, spend: Spend) -> str | None:
    """`reserve_spending` of a day before the record's latest, which is counted."""
    rows, more = kind.collection(durable=False), {spend.day: -spend.micros}
    for _ in range(MAX_COUNTS):
        before = kind.find_one({"_id": row_id})
        if before is None:
            return None
        for period in (DAY, MONTH):
            limit = spend.budgets.of(period)
            if limit is None:
                continue
            if period == MONTH and before.spend_day[:7] == spend.month:
                spent = before.month_micros  # also of tasks that are not stored yet
            else:
                spent = count_spent(kind, row_id, spend.period(period)).total
            if spent + spend.micros > limit:
                return period
        same = {"_id": row_id, "spend_at": before.spend_at, **_same_batch(before)}
        changes = {**spending_decrements(more), "spend_at": utcnow()}
        if rows.update_one(same, [{"$set": changes}]).matched_count:
            return None
        time.sleep(COUNT_AGAIN_S)
    return DAY


def find_exceeded(kind: Owner, row_id: str, spend: Spend) -> str | None:
    """
    Whether *spend* exceeds a budget of this user or key, or of the installation:
    ``day``, ``month``, or None.

    If it seems to, what has ended is settled before, and the record is corrected where
    that is possible.
    """
    period = _exceeded(kind, row_id, spend)
    if period is not None:
        settle_held({} if kind is Budget else {OWNERS[kind][0]: row_id})
        period = _exceeded(kind, row_id, spend)
    if period is not None and recount(kind, row_id, spend.day):
        period = _exceeded(kind, row_id, spend)
    return period


def _exceeded(kind: Owner, row_id: str, spend: Spend) -> str | None:
    return exceeded_period(kind.find_one({"_id": row_id}), spend, spend.budgets)


def release_spending(kind: Owner, row_id: str, spend: Spend | None) -> None:
    """Return what was reserved for a request that has created nothing."""
    if spend is not None:
        less = spending_decrements({spend.day: spend.micros})
        kind.collection(durable=False).update_one({"_id": row_id}, [{"$set": less}])


def recount(kind: Owner, row_id: str, day: str) -> bool:
    """
    Correct what was spent in the day and its month, from the generations and sums.

    A process that dies between two writes leaves too much reserved. But a count of
    stored generations misses those of requests that are still running, or that the
    janitor has yet to backfill: then nothing is changed. Nor is it if a settler has
    returned holds meanwhile.

    Returns:
        Whether it was corrected.
    """
    before = kind.find_one({"_id": row_id})
    if before is None or before.spend_at is None or before.spend_day > day:
        return False
    if before.spend_at > utcnow() - STORED_AFTER:
        return False
    batch = _settled_batch(kind)
    spent = {
        "spend_day": day,
        "day_micros": count_spent(kind, row_id, day).total,
        "month_micros": count_spent(kind, row_id, day[:7]).total,
        "spend_at": utcnow(),  # counted anew at most once a minute
    }
    if batch is None or batch != _settled_batch(kind):
        return False
    same = {"_id": row_id, "spend_at": before.spend_at, **_same_batch(before)}
    rows = kind.collection(durable=False)
    return rows.update_one(same, {"$set": spent}).matched_count > 0


def raise_to_count(kind: Owner, row_id: str, day: str) -> None:
    """
    Raise what was spent in the day and its month to what is counted, if it is less.

    Unlike `recount` this is possible at any time: what requests are reserving now is in
    the record, and at most missing from the count.
    """
    for attempt in range(MAX_COUNTS):
        before = kind.find_one({"_id": row_id})
        if before is None and kind is OwnerBudget:
            name_owner(row_id, day[:7])
        batch = _settled_batch(kind)
        of_day, of_month = (
            count_spent(kind, row_id, period).total for period in (day, day[:7])
        )
        is_settling = batch is None or batch != _settled_batch(kind)
        if is_settling and attempt < MAX_COUNTS - 1:  # else it is too much, for a while
            time.sleep(COUNT_AGAIN_S)
            continue
        raised: dict = {"spend_day": {"$max": ["$spend_day", day]}}
        raised["spend_at"] = {"$ifNull": ["$spend_at", utcnow()]}
        for name, begin, micros in (
            ("day_micros", day, of_day),
            ("month_micros", day[:7], of_month),
        ):
            is_new = {"$lt": ["$spend_day", begin]}
            more = {"$max": [number(f"${name}"), micros]}
            raised[name] = {"$cond": [is_new, micros, more]}
        where: dict = {"_id": row_id, "spend_day": {"$not": {"$gt": day}}}
        try:
            changed = kind.collection().update_one(
                {**where, **_same_batch(before)},
                [{"$set": raised}],
                upsert=kind in (Budget, OwnerBudget) and before is None,
            )
        except DuplicateKeyError:
            continue  # another process was faster
        is_ahead = before is None or before.spend_day > day  # or gone
        if changed.matched_count or changed.upserted_id or is_ahead:
            return


def name_owner(owner_id: str, month: str) -> None:
    """Name the owner in pictures of this month that an earlier release has created."""
    owner = User.find_one({"_id": owner_id})
    prefixes = owner.user_prefixes if owner else []
    for whose in (owner_id, *map(begins_with, prefixes)):
        where = {"user_id": whose, "budget_day": {"$gte": month}, "owner_id": None}
        update = {"$set": {"owner_id": owner_id}}
        Generation.collection().update_many(where, update, hint="budget")


def _settled_batch(kind: Owner) -> int | None:
    """
    The latest batch that is settled; None while one is. Its pictures may be held, and
    in the sums, or in none, that the installation's count reads.
    """
    if kind is not Budget:
        return 0
    settler = Settler.find_one({})
    if settler is None:
        return 0
    return None if settler.pending else settler.batch


def _same_batch(
    record: QuotaUsage | ApiKey | OwnerBudget | Budget | None,
) -> dict:
    """A query condition: no settler has returned holds since the record was read."""
    batch = record.spend_batch if record else 0
    return {"spend_batch": batch or {"$in": [0, None]}}


def count_spent(kind: Owner, row_id: str, period: str) -> Spent:
    """
    What the pictures of this user or key, or all, have cost and may cost still.

    Args:
        period: The day or month of their creation: ``2026-01-31`` or ``2026-01``. The
            cost of all pictures is that of what was charged in the period.
    """
    days = {"$gte": period, "$lte": f"{period}~"}
    if kind is Budget:
        # First what is held: a picture that is settled meanwhile counts twice, instead
        # of not at all.
        held = {"held_micros": {"$exists": True}, "budget_day": days}
        reserved = _sum(Generation, held, "held_micros", "held")
        used = _sum(CostSum, {"of": "all", "day": days}, "micros", "day")
        return Spent(used, reserved)
    field, index = OWNERS[kind]
    sums = {"used": {"$sum": "$cost_micros"}, "reserved": {"$sum": "$held_micros"}}
    groups: list[dict] = [
        {"$match": {field: row_id, "budget_day": days}},
        {"$group": {"_id": None, **sums}},
    ]
    rows = Generation.collection().aggregate(groups, hint=index)
    row = next(iter(rows), {"used": 0, "reserved": 0})
    return Spent(row["used"], row["reserved"])


def count_at_refusal(kind: Owner, row_id: str, spend: Spend, period: str) -> Spent:
    """`count_spent`, with what is reserved by requests that are not stored yet."""
    begin = spend.period(period)
    spent, record = count_spent(kind, row_id, begin), kind.find_one({"_id": row_id})
    is_current = record is not None and record.spend_day.startswith(begin)
    total = record.spent_in(spend, period) if record and is_current else 0
    return Spent(spent.used, max(spent.reserved, total - spent.used))


def _sum(
    kind: type[CostSum] | type[Generation], where: dict, field: str, index: str
) -> int:
    groups = [{"$match": where}, {"$group": {"_id": None, "n": {"$sum": f"${field}"}}}]
    rows = kind.collection().aggregate(groups, hint=index)
    return next((row["n"] for row in rows), 0)
