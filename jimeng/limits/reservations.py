"""
Reservations: the part of its limits that a request uses up.

Tasks are counted in Redis, per minute; losing these counts is harmless. Pictures are
counted in MongoDB, per day of submission, in the same update that reserves their
tickets. Both are reserved before the task is stored, and released if it is not stored
after all. A picture is also returned to its day if it ends while it waits: cancelled,
deleted, or its model no longer offered. A picture that a provider accepted counts,
however it ends. An API key may have stricter limits than its user.
"""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar

from redis.exceptions import RedisError

from jimeng import jobs, lanes
from jimeng.billing.budgets import (
    BudgetState,
    budget_error,
    budget_states,
    check_budget,
    record_refusal,
    refusal_of,
    reopens_at,
    reserve_of_installation,
)
from jimeng.billing.costs import billing_day
from jimeng.billing.counters import count_at_refusal, find_exceeded, release_spending
from jimeng.documents import (
    ApiKey,
    Budget,
    Customer,
    OwnerBudget,
    QuotaUsage,
    RateLimit,
    Task,
    User,
    utcnow,
)
from jimeng.documents.customer import PER_DAY, PER_MINUTE, is_customer
from jimeng.documents.principal import UNKNOWN, Principal
from jimeng.documents.spending import (
    DAY,
    INSTALLATION,
    MONTH,
    UNLIMITED,
    Budgets,
    Spend,
)
from jimeng.documents.usage import CountedByDay
from jimeng.errors import (
    BudgetExceeded,
    JimengError,
    KeyQuotaExceeded,
    KeyTooManySubmissions,
    PriceUnknown,
    QueueUnavailable,
    QuotaExceeded,
    TooManyAssistantRequests,
    TooManyRequests,
    TooManySubmissions,
)
from jimeng.errors.inputs import TooManyUploads
from jimeng.process.state import Remembered, remembered

log = logging.getLogger(__name__)

# As `RateLimit` names them.
SUBMISSIONS, PICTURES, REQUESTS = "submissions", "daily-pictures", "requests"
DAY_S = 86_400
PENDING_PER_OWNER = (
    10  # times a user's: what all customers of an owner may have waiting
)
MAX_UPLOADS = 30  # a minute, per user
UPLOADS_PER_OWNER = 10  # times as many: of all customers of a key's owner
MAX_ASSISTANT_REQUESTS = 10  # a minute, per user

# An office shares one address, and a page with its pictures makes many requests: an
# address gets so many times ``REQUESTS_PER_MINUTE``.
CALLERS_PER_ADDRESS = 5
ACCESS = "jimeng:access"  # changes whenever the rights of a key change
# Followed by `CALLER_CHARS` of a key's hash. Written again whenever the key is looked
# up, so Redis may forget it.
REQUEST_LIMIT, REQUEST_LIMIT_S = "jimeng:request-limit:", 3600
CALLER_CHARS = 32
REDIS_RETRY_AFTER_S = 5.0  # after Redis has not answered
QUOTA_CACHE_S = 1.0  # for users whose quota was not read with their credentials
MAX_QUOTAS = 10_000  # cached


class _State(Remembered):
    redis_retry_at = 0.0  # by `time.monotonic`


_state = _State()
NOBODY = User.read({})  # without limits of their own
# until when, by `time.monotonic`
_quotas: dict[str, tuple[float, User]] = remembered({})
# likewise
_customers: dict[str, tuple[float, Customer | None]] = remembered({})

MINUTE_S = 60
# The Redis client retries a command whose answer is lost: for so long it counts once.
RESEND_WINDOW_S = 5

# One command counts the request for its caller and for its address. The last keys are
# `ACCESS` and the caller's own limit, which are only read. A command that the Redis
# client retries counts twice: one request of hundreds.
COUNT_REQUEST_SCRIPT = """
local counts = {redis.call('GET', KEYS[#KEYS - 1]) or '',
                redis.call('GET', KEYS[#KEYS]) or ''}
for at = 1, #KEYS - 2 do
  local used = redis.call('INCR', KEYS[at])
  if used == 1 then redis.call('PEXPIRE', KEYS[at], ARGV[1]) end
  counts[2 * at + 1] = used
  counts[2 * at + 2] = redis.call('PTTL', KEYS[at])
end
return counts
"""

# A window begins with its first task. One script, so that concurrent requests cannot
# exceed the limit together, every count has an expiry, and it is one round trip.
# The third key is an idempotency key of this call.
COUNT_TASK_SCRIPT = """
local allowed, used, remaining = 1, 0, 0
if ARGV[1] ~= '0' then
  used = tonumber(redis.call('GET', KEYS[1]) or '0')
  if redis.call('EXISTS', KEYS[3]) == 0 then
    allowed = used < tonumber(ARGV[1]) and 1 or 0
    if allowed == 1 then
      used = redis.call('INCR', KEYS[1])
      if used == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
      redis.call('SET', KEYS[3], '', 'PX', ARGV[3])
    end
  end
  remaining = redis.call('PTTL', KEYS[1])
end
return {allowed, used, remaining, redis.call('LLEN', KEYS[2])}
"""
UNCOUNT_TASK_SCRIPT = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
  redis.call('DECR', KEYS[1])
end
"""


@dataclass(frozen=True)
class WindowCount:
    """
    Attributes:
        allowed: Whether one more was within the limit, and was counted.
        used: How many are counted now.
        remaining_ms: Milliseconds until the window ends; not positive without a count.
        queued: Jobs that wait in Redis.
    """

    allowed: bool
    used: int
    remaining_ms: int
    queued: int

    @property
    def resets_in(self) -> int:
        """Seconds until the window ends; a whole window without a count."""
        return -(
            -(self.remaining_ms if self.remaining_ms > 0 else 1000 * MINUTE_S) // 1000
        )


def count_in_window(name: str, most: int) -> WindowCount:
    """
    Count one more under *name*, if that is at most *most*; 0 for no limit.

    Raises:
        QueueUnavailable: Redis is away.
    """
    waiting = jobs.huey.storage.queue_key
    keys = [_window_key(name), waiting, f"jimeng:taken:{secrets.token_hex(8)}"]
    try:
        allowed, used, remaining_ms, queued = jobs.evaluate(
            COUNT_TASK_SCRIPT, keys, most, 1000 * MINUTE_S, 1000 * RESEND_WINDOW_S
        )
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return WindowCount(bool(allowed), used, remaining_ms, queued)


def uncount_in_window(name: str) -> None:
    try:
        jobs.evaluate(UNCOUNT_TASK_SCRIPT, [_window_key(name)])
    except RedisError as error:
        log.warning("submission stays counted for its minute", exc_info=error)


def read_window(name: str) -> WindowCount:
    """
    Read the state of a window.

    Raises:
        QueueUnavailable: Redis is away.
    """
    try:
        with jobs.huey.storage.conn.pipeline(transaction=False) as pipeline:
            used, remaining_ms = (
                pipeline.get(_window_key(name)).pttl(_window_key(name)).execute()
            )
    except RedisError as error:
        raise QueueUnavailable(f"redis: {error}", retry_after=5) from error
    return WindowCount(True, int(used or 0), remaining_ms, 0)


def _window_key(name: str) -> str:
    return f"jimeng:submissions:{name}"  # a user's id has no space in it


@dataclass(frozen=True)
class RequestCount:
    """
    The result of counting a request.

    Attributes:
        access: The value of `ACCESS`.
        standing: The rate limit of the caller or the address, whichever is nearer.
    """

    access: bytes
    standing: RateLimit


@dataclass(frozen=True)
class Bounds:
    """
    The limits of a user.

    Attributes:
        per_minute: Tasks; 0 for no limit.
        per_day: Pictures; None for no limit.
        budgets: What may be spent.
    """

    id: str
    per_minute: int
    per_day: int | None
    budgets: Budgets = Budgets()

    prefix: ClassVar[str] = ""  # of the names of its limits
    counter: ClassVar[type[CountedByDay]] = QuotaUsage
    too_many: ClassVar[type[TooManySubmissions]] = TooManySubmissions
    exceeded: ClassVar[type[QuotaExceeded]] = QuotaExceeded
    kind: ClassVar[str] = "user"

    @property
    def name(self) -> str:
        return f"user {self.id}"

    @property
    def window(self) -> str:
        """The name of its window in the rate limiter."""
        return self.id

    def count_task(self) -> WindowCount:
        """
        Count one more task in the current minute.

        Raises:
            TooManySubmissions: the limit per minute is reached.
            QueueUnavailable: Redis is away.
        """
        count = count_in_window(self.window, self.per_minute)
        if not count.allowed:
            raise self.over_rate(count)
        return count

    def check_rate(self, tasks: int = 1) -> None:
        """Raise what `count_task` would for the last of *tasks*, and count none."""
        if not self.per_minute:
            return
        count = read_window(self.window)
        if count.used + tasks > self.per_minute:
            raise self.over_rate(count)

    def check(self, task: Task, before: Sequence[Task], *, in_batch: bool) -> None:
        """As `limits.check`, of these limits alone, except for waiting pictures."""
        if not in_batch:
            self.check_rate(1 + len(before))
        now, n = task.created_at, sum(each.n for each in (task, *before))
        if self.per_day is not None:
            used = self.counter.used_on(self.id, billing_day(now))
            if used + n > self.per_day:
                raise self.over_quota(used, now)
        spend = _spend_together(task, before, self.budgets)
        period = find_exceeded(self.counter, self.id, spend) if spend else None
        if spend and period:
            raise self.over(spend, period)

    def over_rate(self, count: WindowCount) -> TooManySubmissions:
        wait, most = count.resets_in, self.per_minute
        return self.too_many(self.name, retry_after=wait, limit=most, seconds=wait)

    def over_quota(self, used: int, now: datetime) -> QuotaExceeded:
        day, most = self.of_day(used, now), self.per_day
        wait = day.resets_in
        return self.exceeded(
            self.name, retry_after=wait, limit=most, left=day.remaining
        )

    def over(self, spend: Spend, period: str) -> BudgetExceeded:
        """The error that says what is spent of the budget of a ``day`` or ``month``."""
        spent = count_at_refusal(self.counter, self.id, spend, period)
        return budget_error(self.kind, spend, self.budgets, period, spent)

    def refuse(self, spend: Spend, period: str) -> BudgetExceeded:
        """`over`, and record for the webhook event that a request was refused."""
        record_refusal(self.counter, self.id, spend, period)
        return self.over(spend, period)

    def of_minute(self, count: WindowCount) -> RateLimit:
        most, policy = self.per_minute, f"{self.prefix}{SUBMISSIONS}"
        remaining = max(most - count.used, 0)
        return RateLimit(policy, most, MINUTE_S, remaining, count.resets_in)

    def of_day(self, used: int, now: datetime) -> RateLimit:
        """The state of the daily quota, which resets with the billing day."""
        most, policy = self.per_day or 0, f"{self.prefix}{PICTURES}"
        until = reopens_at(billing_day(now), DAY)
        wait = -(-(until - now) // timedelta(seconds=1))
        return RateLimit(policy, most, DAY_S, max(most - used, 0), wait)

    def standing(self) -> list[RateLimit]:
        """The current state of each limit that applies."""
        now, found = utcnow(), []
        if self.per_minute:
            found.append(self.of_minute(read_window(self.window)))
        if self.per_day is not None:
            used = self.counter.used_on(self.id, billing_day(now))
            found.append(self.of_day(used, now))
        return found


class KeyBounds(Bounds):
    """The limits of an API key, in addition to those of its user."""

    prefix = "key-"
    counter = ApiKey
    too_many = KeyTooManySubmissions
    exceeded = KeyQuotaExceeded
    kind = "key"

    @property
    def name(self) -> str:
        return f"key {self.id}"

    @property
    def window(self) -> str:
        return self.name

    @property
    def window_of_rows(self) -> str:
        """That of the tasks of batches."""
        return f"{self.name} rows"

    def count_row(self) -> WindowCount:
        """
        Count one more task of a batch. These take what single tasks leave of the
        minute, and nothing from them.

        Raises:
            TooManySubmissions, QueueUnavailable: as `count_task`.
        """
        single = read_window(self.window)
        left = self.per_minute - single.used
        if left <= 0:
            raise self.over_rate(single)
        count = count_in_window(self.window_of_rows, left)
        if not count.allowed:
            raise self.over_rate(count)
        return count


def bounds_of(principal: Principal, user_id: str) -> Bounds:
    quota = quota_of(principal, user_id)
    budgets = budgets_of(principal, user_id)
    most = jobs.runtime().config.USER_SUBMISSIONS_PER_MINUTE  # 0 for no limit
    if customer := customer_of(principal, user_id):
        most = customer.limit(PER_MINUTE, most or None) or 0
    return Bounds(user_id, most, quota, budgets)


def key_bounds_of(principal: Principal) -> KeyBounds | None:
    key = principal.key
    if key is None:
        return None
    return KeyBounds(key.id, key.per_minute or 0, key.per_day, key.budgets)


@dataclass
class Reservation:
    """
    What one request has used up of the limits of its user and its key.

    Attributes:
        window_names: The rate limiter's windows in which its task is counted.
        key_id: The key in whose daily quota its pictures are counted; empty if none.
        has_tickets: Its tickets are reserved, and its pictures counted in the user's
            day.
        first_ticket: The first of its tickets, in the lane.
        owner_ticket: The same for a task with an owner: then `first_ticket` is among
            those of all customers.
        queued: Jobs that waited in Redis.
        in_budgets: Its cost is reserved of these: of the owner's of a customer, and of
            the installation's.
        rate_limits: The state of each limit that applies.
    """

    task: Task
    window_names: list[str] = field(default_factory=list)
    key_id: str = ""
    has_tickets: bool = False
    in_budgets: list[tuple[type[Budget] | type[OwnerBudget], str]] = field(
        default_factory=list
    )
    first_ticket: int = 0
    owner_ticket: int | None = None
    queued: int = 0
    rate_limits: tuple[RateLimit, ...] = ()

    @property
    def ticket(self) -> int:
        """The first ticket, by which the lane is ordered."""
        return self.first_ticket if self.owner_ticket is None else self.owner_ticket

    @property
    def fields(self) -> dict[str, str | int]:
        """Those of the task's row."""
        found: dict[str, str | int] = {}
        if self.key_id:  # its quota gets back pictures that are never sent
            found["key_id"] = self.key_id
        if not self.task.reserves_ticket_later:
            found["turn"] = self.ticket
            if self.owner_ticket is not None:
                found["user_turn"] = self.first_ticket
        return found

    def release(self) -> None:
        """Release all of it: the request has created nothing."""
        task, spend = self.task, self.task.spend()
        day = billing_day(task.created_at)
        for window in self.window_names:
            uncount_in_window(window)
        if self.key_id:
            ApiKey.release_quota(self.key_id, day, task.n)
            release_spending(ApiKey, self.key_id, spend)
        if self.has_tickets:
            lanes.release_tickets(task.lane, task.user_id, task.n, day=day, spend=spend)
        for kind, row_id in self.in_budgets:
            release_spending(kind, row_id, spend)


def _reserve_of_owner(
    reservation: Reservation, owner_id: str, budgets: Budgets
) -> None:
    """Reserve a customer's tickets among the owner's; the cost is always counted."""
    task = reservation.task
    spend = task.spend(budgets)
    most = PENDING_PER_OWNER * jobs.runtime().config.max_pending(task.type)
    try:
        reservation.owner_ticket = lanes.reserve_owner_tickets(
            *(task.lane, owner_id, task.n),
            day=task.budget_day or billing_day(task.created_at),
            max_waiting=most,
            spend=spend,
        )
    except lanes.BudgetExceeded as full:
        assert spend is not None  # it is what exceeds  # noqa: S101
        raise refusal_of(OwnerBudget, owner_id, spend, full.period) from None
    reservation.in_budgets.append((OwnerBudget, owner_id))


def count_request(
    address: str, caller: str, *, is_order: bool = False
) -> RequestCount | None:
    """
    Count one more request of an address and of a caller: a key or session.

    Either may be empty. While Redis is down nothing is counted.

    Args:
        is_order: It asks for a generation: these are counted apart, so that many reads
            refuse no order.

    Returns:
        None if nothing was counted.

    Raises:
        TooManyRequests: the limit per minute is reached.
    """
    most = jobs.runtime().config.REQUESTS_PER_MINUTE
    bounds = {f"address:{address}": CALLERS_PER_ADDRESS * most} if address else {}
    name = hashlib.sha256(caller.encode()).hexdigest()[:CALLER_CHARS]
    if caller:
        bounds[f"caller:{name}"] = most
    if not (most and bounds) or monotonic() < _state.redis_retry_at:
        return None
    counted = "orders" if is_order else "requests"
    keys = [f"jimeng:{counted}:{each}" for each in bounds]
    keys += [ACCESS, REQUEST_LIMIT + name]
    try:
        mark, own, *found = jobs.evaluate(COUNT_REQUEST_SCRIPT, keys, 1000 * MINUTE_S)
    except RedisError as error:
        _state.redis_retry_at = monotonic() + REDIS_RETRY_AFTER_S
        log.warning("requests are not counted", exc_info=error)
        return None
    if own:
        most = int(own)
        bounds = {
            each: most if each.startswith("caller") else max(most, of_address)
            for each, of_address in bounds.items()
        }
    counts = zip(bounds.values(), found[::2], found[1::2], strict=True)
    # The limit that is exceeded, else the one that is nearest.
    over, standing = max(
        map(_requests, counts), key=lambda at: (at[0], -at[1].remaining)
    )
    if over:
        wait = standing.resets_in
        refusal = TooManyRequests(retry_after=wait, limit=most, seconds=wait)
        refusal.rate_limits = (standing,)
        raise refusal
    return RequestCount(mark, standing)


def remember_request_limit(sha256: str, most: int | None) -> None:
    """
    Let `count_request`, which does not look up keys, know a key's own limit.

    Args:
        sha256: The key's hash, in hex.
        most: Requests a minute; None for the server's limit.
    """
    name, redis = REQUEST_LIMIT + sha256[:CALLER_CHARS], jobs.huey.storage.conn
    try:
        if most is None:
            redis.delete(name)
        else:
            redis.set(name, most, ex=REQUEST_LIMIT_S)
    except RedisError as error:
        log.warning("limit of requests is not in force yet", exc_info=error)


def _requests(count: tuple[int, int, int]) -> tuple[bool, RateLimit]:
    """Whether a limit is exceeded, and its state; from limit, used and milliseconds."""
    most, used, ends = count
    remaining, resets_in = max(most - used, 0), -(-max(ends, 1) // 1000)
    return used > most, RateLimit(REQUESTS, most, MINUTE_S, remaining, resets_in)


def reserve(
    principal: Principal, task: Task, *, is_counted: bool = True
) -> Reservation:
    """
    Count a task and its pictures, and reserve tickets in its lane.

    Args:
        is_counted: Count it in the user's minute. Tasks of a batch are not: the batch
            was counted itself, and creates them no faster than they are generated. Of
            the key's they take what other tasks leave.

    Raises:
        TooManySubmissions: the limit per minute of the user or the key is reached.
        QuotaExceeded: the daily quota would be exceeded.
        BudgetExceeded: a budget of the user, the key or the installation would be.
        PriceUnknown: there is such a budget, and no price of the model.
        TooManyPending: more than ``USER_MAX_PENDING`` pictures or
            ``USER_MAX_PENDING_VIDEOS`` videos would wait.
        QueueUnavailable: Redis is down.
        PyMongoError: MongoDB does not answer; what is reserved already stays counted,
            the quota until the end of the day.
    """
    reservation = Reservation(task)
    key, user, of_owner, of_all = _limits_on(principal, task)
    try:
        of_key = _reserve_of_key(reservation, key, is_counted=is_counted)
        if not is_counted:
            user = replace(user, per_minute=0)
        reservation.rate_limits = (*_reserve_of_user(reservation, user), *of_key)
        if task.owner_id:
            _reserve_of_owner(reservation, task.owner_id, of_owner)
        if of_all.is_limited and (spend := task.spend(of_all)):
            reserve_of_installation(spend)
            reservation.in_budgets.append((Budget, INSTALLATION))
    except JimengError:
        reservation.release()
        raise
    return reservation


def check(
    principal: Principal,
    task: Task,
    *,
    before: Sequence[Task] = (),
    in_batch: bool = False,
) -> None:
    """
    Raise what `reserve` would for a task, and reserve nothing.

    Args:
        before: Tasks that would be created first, by the same principal.
        in_batch: The task stands for all that a batch has yet to create, gradually:
            no limit per minute stops it, nor how many pictures may wait.
    """
    key, user, of_owner, of_all = _limits_on(principal, task)
    of_user = [each for each in before if each.user_id == task.user_id]
    if key is not None:
        key.check(task, before, in_batch=in_batch)
    user.check(task, of_user, in_batch=in_batch)
    if not in_batch:
        ahead = sum(each.n for each in of_user if each.lane == task.lane)
        most = jobs.runtime().config.max_pending(task.type)
        lanes.check_waiting(task.lane, task.user_id, task.n + ahead, max_waiting=most)
    if task.owner_id and (spend := _spend_together(task, before, of_owner)):
        check_budget(OwnerBudget, task.owner_id, spend)
    if spend := _spend_together(task, before, of_all):
        check_budget(Budget, INSTALLATION, spend)


def _limits_on(
    principal: Principal, task: Task
) -> tuple[KeyBounds | None, Bounds, Budgets, Budgets]:
    """
    The limits that apply to a task: of the key, the user, the owner of that customer
    and the installation.

    Raises:
        PriceUnknown: one of them is a budget, and the task's price is not known.
    """
    key, user = key_bounds_of(principal), bounds_of(principal, task.user_id)
    of_owner = own_budgets_of(principal, task.owner_id) if task.owner_id else UNLIMITED
    of_all = Budgets.of_installation(jobs.runtime().config)
    budgets = (user.budgets, of_owner, of_all, *([key.budgets] if key else []))
    if task.hold_micros is None and any(each.is_limited for each in budgets):
        raise PriceUnknown(f"no price of {task.model}", model=task.model)
    return key, user, of_owner, of_all


def _spend_together(
    task: Task, before: Sequence[Task], budgets: Budgets
) -> Spend | None:
    """What these may cost, of budgets; None if it is nothing, or there is no limit."""
    spend = task.spend(budgets) if budgets.is_limited else None
    if spend is None:
        return None
    earlier = sum((each.hold_micros or 0) * each.n for each in before)
    return replace(spend, micros=spend.micros + earlier)


def _reserve_of_key(
    reservation: Reservation, key: KeyBounds | None, *, is_counted: bool
) -> list[RateLimit]:
    """Reserve from the limits of the key; return their state after that."""
    found: list[RateLimit] = []
    if key is not None and key.per_minute:
        found.append(key.of_minute(key.count_task() if is_counted else key.count_row()))
        window = key.window if is_counted else key.window_of_rows
        reservation.window_names.append(window)
    if key is not None:  # without limits, too: they may be set later
        task, now = reservation.task, reservation.task.created_at
        day, spend = billing_day(now), task.spend(key.budgets)
        most = key.per_day or None
        used = ApiKey.reserve_quota(key.id, day, task.n, most=most, spend=spend)
        if used is None and most is None and not key.budgets.is_limited:
            return found  # revoked a moment ago
        if used is None:
            so_far = ApiKey.used_on(key.id, day)
            if most is not None and so_far + task.n > most:
                raise key.over_quota(so_far, now)
            used = _reserve_corrected(key, task, spend)
        reservation.key_id = key.id
        if most is not None:
            found.append(key.of_day(used, now))
    return found


def _reserve_corrected(key: KeyBounds, task: Task, spend: Spend | None) -> int:
    """Reserve from a key's limits whose budget seems to be exceeded: count it anew."""
    period = find_exceeded(ApiKey, key.id, spend) if spend else None
    if spend and period:
        raise key.refuse(spend, period)
    now, most = task.created_at, key.per_day or None
    day = billing_day(now)
    used = ApiKey.reserve_quota(key.id, day, task.n, most=most, spend=spend)
    if used is None:  # other requests were faster
        if spend and spend.budgets.is_limited:
            raise key.refuse(spend, DAY if spend.budgets.daily is not None else MONTH)
        raise key.over_quota(ApiKey.used_on(key.id, day), now)
    return used


def _reserve_of_user(reservation: Reservation, user: Bounds) -> list[RateLimit]:
    """Reserve from the limits of the user; return their state after that."""
    found: list[RateLimit] = []
    count = user.count_task()
    reservation.queued = count.queued
    if user.per_minute:
        reservation.window_names.append(user.window)
        found.append(user.of_minute(count))
    task, now = reservation.task, reservation.task.created_at
    most = jobs.runtime().config.max_pending(task.type)
    day, spend = (
        lanes.DailyQuota(billing_day(now), user.per_day),
        task.spend(user.budgets),
    )
    try:
        tickets = lanes.reserve_tickets(
            *(task.lane, task.user_id, task.n),
            max_waiting=most,
            day=day,
            spend=spend,
            owner_id=task.owner_id,
        )
    except lanes.DailyQuotaExceeded as full:
        raise user.over_quota(full.used, now) from None
    except lanes.BudgetExceeded as full:
        assert spend is not None  # it is what exceeds  # noqa: S101
        raise user.refuse(spend, full.period) from None
    reservation.has_tickets, (reservation.first_ticket, used) = True, tickets
    if user.per_day is not None:
        found.append(user.of_day(used, now))
    return found


def reserve_submission(principal: Principal, user_id: str) -> None:
    """
    Count one more submission of a user that creates its tasks later, as a batch does.

    Raises:
        TooManySubmissions: the limit per minute is reached.
        QueueUnavailable: Redis is down.
    """
    bounds_of(principal, user_id).count_task()


def check_submission(principal: Principal, user_id: str) -> None:
    """Raise what `reserve_submission` would, and count nothing."""
    bounds_of(principal, user_id).check_rate()


def reserve_upload(principal: Principal, user_id: str) -> None:
    """
    Count one more upload of a user, and of the owner of the key that acts for them.

    Raises:
        TooManyUploads: there were `MAX_UPLOADS` in this minute, or of all the owner's
            customers `UPLOADS_PER_OWNER` times as many.
        QueueUnavailable: Redis is down.
    """
    bounds = {f"uploads {user_id}": MAX_UPLOADS}
    key = principal.key
    if key is not None and key.acts_for(user_id):
        bounds[f"uploads for {key.owner_id}"] = UPLOADS_PER_OWNER * MAX_UPLOADS
    for window, most in bounds.items():
        count = count_in_window(window, most)
        if not count.allowed:
            raise TooManyUploads(window, retry_after=count.resets_in, limit=most)


def reserve_assistant_request(user_id: str) -> None:
    """
    Count one more request of a user to the prompt assistant.

    Raises:
        TooManyAssistantRequests: there were `MAX_ASSISTANT_REQUESTS` in this minute.
        QueueUnavailable: Redis is down.
    """
    count = count_in_window(f"assistant {user_id}", MAX_ASSISTANT_REQUESTS)
    if not count.allowed:
        raise TooManyAssistantRequests(
            f"user {user_id}", retry_after=count.resets_in, limit=MAX_ASSISTANT_REQUESTS
        )


def rate_limits(principal: Principal, user_id: str) -> tuple[RateLimit, ...]:
    """
    The current state of each limit of a user, and of the principal's key.

    Raises:
        UserNotFound: the principal may not read this user.
        QueueUnavailable: Redis is down.
    """
    principal.require_reader(user_id)
    key = key_bounds_of(principal)
    found = bounds_of(principal, user_id).standing()
    return (*found, *(key.standing() if key else ()))


def quota_of(principal: Principal, user_id: str) -> int | None:
    """
    The user's daily quota of pictures; None for no limit.

    The quota of the user's record takes precedence, where 0 allows none; else
    ``USER_DAILY_QUOTA`` applies, where 0 is no limit.
    """
    default = jobs.runtime().config.USER_DAILY_QUOTA or None
    if customer := customer_of(principal, user_id):
        return customer.limit(PER_DAY, default)
    if principal.user_id == user_id and principal.daily_quota != UNKNOWN:
        own = principal.daily_quota
    else:
        own = _recorded(user_id).daily_quota
    return own if own is not None else default


def budgets_of(principal: Principal, user_id: str) -> Budgets:
    """The user's budgets, as `Budgets.or_default`; or the customer's."""
    if customer := customer_of(principal, user_id):
        return customer.budgets(jobs.runtime().config)
    return own_budgets_of(principal, user_id).or_default(jobs.runtime().config)


def own_budgets_of(principal: Principal, user_id: str) -> Budgets:
    """The budgets that are set for this user by name."""
    own = principal.budgets if principal.user_id == user_id else None
    return own or _recorded(user_id).budgets


def owner_of(principal: Principal, user_id: str) -> str | None:
    """
    The user for whom a new task of *user_id* counts, besides: as `Task.owner_id`.

    Args:
        principal: Who creates it; may act for that user.
    """
    key = principal.key
    if key is not None and key.acts_for(user_id):
        return key.owner_id
    if is_customer(user_id):
        return User.owner_of(user_id)
    known = key.customers if key is not None else principal.own_customers
    if principal.user_id != user_id or known is None:
        return user_id if _recorded(user_id).user_prefixes else None
    return user_id if known.prefixes else None


def customer_of(principal: Principal, user_id: str) -> Customer | None:
    """
    The limits of a shop's customer, cached for `QUOTA_CACHE_S`; None if none were set.
    A key whose owner limits no single customer does not ask for them.
    """
    key = principal.key
    is_free = key is not None and not key.limits_customers and key.acts_for(user_id)
    if is_free or not is_customer(user_id):
        return None
    until, found = _customers.get(user_id, (0.0, None))
    if monotonic() < until:
        return found
    found = Customer.find_one({"_id": user_id})
    if len(_customers) >= MAX_QUOTAS:
        _customers.clear()
    _customers[user_id] = (monotonic() + QUOTA_CACHE_S, found)
    return found


def user_budget_states(user_id: str, own: Budgets) -> list[BudgetState]:
    """
    The state of the budgets that apply to a user, as `budget_states`.

    Args:
        own: Those in the user's record, or a customer's that are in force.
    """
    budgets = own.or_default(jobs.runtime().config)
    if not budgets.is_limited:
        return []
    return budget_states(QuotaUsage.find_one({"_id": user_id}), budgets)


def remaining_budget(principal: Principal, user_id: str) -> tuple[str, int] | None:
    """
    What remains of the user's budgets, those of an owner with all customers, and the
    installation's, whichever is least: ``day`` or ``month``, and micro-yuan. None
    without budgets.

    Raises:
        UserNotFound: the principal may not read this user.
    """
    principal.require_reader(user_id)
    found = user_budget_states(user_id, budgets_of(principal, user_id))
    of_owner = own_budgets_of(principal, user_id)
    if of_owner.is_limited and owner_of(principal, user_id):
        found += budget_states(OwnerBudget.find_one({"_id": user_id}), of_owner)
    of_all = Budgets.of_installation(jobs.runtime().config)
    if of_all.is_limited:
        found += budget_states(Budget.find_one({"_id": INSTALLATION}), of_all)
    least = min(found, key=lambda each: each.remaining, default=None)
    return (least.period, least.remaining) if least else None


LIMIT_FIELDS = {
    **{"daily_quota": 1, "daily_budget_micros": 1, "monthly_budget_micros": 1},
    "user_prefixes": 1,
}


def _recorded(user_id: str) -> User:
    """The limits in the user's record, cached for `QUOTA_CACHE_S`."""
    if is_customer(user_id):
        return NOBODY
    until, user = _quotas.get(user_id, (0.0, NOBODY))
    if monotonic() < until:
        return user
    row = User.collection().find_one({"_id": user_id}, LIMIT_FIELDS)
    user = User.read(row) if row else NOBODY
    if len(_quotas) >= MAX_QUOTAS:
        _quotas.clear()
    _quotas[user_id] = (monotonic() + QUOTA_CACHE_S, user)
    return user


def clear_quota_cache() -> None:
    """Drop this process's caches of quotas and customers' limits."""
    _quotas.clear()
    _customers.clear()
