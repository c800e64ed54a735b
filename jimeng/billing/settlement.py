"""
Settlement: enter the costs of ended generations into the ledger, and add them up.

The ledger says what was settled of each generation; what it lacks is one more entry.
Settlers take turns under a lease. Each batch has a number, and is stored as a whole
before it is entered: after a crash the next settler completes it. A sum includes each
batch once, since it stores the number of the latest; a settler that has stalled beyond
its lease changes nothing.
"""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo import UpdateMany, UpdateOne

from jimeng.billing import costs, spending, tallies
from jimeng.documents import (
    Batch,
    CostSum,
    Generation,
    LedgerEntry,
    Settler,
    Task,
    indexes,
    utcnow,
)
from jimeng.documents.base import KNOWN_KIND, RUN_S, WRITING_LEASE, ignore_duplicates
from jimeng.documents.ledger import AMOUNTS, OF_MONTH, OWNERS

log = logging.getLogger(__name__)

BATCH = 500  # generations
INDEX_NAME = "unsettled"
EVER = datetime.min.replace(tzinfo=UTC)
UNSETTLED = {
    "unsettled": {"$exists": True},
    "ended_at": {"$gte": EVER},
    **KNOWN_KIND,
}
THE = {"_id": "costs"}  # the settlers' record
LOCK_RETRY_S = 0.5

Amounts = Counter[str]


class SettlerBusy(Exception):
    """Another process is settling, and goes on."""


@dataclass(frozen=True)
class Rebuilt:
    """
    Attributes:
        sums: How many sums there are.
        corrected: How many of them were wrong, missing, or too many.
    """

    sums: int
    corrected: int

    def __add__(self, other: "Rebuilt") -> "Rebuilt":
        return Rebuilt(self.sums + other.sums, self.corrected + other.corrected)


def settle() -> bool:
    """
    Settle what has ended, for at most `RUN_S`.

    Returns:
        Whether there is more.
    """
    if not indexes.is_there(indexes.UNSETTLED) or not _unsettled(1):
        return False
    settler = _claim()
    if settler is None:
        return False
    end = time.monotonic() + RUN_S
    _apply(settler)
    if settler.month_batch != settler.batch:
        found = _rebuild(settler)
        log.info("sums rebuilt count=%d corrected=%d", found.sums, found.corrected)
        return True
    while rows := _unsettled(BATCH):
        claimed = _store_batch(settler, rows)
        if claimed is None:
            return False
        settler = claimed
        _apply(settler)
        if time.monotonic() > end:
            break
    settler.release(utcnow(), {}, "pending")
    return bool(rows)


def _claim() -> Settler | None:
    new = {"open": True, "due_at": utcnow(), "batch": 0}
    with ignore_duplicates():
        Settler.collection().update_one(THE, {"$setOnInsert": new}, upsert=True)
    return Settler.claim_due(THE, WRITING_LEASE)


def _unsettled(n: int) -> list[Generation]:
    """The generations that ended first of those that are not settled."""
    oldest_first = [("ended_at", 1)]
    return Generation.find_all(UNSETTLED, hint=INDEX_NAME, sort=oldest_first, limit=n)


def _store_batch(settler: Settler, rows: Sequence[Generation]) -> Settler | None:
    """Store the next batch; None if the lease was lost."""
    number = settler.batch + 1
    entered, revisions = _entered_amounts(row.id for row in rows)
    pending = [_item(row, entered[row.id], revisions[row.id], number) for row in rows]
    batch = {"batch": number, "month_batch": number, "pending": pending}
    return settler.extend_lease(WRITING_LEASE, {"$set": batch})


def _entered_amounts(ids: Iterable[str]) -> tuple[dict[str, Amounts], Counter[str]]:
    """What the ledger says of each of these, and its number of entries."""
    amounts: dict[str, Amounts] = defaultdict(Counter)
    revisions: Counter[str] = Counter()
    for entry in LedgerEntry.find_all({"generation": {"$in": list(ids)}}):
        revisions[entry.generation] += 1
        for name in AMOUNTS:
            amounts[entry.generation][name] += entry[name]
    return amounts, revisions


def _item(
    generation: Generation, settled: Amounts, revisions: int, batch: int
) -> dict[str, object]:
    """What is to be stored about one generation, as part of a batch."""
    charged = costs.charge_of(generation)
    at = generation.charged_at or generation.ended_at or utcnow()
    found = {
        "generation": generation.id,
        "task_id": generation.task_id,
        "index": generation.index,
        "charged": generation.charged,
        "is_known": charged != costs.UNKNOWN,
        "micros": costs.cost_of(generation, charged),
        "day": costs.billing_day(at),
        "user_id": generation.user_id,
        "key_id": generation.by_key,
        "owner_id": generation.owner_id,
        "budget_day": generation.budget_day,
        "recounts": bool(generation.decided) and generation.ended_at,
    }
    amounts = _amounts(generation, charged)
    is_released = found["is_known"] and generation.held_micros
    found["released"] = generation.held_micros - amounts["micros"] if is_released else 0
    change = {name: amounts[name] - settled[name] for name in AMOUNTS}
    if any(change.values()):
        found["entry"] = LedgerEntry.row(
            id=f"{generation.id}|{revisions + 1}",
            generation=generation.id,
            task_id=generation.task_id,
            user_id=generation.user_id,
            key_id=generation.by_key or "",
            lane=generation.lane,
            account=generation.of_account,
            day=found["day"],
            budget_day=generation.budget_day,
            price_id=generation.price_id,
            batch=batch,
            **change,
        )
    return found


def _amounts(generation: Generation, charged: str) -> Amounts:
    """What the ledger should say of a generation in all."""
    if charged == costs.NOT_CHARGED or not costs.has_cost(generation):
        return Counter()
    if charged == costs.UNKNOWN:
        return Counter(unknown=1)
    price = generation.price_micros
    return Counter(outputs=1, micros=price or 0, unpriced=int(price is None))


def _apply(settler: Settler) -> None:
    """Enter the pending batch and add it up; may be repeated, also by several."""
    pending = settler.pending or []
    if not pending:
        return
    entries = [each["entry"] for each in pending if "entry" in each]
    if entries:
        with ignore_duplicates():
            LedgerEntry.collection().insert_many(entries, ordered=False)
        _add_up(entries, settler.batch)
    spending.release_reserved(pending, settler.batch)
    _mark_settled(pending)
    _update_tasks(pending)
    for ended_at in (each["recounts"] for each in pending if each["recounts"]):
        tallies.recount_day(ended_at.date())
    log.info("costs settled batch=%d count=%d", settler.batch, len(pending))


def _add_up(entries: Iterable[Mapping], batch: int) -> None:
    """Add a batch of entries to the sums that do not include it yet."""
    sums = _Sums()
    for entry in entries:
        sums.add(entry, *_sums_of_day(entry), *_sums_of_month(entry))
    _write_sums(
        UpdateOne(
            {"_id": sum_id, "batch": {"$lt": batch}},
            {
                "$inc": dict(amounts),
                "$set": {"batch": batch},
                "$setOnInsert": sums.fields[sum_id],
            },
            upsert=True,
        )
        for sum_id, amounts in sums.amounts.items()
    )


class _Sums:
    """The amounts of sums by their ids, and their other fields."""

    def __init__(self) -> None:
        self.amounts: dict[str, Amounts] = defaultdict(Counter)
        self.fields: dict[str, dict] = {}

    def add(self, entry: Mapping, *sums: tuple[str, dict]) -> None:
        """Add the amounts of an entry, or of several alike, to these."""
        for sum_id, self.fields[sum_id] in sums:
            for name in AMOUNTS:
                self.amounts[sum_id][name] += entry[name]


def _sums_of_day(entry: Mapping) -> Iterator[tuple[str, dict]]:
    """The sums that an entry counts in: their ids, and fields except for amounts."""
    day, lane, account = entry["day"], entry["lane"], entry["account"]
    where = {"day": day, "lane": lane, "account": account}
    yield f"all|{day}|{lane}|{account}", {"of": "all", **where}
    # Names of users may contain any character, so they are last.
    user, key = entry["user_id"], entry["key_id"]
    name = f"user|{day}|{lane}|{account}|{key}|{user}"
    yield name, {"of": "user", **where, "user_id": user, "key_id": key}


def _sums_of_month(entry: Mapping) -> Iterator[tuple[str, dict]]:
    month = entry["day"][:7]
    for of, field in OF_MONTH.items():
        if owner := entry[field]:
            yield f"{of}|{month}|{owner}", {"of": of, "month": month, field: owner}


def _write_sums(updates: Iterable[UpdateOne]) -> None:
    # An upsert that matches no sum, since that includes the batch, is a duplicate.
    found = list(updates)
    if found:
        with ignore_duplicates():
            CostSum.collection().bulk_write(found, ordered=False)


def _mark_settled(pending: Iterable[Mapping]) -> None:
    """
    Store the costs of generations whose charge has not changed since the settlement.
    All others are settled once more.
    """
    alike = _grouped(pending, "generation", "charged", "is_known", "micros", "day")
    updates = []
    for (charged, is_known, micros, day), ids in alike.items():
        settled, gone = {"bill_day": day}, {"unsettled": ""}
        if is_known:
            gone["held_micros"] = ""
        if micros is None:
            gone["cost_micros"] = ""
        else:
            settled["cost_micros"] = micros
        same = {"charged": charged, "ended_at": {"$exists": True}}
        where = {"_id": {"$in": ids}, **same}
        updates.append(UpdateMany(where, {"$set": settled, "$unset": gone}))
    # Not durable: what is lost is settled once more, which changes nothing.
    Generation.collection(durable=False).bulk_write(updates, ordered=False)


def _update_tasks(pending: Sequence[Mapping]) -> None:
    """Store what has changed of costs and charges in the tasks that still exist."""
    updates, now = [], {"updated_at": utcnow()}
    for (index, micros), ids in _grouped(pending, "task_id", "index", "micros").items():
        if micros is not None:
            cost = f"costs.{index}"
            where: dict = {"_id": {"$in": ids}, cost: {"$ne": micros}}
            updates.append(UpdateMany(where, {"$set": {cost: micros, **now}}))
    alike = _grouped(pending, "task_id", "index", "charged")
    for (index, charged), ids in alike.items():
        name = f"outcomes.{index}.error.charged"
        where = {"_id": {"$in": ids}, name: {"$exists": True, "$ne": charged}}
        updates.append(UpdateMany(where, {"$set": {name: charged, **now}}))
    tasks = Task.collection(durable=False)
    if tasks.bulk_write(updates, ordered=False).modified_count:
        ids = list({each["task_id"] for each in pending})
        of_batches = {"_id": {"$in": ids}, "batch": {"$exists": True}}
        Batch.count_anew(*tasks.distinct("batch", of_batches))


def _grouped(rows: Iterable[Mapping], of: str, *names: str) -> dict[tuple, list[str]]:
    """The values of one field, by those of others."""
    found: dict[tuple, list[str]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names)].append(row[of])
    return found


def pause() -> None:
    """Stop all processes from settling until `resume`."""
    paused = {"open": False, "due_at": utcnow(), "batch": 0}
    Settler.collection().replace_one(THE, paused, upsert=True)


def resume() -> None:
    """Add up a ledger that was loaded from a backup, and settle again."""
    last = LedgerEntry.collection().find_one({}, sort=[("batch", -1)])
    ready = {"open": True, "due_at": utcnow(), "batch": last["batch"] if last else 0}
    spending.forget_batches()
    Settler.collection().replace_one(THE, ready, upsert=True)
    rebuild()


def rebuild(wait_s: float = 60.0) -> Rebuilt:
    """
    Compute all sums once more from the ledger, and correct those that differ.

    Args:
        wait_s: Seconds to wait for a settler.

    Raises:
        SettlerBusy: another process goes on settling.
    """
    end = time.monotonic() + wait_s
    while (settler := _claim()) is None:
        if time.monotonic() > end:
            raise SettlerBusy("another process is settling")
        time.sleep(LOCK_RETRY_S)
    _apply(settler)
    return _rebuild(settler)


def _rebuild(settler: Settler) -> Rebuilt:
    """`rebuild` under this lease, and release it; raises the same."""
    # Entries of later batches, by a settler that takes the lease over, do not count.
    batch, rebuilt = settler.batch + 1, Rebuilt(0, 0)
    days = {*_distinct(LedgerEntry, "day"), *_distinct(CostSum, "day")}
    months = {*_distinct(CostSum, "month"), *(day[:7] for day in days)}
    for month in sorted(months):
        of_month = _Sums()
        for day in sorted(day for day in days if day.startswith(month)):
            settler = _extend_rebuild(settler, batch)
            of_day = _Sums()
            for entry in _entered_on(day, batch):
                of_day.add(entry, *_sums_of_day(entry))
                of_month.add(entry, *_sums_of_month(entry))
            rebuilt += _correct(("all", "user"), {"day": day}, of_day, batch)
        settler = _extend_rebuild(settler, batch)
        rebuilt += _correct(OF_MONTH, {"month": month}, of_month, batch)
    settler.release(utcnow(), {"batch": batch, "month_batch": batch}, "pending")
    return rebuilt


def _distinct(kind: type[LedgerEntry] | type[CostSum], field: str) -> list[str]:
    return kind.collection().distinct(field)


def _extend_rebuild(settler: Settler, batch: int) -> Settler:
    stored: dict[str, dict] = {"$set": {"batch": batch}, "$unset": {"pending": ""}}
    extended = settler.extend_lease(WRITING_LEASE, stored)
    if extended is None:
        raise SettlerBusy("another process has begun to settle")
    return extended


def _entered_on(day: str, batch: int) -> Iterator[dict]:
    """The ledger entries of a day up to a batch; equal ones are added up."""
    of_day = {"day": day, "batch": {"$lte": batch}}
    by = {name: f"${name}" for name in OWNERS}
    added = {name: {"$sum": f"${name}"} for name in AMOUNTS}
    groups: list[dict] = [{"$match": of_day}, {"$group": {"_id": by, **added}}]
    for group in LedgerEntry.collection().aggregate(groups):
        yield {**group, **group["_id"], "day": day}


def _correct(of: Iterable[str], period: dict, sums: _Sums, batch: int) -> Rebuilt:
    """Replace the stored sums of a period by these, and delete its other sums."""
    found = CostSum.find_all({"of": {"$in": [*of]}, **period})
    stored = {each.id: each for each in found}
    wrong = [
        sum_id
        for sum_id, amounts in sums.amounts.items()
        if sum_id not in stored
        or any(stored[sum_id][name] != amounts[name] for name in AMOUNTS)
    ]
    older = {"batch": {"$lte": batch}}
    _write_sums(
        UpdateOne(
            {"_id": sum_id, **older},
            {
                "$set": {**sums.amounts[sum_id], "batch": batch},
                "$setOnInsert": sums.fields[sum_id],
            },
            upsert=True,
        )
        for sum_id in wrong
    )
    gone = [sum_id for sum_id in stored if sum_id not in sums.amounts]
    if gone:
        CostSum.collection().delete_many({"_id": {"$in": gone}, **older})
    return Rebuilt(len(sums.amounts), len(wrong) + len(gone))
