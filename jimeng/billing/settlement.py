"""
Settlement: enter the ends and costs of generations into the ledger, and add them up.

The ledger says what was settled of each generation; what it lacks is one more entry. A
generation counts for the day of its creation, whenever it ends or its charge is known.
Settlers take turns under a lease. Each batch has a number, and is stored as a whole
before it is entered: after a crash the next settler completes it. A sum includes each
batch once, since it stores the number of the latest; a settler that has stalled beyond
its lease changes nothing.

A release before this one has not entered how generations have ended. What it has
settled is looked through once more, in order of the ids, while nothing else is to do.
"""

import logging
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pymongo import UpdateMany, UpdateOne

from jimeng.billing import costs
from jimeng.documents import (
    ApiKey,
    Batch,
    Budget,
    CostSum,
    Generation,
    LedgerEntry,
    OwnerBudget,
    QuotaUsage,
    Settler,
    State,
    Task,
    indexes,
    utcnow,
)
from jimeng.documents.base import NOTHING
from jimeng.documents.clock import RUN_S
from jimeng.documents.connection import WRITING_LEASE, ignore_duplicates
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.ledger import AMOUNTS, OF_MONTH, OWNERS
from jimeng.documents.spending import INSTALLATION, Spending, spending_decrements
from jimeng.process.state import Remembered

log = logging.getLogger(__name__)

BATCH = 500  # generations
HOUR = "%Y-%m-%dT%H"  # in UTC
HOURS_KEPT = timedelta(days=3)
ENDS = "ends."  # begins the names of these amounts of a sum
WITH_ERROR = (State.FAILED.value, State.UNKNOWN.value)
NO_CODE = re.compile("[^a-z0-9_]")  # cannot be part of a field's name, or need not
INDEX_NAME = "unsettled"
EVER = datetime.min.replace(tzinfo=UTC)
UNSETTLED = {
    "unsettled": {"$exists": True},
    "ended_at": {"$gte": EVER},
    **KNOWN_KIND,
}
THE = {"_id": "costs"}  # the settlers' record
LOCK_RETRY_S = 0.5
MAX_WAITS, WAIT_S = 20, 0.02  # of a request, for the settler that has the lease
BUDGET_OWNERS: dict[type[Spending], str] = {
    QuotaUsage: "user_id",
    ApiKey: "key_id",
    OwnerBudget: "owner_id",
}

Amounts = Counter[str]


class _State(Remembered):
    may_lack_ends = True  # as far as this process knows


_state = _State()


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


@dataclass
class Entered:
    """
    What the ledger says of a generation.

    Attributes:
        entries: Their number.
        day: For which they count.
        ended: How it has ended.
    """

    amounts: Amounts = field(default_factory=Counter)
    entries: int = 0
    day: str | None = None
    ended: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether the ledger says what it has cost: its hold is returned."""
        return self.ended is not None and self.ended.split("|")[1] != costs.UNKNOWN


def settle() -> bool:
    """
    Settle what has ended, for at most `RUN_S`.

    Returns:
        Whether there is more.
    """
    if not indexes.is_there(indexes.UNSETTLED):
        return False
    if not _state.may_lack_ends and not _unsettled(1):
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
    while rows := _unsettled(BATCH) or _settled_without_ends(settler):
        claimed = _store_batch(settler, rows)
        if claimed is None:
            return False
        settler = claimed
        _apply(settler)
        if time.monotonic() > end:
            break
    if rows:  # and more, perhaps
        settler.release(utcnow(), {}, "pending")
        return True
    _state.may_lack_ends = False
    done = {"ends_batch": settler.batch}
    settler.release(utcnow(), done, "pending", "ends_after")
    return False


def settle_held(whose: Mapping[str, object]) -> None:
    """
    Settle what has ended and is still held, for a request that needs that part of a
    budget now. It waits for another settler, `MAX_WAITS` times at most.

    Args:
        whose: Conditions for generations: of one user, say; none for all.
    """
    held = {"held_micros": {"$exists": True}, **whose}
    if not indexes.is_there(indexes.UNSETTLED):
        return
    for _ in range(MAX_WAITS):
        if not _unsettled(1, held):
            return
        if settler := _claim():
            _settle_held(settler, held)
            return
        time.sleep(WAIT_S)


def _settle_held(settler: Settler, held: Mapping[str, object]) -> None:
    end = time.monotonic() + RUN_S
    _apply(settler)
    is_rebuilt = settler.month_batch == settler.batch  # else `settle` does that first
    while is_rebuilt and time.monotonic() < end and (rows := _unsettled(BATCH, held)):
        claimed = _store_batch(settler, rows)
        if claimed is None:
            return
        settler = claimed
        _apply(settler)
    settler.release(utcnow(), {}, "pending")


def _claim() -> Settler | None:
    new = {"open": True, "due_at": utcnow(), "batch": 0, "ends_batch": 0}
    with ignore_duplicates():
        Settler.collection().update_one(THE, {"$setOnInsert": new}, upsert=True)
    return Settler.claim_due(THE, WRITING_LEASE)


def _unsettled(n: int, more: Mapping[str, object] = NOTHING) -> list[Generation]:
    """The generations that ended first of those that are not settled."""
    where, oldest_first = {**UNSETTLED, **more}, [("ended_at", 1)]
    return Generation.find_all(where, hint=INDEX_NAME, sort=oldest_first, limit=n)


def _settled_without_ends(settler: Settler) -> list[Generation]:
    """The next of those whose ends the ledger may lack; empty if there are no more."""
    if settler.has_all_ends:
        return []
    if settler.ends_batch != settler.batch:  # from the beginning
        settler.ends_batch, settler.ends_after = settler.batch, ""
    after = {"_id": {"$gt": settler.ends_after}}
    where = {**after, "ended_at": {"$gte": EVER}, **KNOWN_KIND}
    rows = Generation.find_all(where, hint="_id_", sort=[("_id", 1)], limit=BATCH)
    settler.ends_after = rows[-1].id if rows else None
    return rows


def _store_batch(settler: Settler, rows: Sequence[Generation]) -> Settler | None:
    """Store the next batch; None if the lease was lost."""
    number = settler.batch + 1
    entered = _entered(row.id for row in rows)
    pending = [_item(row, entered[row.id], number) for row in rows]
    batch = {"batch": number, "month_batch": number, "pending": pending}
    if settler.ends_batch == settler.batch:
        batch["ends_batch"] = number
    if settler.ends_after is not None:
        batch["ends_after"] = settler.ends_after
    return settler.extend_lease(WRITING_LEASE, {"$set": batch})


def _entered(ids: Iterable[str]) -> dict[str, Entered]:
    """What the ledger says of each of these."""
    found: dict[str, Entered] = defaultdict(Entered)
    where = {"generation": {"$in": list(ids)}}
    for entry in LedgerEntry.find_all(where, sort=[("batch", 1)]):
        known = found[entry.generation]
        known.entries += 1
        known.day = known.day or entry.day
        known.ended = entry.ended or known.ended
        for name in AMOUNTS:
            known.amounts[name] += entry[name]
    return found


def end_of(generation: Generation, charged: str) -> str:
    """How it has ended: ``state|charged|code``; no code without an error."""
    found = generation.error or (generation.dealt_with or {}).get("error")
    # Another release may have stored what is no code here: nothing may stop a settler.
    is_known = generation.state in WITH_ERROR and isinstance(found, Mapping)
    code = (found or {}).get("code") if is_known else ""
    return f"{generation.state}|{charged}|{NO_CODE.sub('_', str(code or ''))}"


def _item(generation: Generation, known: Entered, batch: int) -> dict[str, object]:
    """What is to be stored about one generation, as part of a batch."""
    charged = costs.charge_of(generation)
    now = utcnow()
    ended_at = generation.ended_at or now
    bill_day = costs.billing_day(generation.charged_at or ended_at)
    created = generation.budget_day or costs.billing_day(generation.created_at)
    found = {
        "generation": generation.id,
        "task_id": generation.task_id,
        "index": generation.index,
        "charged": generation.charged,
        "is_known": charged != costs.UNKNOWN,
        "micros": costs.cost_of(generation, charged),
        "state": generation.state,
        "day": bill_day,
        "user_id": generation.user_id,
        "key_id": generation.by_key,
        "owner_id": generation.owner_id,
        "budget_day": generation.budget_day,
        "hour": f"{ended_at:{HOUR}}" if ended_at > now - HOURS_KEPT else None,
        "recounts": False,  # read by the release before
    }
    amounts = _amounts(generation, charged)
    is_released = found["is_known"] and generation.held_micros
    # An earlier batch may have returned it, and the mark of that was not stored.
    held = known.amounts["micros"] if known.is_known else generation.held_micros
    found["released"] = (held or 0) - amounts["micros"] if is_released else 0
    change = {name: amounts[name] - known.amounts[name] for name in AMOUNTS}
    day, ended = known.day or created, end_of(generation, charged)
    is_late = bool(known.entries) and day[:7] < costs.billing_day(now)[:7]
    if any(change.values()) or ended != known.ended:
        found["entry"] = LedgerEntry.row(
            id=f"{generation.id}|{known.entries + 1}",
            generation=generation.id,
            task_id=generation.task_id,
            user_id=generation.user_id,
            key_id=generation.by_key or "",
            lane=generation.lane,
            account=generation.of_account,
            day=day,
            bill_day=bill_day,
            budget_day=generation.budget_day,
            ended=ended if ended != known.ended else None,
            ended_before=known.ended if ended != known.ended else None,
            corrected_at=now if is_late and any(change.values()) else None,
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
        _add_up(pending, settler.batch)
    release_reserved(pending, settler.batch)
    _update_tasks(pending)
    # Last: what is not settled lets the next settler complete this after a crash.
    _mark_settled(pending)
    log.info("costs settled batch=%d count=%d", settler.batch, len(pending))


def release_reserved(settled: Iterable[Mapping], batch: int) -> None:
    """
    Release reserved amounts that pictures did not cost, once for each batch.

    Args:
        settled: Their ``user_id``, ``key_id``, ``owner_id``, ``budget_day`` and
            ``released``.
    """
    released: dict[type[Spending], dict[str, Counter[str]]]
    released = defaultdict(lambda: defaultdict(Counter))
    for each in settled:
        day, micros = each["budget_day"], each["released"]
        if not micros:
            continue
        released[Budget][INSTALLATION][day] += micros
        for kind, name in BUDGET_OWNERS.items():
            if each.get(name):  # not there, if stored by an earlier release
                released[kind][each[name]][day] += micros
    for kind, records in released.items():
        updates = [
            UpdateOne(
                {"_id": row_id, "spend_batch": {"$not": {"$gte": batch}}},
                [{"$set": {**spending_decrements(days), "spend_batch": batch}}],
            )
            for row_id, days in records.items()
        ]
        kind.collection(durable=False).bulk_write(updates, ordered=False)


def _add_up(pending: Iterable[Mapping], batch: int) -> None:
    """Add a batch to the sums that do not include it yet."""
    sums = _Sums()
    for each in pending:
        if entry := each.get("entry"):
            sums.add_to_day(entry)
            sums.add_to_month(entry)
            sums.add_to_ever(entry)
            if hour := each.get("hour"):
                sums.add_to_hour(hour, entry)
    _write_sums(
        UpdateOne(
            {"_id": sum_id, "batch": {"$lt": batch}},
            {
                "$inc": {k: n for k, n in amounts.items() if n or k in AMOUNTS},
                "$set": {"batch": batch},
                "$setOnInsert": sums.fields[sum_id],
                **sums.corrections(sum_id),
            },
            upsert=True,
        )
        for sum_id, amounts in sums.amounts.items()
    )


class _Sums:
    """The amounts and ends of sums by their ids, and their other fields."""

    def __init__(self) -> None:
        self.amounts: dict[str, Amounts] = defaultdict(Counter)
        self.fields: dict[str, dict] = {}
        self.corrected_at: dict[str, datetime] = {}

    def add_to_day(self, entry: Mapping) -> None:
        """Add an entry, or ``count`` alike, to the sums of its day."""
        n = entry.get("count", 1)
        for sum_id, fields in _sums_of_day(entry):
            self._add_amounts(sum_id, fields, entry)
            self._count(sum_id, fields, entry.get("ended"), n)
            self._count(sum_id, fields, entry.get("ended_before"), -n)

    def add_to_month(self, entry: Mapping) -> None:
        if any(entry[name] for name in AMOUNTS):
            for sum_id, fields in _sums_of_month(entry):
                self._add_amounts(sum_id, fields, entry)

    def add_to_hour(self, hour: str, entry: Mapping) -> None:
        fields = {"of": "hour", "day": hour}
        self._count(f"hour|{hour}", fields, entry.get("ended"))

    def add_to_ever(self, entry: Mapping) -> None:
        fields = {"of": "ever", "lane": entry["lane"]}
        name = f"ever|{entry['lane']}"
        self._count(name, fields, entry.get("ended"), entry.get("count", 1))

    def _count(self, sum_id: str, fields: dict, ended: str | None, n: int = 1) -> None:
        if ended:
            self.fields[sum_id] = fields
            self.amounts[sum_id][f"{ENDS}{ended}"] += n

    def _add_amounts(self, sum_id: str, fields: dict, entry: Mapping) -> None:
        self.fields[sum_id] = fields
        for name in AMOUNTS:
            self.amounts[sum_id][name] += entry[name]
        if at := entry.get("corrected_at"):
            self.corrected_at[sum_id] = max(at, self.corrected_at.get(sum_id, at))

    def corrections(self, sum_id: str) -> dict:
        at = self.corrected_at.get(sum_id)
        return {"$max": {"corrected_at": at}} if at else {}


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
    for of, name in OF_MONTH.items():
        if owner := entry[name]:
            yield f"{of}|{month}|{owner}", {"of": of, "month": month, name: owner}


def _write_sums(updates: Iterable[UpdateOne]) -> None:
    # An upsert that matches no sum, since that includes the batch, is a duplicate.
    found = list(updates)
    if found:
        with ignore_duplicates():
            CostSum.collection().bulk_write(found, ordered=False)


def _mark_settled(pending: Iterable[Mapping]) -> None:
    """
    Store the costs of generations that have not changed since the settlement.
    All others are settled once more.
    """
    names = ("charged", "is_known", "micros", "day", "state")
    alike = _grouped(pending, "generation", *names)
    updates = []
    for (charged, is_known, micros, day, state), ids in alike.items():
        settled, gone = {"bill_day": day}, {"unsettled": ""}
        if is_known:
            gone["held_micros"] = ""
        if micros is None:
            gone["cost_micros"] = ""
        else:
            settled["cost_micros"] = micros
        same: dict = {"charged": charged, "ended_at": {"$exists": True}}
        if state is not None:  # not stored by the release before
            same["state"] = state
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
        found[tuple(row.get(name) for name in names)].append(row[of])
    return found


def forget_batches() -> None:
    """Let the next batches count, whatever their numbers: after a restore."""
    kinds: list[type[Spending]] = [Budget, *BUDGET_OWNERS]
    for kind in kinds:
        later = {"spend_batch": {"$gt": 0}}
        kind.collection().update_many(later, {"$set": {"spend_batch": 0}})


def pause() -> None:
    """Stop all processes from settling until `resume`."""
    paused = {"open": False, "due_at": utcnow(), "batch": 0}
    Settler.collection().replace_one(THE, paused, upsert=True)


def resume() -> None:
    """Add up a ledger that was loaded from a backup, and settle again."""
    last = LedgerEntry.collection().find_one({}, sort=[("batch", -1)])
    ready = {"open": True, "due_at": utcnow(), "batch": last["batch"] if last else 0}
    forget_batches()
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
    has_ends, since_ever = settler.ends_batch == settler.batch, _Sums()
    days = {*_distinct(LedgerEntry, "day"), *_distinct(CostSum, "day")}
    months = {*_distinct(CostSum, "month"), *(day[:7] for day in days)}
    for month in sorted(months):
        of_month = _Sums()
        for day in sorted(day for day in days if day.startswith(month)):
            settler = _extend_rebuild(settler, batch)
            of_day = _Sums()
            for entry in _entered_on(day, batch):
                of_day.add_to_day(entry)
                of_month.add_to_month(entry)
                since_ever.add_to_ever(entry)
            rebuilt += _correct(("all", "user"), {"day": day}, of_day, batch)
        settler = _extend_rebuild(settler, batch)
        rebuilt += _correct(OF_MONTH, {"month": month}, of_month, batch)
    rebuilt += _correct(("ever",), {}, since_ever, batch)
    done = {"batch": batch, "month_batch": batch}
    if has_ends:
        done["ends_batch"] = batch
    settler.release(utcnow(), done, "pending")
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
    by = {name: f"${name}" for name in (*OWNERS, "ended", "ended_before")}
    added: dict = {name: {"$sum": f"${name}"} for name in AMOUNTS}
    added |= {"count": {"$sum": 1}, "corrected_at": {"$max": "$corrected_at"}}
    groups: list[dict] = [{"$match": of_day}, {"$group": {"_id": by, **added}}]
    for group in LedgerEntry.collection().aggregate(groups):
        yield {**group, **group["_id"], "day": day}


def _stored_amounts(each: CostSum) -> Amounts:
    """As `_Sums.amounts` has them."""
    ends = {f"{ENDS}{ended}": n for ended, n in (each.ends or {}).items()}
    return Counter({name: each[name] for name in AMOUNTS} | ends)


def _as_stored(amounts: Amounts) -> dict:
    """The fields of a sum; `_stored_amounts` reads them."""
    ends = {k.removeprefix(ENDS): n for k, n in amounts.items() if k.startswith(ENDS)}
    return {**{name: amounts[name] for name in AMOUNTS}, "ends": ends}


def forget_hours() -> None:
    """Delete the counts of hours that nobody reads any more."""
    old = f"{utcnow() - HOURS_KEPT:{HOUR}}"
    CostSum.collection().delete_many({"of": "hour", "day": {"$lt": old}})


def _correct(of: Iterable[str], period: dict, sums: _Sums, batch: int) -> Rebuilt:
    """Replace the stored sums of a period by these, and delete its other sums."""
    found = CostSum.find_all({"of": {"$in": [*of]}, **period})
    stored = {each.id: _stored_amounts(each) for each in found}
    wrong = [
        sum_id
        for sum_id, amounts in sums.amounts.items()
        if sum_id not in stored
        or any(stored[sum_id][k] != amounts[k] for k in {*amounts, *stored[sum_id]})
    ]
    older = {"batch": {"$lte": batch}}
    _write_sums(
        UpdateOne(
            {"_id": sum_id, **older},
            {
                "$set": {**_as_stored(sums.amounts[sum_id]), "batch": batch},
                "$setOnInsert": sums.fields[sum_id],
                **sums.corrections(sum_id),
            },
            upsert=True,
        )
        for sum_id in wrong
    )
    gone = [sum_id for sum_id in stored if sum_id not in sums.amounts]
    if gone:
        CostSum.collection().delete_many({"_id": {"$in": gone}, **older})
    return Rebuilt(len(sums.amounts), len(wrong) + len(gone))
