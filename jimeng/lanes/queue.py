"""
The queue of a lane: the tickets that order it, positions in it, and how long a picture
takes.

A ticket is an order number, fair among users (stored as ``turn``). The customers of one
owner share the owner's tickets, one after the other; which of these pictures has the
lowest is fair among the customers (stored as ``user_turn``).
"""

import bisect
import math
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from urllib.parse import unquote

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.billing.counters import find_exceeded, raise_to_count
from jimeng.documents import (
    Generation,
    OwnerBudget,
    QuotaUsage,
    State,
    lacks_index,
    utcnow,
)
from jimeng.documents.base import number
from jimeng.documents.generation import QUEUED_OF_OWNER
from jimeng.documents.spending import DAY, Spend, spending_decrements
from jimeng.errors import TooManyPending
from jimeng.lanes.limits import QUEUE_ORDER, read_lane, update_lane
from jimeng.process.state import remembered

UNLIMITED = 1_000_000_000
MAX_ATTEMPTS = 3
BATCH_UPDATES = 1000  # updates in one command
MAX_TOKENS = 4
IDLE_AFTER = timedelta(seconds=5)  # longer than a request lasts
QUEUE_CACHE_S = 1.0
LONG_QUEUE_CACHE_FACTOR = 3.0  # for a queue of `MAX_HEAD` or more; shorter ones less
# Pictures at the head that are counted one by one. Positions behind the head are
# extrapolated from the density of tickets in it: counting all of a long queue costs
# more the longer it is.
MAX_HEAD = 5000
MAX_USERS = 10_000  # those with the latest submissions
SAMPLES, SAMPLES_NEEDED, SAMPLES_FOR_SLOW = 12, 5, 10


class DailyQuotaExceeded(Exception):
    """The user has used *used* pictures of the daily quota; more are not allowed."""

    def __init__(self, used: int) -> None:
        super().__init__(used)
        self.used = used


class BudgetExceeded(Exception):
    """Not allowed: the budget of that *period* is spent or reserved."""

    def __init__(self, period: str) -> None:
        super().__init__(period)
        self.period = period


@dataclass(frozen=True)
class DailyQuota:
    """
    A user's quota for one day.

    Attributes:
        date: In ``BILLING_TIMEZONE``, ``2026-01-31``.
        max_pictures: Pictures that the user may submit on it; None for no limit.
    """

    date: str
    max_pictures: int | None = None


def path_of_lane(lane: str) -> str:
    """
    The field path of a lane's entry in `QuotaUsage.lanes`, with special characters
    quoted.
    """
    return f"lanes.{_name_of_lane(lane)}"


def _name_of_lane(lane: str) -> str:
    return lane.replace("%", "%25").replace(".", "%2E").replace("$", "%24")


def reserve_tickets(
    lane: str,
    user_id: str,
    n: int,
    *,
    max_waiting: int = UNLIMITED,
    day: DailyQuota | None = None,
    spend: Spend | None = None,
    owner_id: str | None = None,
) -> tuple[int, int]:
    """
    Reserve *n* consecutive tickets for a user, and count the pictures for the day and
    what they may cost.

    Args:
        owner_id: Whose customer the user is: the tickets are among those of the
            customers then, and begin where these are.
        max_waiting: Pictures that the user may have waiting, these included.
        day: None if they were counted before.
        spend: None if they cost nothing, or were counted before.

    Returns:
        The first ticket, and the pictures that the user has submitted on the day.

    Raises:
        TooManyPending: more than *max_waiting* would wait.
        DailyQuotaExceeded: there would be more than the day allows.
        BudgetExceeded: they would cost more than the user's budgets allow.
    """
    quota = UNLIMITED if day is None or day.max_pictures is None else day.max_pictures
    for _ in range(MAX_ATTEMPTS if n <= max_waiting else 1):
        if n <= min(max_waiting, quota) and not (spend and spend.exceeds_alone()):
            try:
                floor = _next_ticket(lane, owner_id)
                return _reserve(lane, user_id, n, floor, max_waiting, day, spend)
            except DuplicateKeyError:
                pass  # over a limit, or another request has just inserted the record
        if day is not None and day.max_pictures is not None:
            used = QuotaUsage.used_on(user_id, day.date)
            if used > quota - n:
                raise DailyQuotaExceeded(used)
        if spend is not None:
            period = find_exceeded(QuotaUsage, user_id, spend)
            if period is not None:
                raise BudgetExceeded(period)
        # The count of waiting pictures may have drifted.
        if n <= max_waiting and is_idle(user_id):
            recount_waiting(lane, user_id)
    raise _too_many(lane, user_id, max_waiting)


def check_waiting(lane: str, user_id: str, n: int, *, max_waiting: int) -> None:
    """
    Raise what `reserve_tickets` would for *n* pictures, and reserve nothing.

    Raises:
        TooManyPending: more than *max_waiting* would wait.
    """
    found = QuotaUsage.find_one({"_id": user_id})
    entry = found.lanes.get(_name_of_lane(lane), {}) if found else {}
    if n > max_waiting - entry.get("pending", 0):
        raise _too_many(lane, user_id, max_waiting)


def _too_many(lane: str, user_id: str, limit: int) -> TooManyPending:
    return TooManyPending(f"user {user_id} in {lane}", retry_after=10, limit=limit)


def _next_ticket(lane: str, owner_id: str | None) -> int:
    """The ticket that is next in the lane, or among an owner's waiting customers."""
    floor = read_lane(lane).turn
    owned = read_queue(lane).owned.get(owner_id) if owner_id else None
    return min(floor, owned[0][0]) if owned else floor


def _reserve(
    lane: str,
    user_id: str,
    n: int,
    floor: int,
    max_waiting: int,
    day: DailyQuota | None,
    spend: Spend | None,
) -> tuple[int, int]:
    path, now = path_of_lane(lane), utcnow()
    next_ticket = {"$add": [number(f"${path}.last", otherwise=-1), 1]}
    where: dict = {
        "_id": user_id,
        f"{path}.pending": {"$not": {"$gt": max_waiting - n}},
    }
    changes: dict = {
        f"{path}.last": {"$add": [{"$max": [next_ticket, floor]}, n - 1]},
        f"{path}.pending": {"$add": [number(f"${path}.pending"), n]},
        "taken_at": now,
    }
    if day is not None:
        today = day.date
        is_new_day = {"$lt": ["$day", today]}  # also where `day` is absent
        changes["asked"] = {"$cond": [is_new_day, n, {"$add": [number("$asked"), n]}]}
        changes["day"] = {"$max": ["$day", today]}
        if day.max_pictures is not None:
            not_over = {"$not": {"$gt": day.max_pictures - n}}
            where["$or"] = [{"day": {"$not": {"$gte": today}}}, {"asked": not_over}]
    if spend is not None:
        changes |= spend.changes()
        if fits := spend.fits():
            where["$and"] = fits
    # Not journaled by itself: the task's own write, which follows, covers it.
    fields = {f"{path}.last": 1, "asked": 1}
    updated = QuotaUsage.upsert(where, [{"$set": changes}], fields)
    (entry,) = updated["lanes"].values()
    return entry["last"] - n + 1, updated.get("asked", 0)


def reserve_owner_tickets(
    lane: str,
    owner_id: str,
    n: int,
    *,
    day: str,
    max_waiting: int = UNLIMITED,
    spend: Spend | None = None,
) -> int:
    """
    Reserve *n* consecutive tickets for an owner of customers, for one of them, and what
    they may cost.

    Args:
        day: In ``BILLING_TIMEZONE``.
        max_waiting: Pictures that all the customers may have waiting, these included.
        spend: None if they cost nothing, or were counted before.

    Returns:
        The first ticket.

    Raises:
        TooManyPending: more than *max_waiting* would wait.
        BudgetExceeded: they would cost more than the owner's budgets allow.
    """
    if max_waiting < UNLIMITED and not _may_wait(lane, owner_id, n, max_waiting):
        raise TooManyPending(
            f"customers of {owner_id} in {lane}", retry_after=10, limit=max_waiting
        )
    path, floor = path_of_lane(lane), read_lane(lane).turn
    next_ticket = {"$add": [number(f"${path}.last", otherwise=-1), 1]}
    last = {"$add": [{"$max": [next_ticket, floor]}, n - 1]}
    changes = {f"{path}.last": last, **(spend.changes() if spend else {})}
    where: dict = {"_id": owner_id}
    if spend and (fits := spend.fits()):
        where["$and"] = fits
    for _ in range(MAX_ATTEMPTS):
        if not (spend and spend.exceeds_alone()):
            rows = OwnerBudget.collection(durable=False)
            found = rows.find_one_and_update(
                where,
                [{"$set": changes}],
                {f"{path}.last": 1},
                return_document=ReturnDocument.AFTER,
            )
            if found is not None:
                (entry,) = found["lanes"].values()
                return entry["last"] - n + 1
            if OwnerBudget.find_one({"_id": owner_id}) is None:
                raise_to_count(OwnerBudget, owner_id, day)
                continue
        if spend and (period := find_exceeded(OwnerBudget, owner_id, spend)):
            raise BudgetExceeded(period)
    raise BudgetExceeded(DAY)  # others were faster


def _may_wait(lane: str, owner_id: str, n: int, most: int) -> bool:
    """Count *n* more as waiting, if these are at most *most*, as of a second ago."""
    now, waiting = time.monotonic(), (lane, owner_id)
    until, count = _waiting_of_owners.get(waiting, (0.0, 0))
    if now >= until:
        where = {"lane": lane, "owner_id": owner_id, **QUEUED_OF_OWNER}
        count = Generation.collection().count_documents(where, limit=most)
        if len(_waiting_of_owners) >= MAX_USERS:
            _waiting_of_owners.clear()
        until = now + QUEUE_CACHE_S
    may_wait = count + n <= most
    _waiting_of_owners[waiting] = until, count + n if may_wait else count
    return may_wait


def promote(lane: str, owner_id: str) -> None:
    """
    Let the owner's lowest ticket be that of the picture whose customer is next.

    Two processes at once may leave two pictures with one ticket, which is only less
    fair.
    """
    waiting = {"lane": lane, "owner_id": owner_id, **QUEUED_OF_OWNER}
    generations = Generation.collection(durable=False)
    fields = {"turn": 1, "user_turn": 1}
    first = generations.find_one(
        waiting, fields, sort=QUEUE_ORDER, hint="owner_tickets"
    )
    following = generations.find_one(
        waiting,
        fields,
        sort=[("user_turn", 1), ("turn", 1), ("_id", 1)],
        hint="owner_waiting",
    )
    if first is None or following is None or first["turn"] == following["turn"]:
        return
    for row, turn in ((following, first["turn"]), (first, following["turn"])):
        same = {"_id": row["_id"], "state": State.QUEUED.value, "turn": row["turn"]}
        generations.update_one(same, {"$set": {"turn": turn}})


def is_idle(user_id: str) -> bool:
    """
    Whether all pictures with a reserved ticket are stored by now.

    A process that dies between two writes leaves the count of waiting pictures wrong,
    so it has to be recounted; but a count of stored pictures misses those of requests
    that are still running.
    """
    found = QuotaUsage.find_one({"_id": user_id})
    return found is not None and (
        found.taken_at is None or found.taken_at < utcnow() - IDLE_AFTER
    )


def recount_waiting(lane: str, user_id: str) -> int:
    """Count the user's waiting pictures, store the count and return it."""
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    pending = Generation.collection().count_documents(where, hint="user_waiting")
    QuotaUsage.collection(durable=False).update_one(
        {"_id": user_id},
        [{"$set": {f"{path_of_lane(lane)}.pending": pending}}],
    )
    return pending


def release_tickets(
    lane: str,
    user_id: str,
    n: int,
    *,
    day: str | None = None,
    spend: Spend | None = None,
) -> None:
    """
    Count *n* of the user's pictures as no longer waiting (or as waiting again, if
    below 0).

    Args:
        day: Give them back to the quota of this day, too.
        spend: And this to the budgets.
    """
    changes = _decrements({lane: n}, {day: n} if day else {})
    if spend is not None:
        changes |= spending_decrements({spend.day: spend.micros})
    QuotaUsage.collection(durable=False).update_one(
        {"_id": user_id}, [{"$set": changes}]
    )


@dataclass(frozen=True)
class TicketHolder:
    """
    The lane, user and day (ISO 8601) that pictures are counted for, and the owner of
    that customer, if it is one.
    """

    lane: str
    user_id: str
    day: str
    owner_id: str | None = None


def release_all_tickets(
    counts: Mapping[TicketHolder, int], token: str | None = None
) -> None:
    """
    Bulk version of `release_tickets`, which gives the pictures back to the quotas, too.

    Args:
        token: Idempotency token: a repeated call with the same one changes nothing.
    """
    lanes: dict[str, Counter] = defaultdict(Counter)
    days: dict[str, Counter] = defaultdict(Counter)
    for holder, n in counts.items():
        lanes[holder.user_id][holder.lane] += n
        days[holder.user_id][holder.day] += n
    marker, unless = {}, {}
    if token is not None:
        before = {"$cond": [{"$isArray": "$left"}, "$left", []]}
        latest = {"$slice": [{"$concatArrays": [before, [token]]}, -MAX_TOKENS]}
        marker, unless = {"left": latest}, {"left": {"$ne": token}}
    _bulk_write(
        QuotaUsage,
        [
            UpdateOne(
                {"_id": user_id, **unless},
                [{"$set": {**_decrements(by_lane, days[user_id]), **marker}}],
            )
            for user_id, by_lane in lanes.items()
        ],
    )


def _decrements(lanes: Mapping[str, int], days: Mapping[str, int]) -> dict:
    """
    Build the update that subtracts waiting pictures by lane, and submitted ones by day.
    """
    changes: dict = {}
    for lane, n in lanes.items():
        pending = f"{path_of_lane(lane)}.pending"
        counted = number(f"${pending}")
        changes[pending] = {"$max": [{"$subtract": [counted, n]}, 0]}
    if days:  # the record counts only the latest
        branches = [
            {
                "case": {"$eq": ["$day", day]},
                "then": {"$max": [{"$subtract": [number("$asked"), n]}, 0]},
            }
            for day, n in days.items()
        ]
        changes["asked"] = {"$switch": {"branches": branches, "default": "$asked"}}
    return changes


def renumber(
    lane: str,
    user_ids: Collection[str] | None = None,
    owner_ids: Collection[str] = (),
) -> None:
    """
    Close the gaps of a cancellation in the tickets of these users, and of those whose
    customers they are.

    Otherwise their remaining pictures would wait as if the cancelled ones were still
    in the queue.

    Args:
        user_ids: None for all users, and all owners.
    """
    where: dict = {"lane": lane, "waiting": True, "turn": {"$type": "number"}}
    if user_ids is not None:
        where["user_id"] = {"$in": list(user_ids)}
    fields = {"user_id": 1, "turn": 1, "user_turn": 1, "state": 1}
    rows = Generation.collection().find(where, fields).hint("user_waiting")
    rows.sort([("user_id", 1), ("turn", 1)])
    ticket = read_lane(lane, fresh=True).turn
    if user_ids is None:
        _reset_idle(QuotaUsage, lane, ticket)
        _reset_idle(OwnerBudget, lane, ticket)
    of_customers = min((_next_ticket(lane, each) for each in owner_ids), default=ticket)
    following = dict.fromkeys(user_ids or (), of_customers)
    moves: list[UpdateOne] = []
    for user_id, theirs in groupby(rows, lambda row: row["user_id"]):
        queued = [row for row in theirs if row["state"] == State.QUEUED.value]
        is_customer = any(row.get("user_turn") is not None for row in queued)
        first = of_customers if is_customer else ticket
        following[user_id] = _close_gaps(queued, first, moves)
    _bulk_write(Generation, moves)
    _store_next(QuotaUsage, lane, following)
    if user_ids is None or owner_ids:
        _renumber_owners(lane, ticket, owner_ids)


def _renumber_owners(lane: str, ticket: int, owner_ids: Collection[str]) -> None:
    """Close the gaps in the tickets of these owners; of all, if there are none."""
    where: dict = {"lane": lane, **QUEUED_OF_OWNER}
    following = dict.fromkeys(owner_ids, ticket)
    if owner_ids:
        where["owner_id"] = {"$in": list(owner_ids)}
    fields = {"owner_id": 1, "turn": 1}
    rows = Generation.collection().find(where, fields)
    moves: list[UpdateOne] = []
    for owner_id, theirs in groupby(rows.sort("owner_id", 1), lambda r: r["owner_id"]):
        following[owner_id] = _close_gaps(list(theirs), ticket, moves)
    _bulk_write(Generation, moves)
    _store_next(OwnerBudget, lane, following)


def _store_next(
    kind: type[QuotaUsage] | type[OwnerBudget], lane: str, following: Mapping[str, int]
) -> None:
    """Let the next ticket of each be this one."""
    last = f"{path_of_lane(lane)}.last"
    ends = [
        UpdateOne({"_id": each, last: {"$exists": True}}, {"$set": {last: ticket - 1}})
        for each, ticket in following.items()
    ]
    _bulk_write(kind, ends)


def _reset_idle(
    kind: type[QuotaUsage] | type[OwnerBudget], lane: str, ticket: int
) -> None:
    """Let the tickets of those with nothing waiting begin at *ticket*."""
    last = f"{path_of_lane(lane)}.last"
    kind.collection(durable=False).update_many(
        {last: {"$gte": ticket}}, {"$set": {last: ticket - 1}}
    )


def _close_gaps(rows: list[dict], ticket: int, moves: list[UpdateOne]) -> int:
    """
    Append updates of one user's, or one owner's, tickets to *moves*; return the next
    free ticket.
    """

    def field_of(row: dict) -> str:
        return "turn" if row.get("user_turn") is None else "user_turn"

    for row in sorted(rows, key=lambda row: (row[field_of(row)], row["_id"])):
        before = row[field_of(row)]
        if before > ticket:
            guard = {"_id": row["_id"], "state": State.QUEUED.value}
            moves.append(UpdateOne(guard, {"$set": {field_of(row): ticket}}))
        ticket = min(before, ticket) + 1
    return ticket


def _bulk_write(
    kind: type[Generation] | type[QuotaUsage] | type[OwnerBudget],
    updates: list[UpdateOne],
) -> None:
    for start in range(0, len(updates), BATCH_UPDATES):
        batch = updates[start : start + BATCH_UPDATES]
        kind.collection(durable=False).bulk_write(batch, ordered=False)


@dataclass
class QueueHead:
    """
    The first waiting pictures of a lane, in order, from a cache.

    Attributes:
        entries: (ticket, generation id) of each.
        tickets: The same, by id.
        tasks_before: For each entry, and for the end, how many tasks have a picture
            before it.
        is_complete: No picture waits behind the head.
        owned: Owner of customers -> (ticket among the customers, ticket) of each.
    """

    entries: list[tuple[int, str]]
    is_complete: bool = True
    owned: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    tasks_before: list[int] = field(default_factory=list)
    tickets: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.tickets = {each: ticket for ticket, each in self.entries}
        seen: set[str] = set()
        for _, generation_id in self.entries:
            self.tasks_before.append(len(seen))
            seen.add(generation_id.rpartition("_")[0])
        self.tasks_before.append(len(seen))

    @property
    def totals(self) -> tuple[int, int]:
        """How many tasks and pictures wait; of a long queue those of its head."""
        return self.tasks_before[-1], len(self.entries)

    def count_ahead(
        self,
        ticket: int,
        generation_id: str,
        owner_id: str | None = None,
        user_turn: int | None = None,
    ) -> tuple[int, int]:
        """
        How many tasks and how many pictures are sent before this one, which may not be
        stored yet.
        """
        of_others = self.owned.get(owner_id or "", [])
        place = bisect.bisect_left(of_others, (user_turn or 0, 0))
        if place < len(of_others):
            ticket = min(of_others[place][1], ticket)
        ticket = self.tickets.get(generation_id, ticket)
        index = bisect.bisect_left(self.entries, (ticket, generation_id))
        if self.is_complete or index < len(self.entries):
            return self.tasks_before[index], index
        return self._extrapolate(ticket)

    def _extrapolate(self, ticket: int) -> tuple[int, int]:
        first, last = self.entries[0][0], self.entries[-1][0]
        more = (ticket - last) / (last - first + 1)
        tasks, pictures = self.tasks_before[-1], len(self.entries)
        return round(tasks * (1 + more)), round(pictures * (1 + more))


# By lane and owner: until when it holds, by `time.monotonic`, and how many wait.
_waiting_of_owners: dict[tuple[str, str], tuple[float, int]] = remembered({})
_queues: dict[str, tuple[float, QueueHead]] = remembered({})


def read_queue(lane: str) -> QueueHead:
    """
    Read the head of a lane's queue, cached for a second, a long one for three: counting
    per request would be the most expensive part of the request.
    """
    cached = _queues.get(lane)
    if cached and time.monotonic() < cached[0]:
        return cached[1]
    began = time.monotonic()
    where = {"lane": lane, "state": State.QUEUED.value, "turn": {"$type": "number"}}
    rows = Generation.collection().find(where, {"turn": 1}).hint("waiting")
    rows = rows.sort(QUEUE_ORDER).limit(MAX_HEAD + 1)
    rows = rows.batch_size(MAX_HEAD + 1)  # one round trip
    entries = [(row["turn"], row["_id"]) for row in rows.to_list()]
    entries, owned = _in_turn(lane, entries)
    is_complete = len(entries) <= MAX_HEAD
    head = QueueHead(entries[:MAX_HEAD], is_complete=is_complete, owned=owned)
    now = time.monotonic()
    # A queue that is long, or slow to read, is read less often, so that it stays a
    # small share of each process's work, and of MongoDB's.
    factor = max(1.0, LONG_QUEUE_CACHE_FACTOR * len(entries) / MAX_HEAD)
    cache_s = max(QUEUE_CACHE_S * factor, 20 * (now - began))
    _queues[lane] = (now + cache_s, head)
    return head


def _in_turn(
    lane: str, entries: list[tuple[int, str]]
) -> tuple[list[tuple[int, str]], dict[str, list[tuple[int, int]]]]:
    """
    The (ticket, generation id) by which pictures will be sent, and `QueueHead.owned`:
    each owner's tickets go to the customers' pictures in their order, as `promote` does
    one by one.
    """
    where = {"lane": lane, **QUEUED_OF_OWNER}
    fields = {"owner_id": 1, "user_turn": 1, "turn": 1}
    rows = Generation.collection().find(where, fields).hint("owner_waiting")
    rows = rows.sort([("owner_id", 1), ("user_turn", 1), ("turn", 1), ("_id", 1)])
    try:
        owned = rows.limit(MAX_HEAD).batch_size(MAX_HEAD + 1).to_list()
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        owned = []  # right after an upgrade it is still being built
    in_turn: dict[str, int] = {}
    of_owners: dict[str, list[tuple[int, int]]] = {}
    for owner_id, theirs in groupby(owned, lambda row: row["owner_id"]):
        pictures = list(theirs)
        tickets = sorted(row["turn"] for row in pictures)
        in_turn |= zip((row["_id"] for row in pictures), tickets, strict=True)
        user_turns = (row["user_turn"] for row in pictures)
        of_owners[owner_id] = list(zip(user_turns, tickets, strict=True))
    sent = sorted((in_turn.get(each, ticket), each) for ticket, each in entries)
    return sent, of_owners


def waiting_by_user() -> Counter[tuple[str, str]]:
    """
    Count waiting pictures, delayed ones too, by (lane, user id).

    The counts are those of `QuotaUsage.lanes`: hints, which may have drifted where a
    process died between two writes.
    """
    rows = QuotaUsage.collection().aggregate(
        [
            {"$sort": {"taken_at": -1}},
            {"$limit": MAX_USERS},
            {"$match": {"lanes": {"$type": "object"}}},
            {"$project": {"lane": {"$objectToArray": "$lanes"}}},
            {"$unwind": "$lane"},
            {"$match": {"lane.v.pending": {"$gt": 0}}},
            {"$project": {"lane": "$lane.k", "n": {"$toLong": "$lane.v.pending"}}},
        ]
    )
    # `path_of_lane` has quoted the name.
    return Counter({(unquote(row["lane"]), row["_id"]): row["n"] for row in rows})


def record_duration(lane: str, seconds: float) -> None:
    """Store how many seconds a picture took at the provider."""
    read_lane(lane)  # drops an unreadable field, on which the update would fail
    sample = {"$each": [round(seconds, 2)], "$slice": -SAMPLES}
    update_lane(lane, {"$push": {"durations": sample}})


def recent_durations(lane: str) -> list[float]:
    """The seconds that the latest pictures took at the provider, the newest last."""
    return [each for each in read_lane(lane).durations if 0 < each < math.inf]


def expected_duration(lane: str, typical: float) -> float:
    """
    Estimate the seconds that the next picture will take: the median of the latest.

    Args:
        typical: The model's configured duration, used below `SAMPLES_NEEDED` samples.
    """
    samples = recent_durations(lane)
    if len(samples) < SAMPLES_NEEDED:
        return typical
    return statistics.median(samples)


def slow_duration(lane: str, slow: float) -> float:
    """
    Estimate the 95th percentile of the duration in seconds, plus a margin of half.

    Args:
        slow: The model's configured figure: used below `SAMPLES_FOR_SLOW` samples, and
            an upper bound after that.
    """
    samples = recent_durations(lane)
    if len(samples) < SAMPLES_FOR_SLOW:
        return slow
    return min(1.5 * statistics.quantiles(samples, n=20)[-1], slow)
