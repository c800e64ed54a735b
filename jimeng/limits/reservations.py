"""
Limits: how many tasks a user may ask for in a minute, and pictures in a day.

Tasks are counted in Redis: a count that is lost is one of the last minute.
Pictures are counted in MongoDB, by the day in UTC on which they were asked for,
together with their turns.
Both are reserved before the task is written, and released when it is not written after
all. A picture is given back to its day also when it ends while it waits: cancelled,
deleted, or its model offered no longer. What a provider has taken counts, whatever
came of it. An API key may be limited more than its user, in the same ways.
"""

import hashlib
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng import jobs, lanes
from jimeng.documents import ApiKey, QuotaUsage, RateLimit, Task, User, utcnow
from jimeng.documents.principal import UNKNOWN, Principal
from jimeng.documents.usage import CountedByDay
from jimeng.errors import (
    JimengError,
    KeyQuotaExceeded,
    KeyTooManySubmissions,
    QuotaExceeded,
    TooManyRequests,
    TooManySubmissions,
)
from jimeng.errors.inputs import TooManyUploads
from jimeng.limits import rate_limiter as windows
from jimeng.limits.deferred_release import release_unless_written
from jimeng.limits.rate_limiter import MINUTE

log = logging.getLogger(__name__)

# As `RateLimit` names them.
SUBMISSIONS, PICTURES, REQUESTS = "submissions", "daily-pictures", "requests"
DAY = 86_400  # seconds
UPLOADS = 30  # a minute, of one user

# An office has one address, and pages with their pictures are many requests.
CALLERS_BEHIND = 5  # times ``REQUESTS_PER_MINUTE`` are an address's
ACCESS = "jimeng:access"  # changes with what any key is worth
UNASKED = 5.0  # seconds that Redis is not asked after it did not answer
QUOTA_CACHE = 1.0  # seconds that a quota is believed which came with no request
MAX_QUOTAS = 10_000  # of these

_asked_from = 0.0  # by `time.monotonic`
_quotas: dict[str, tuple[float, int | None]] = {}  # until when, by `time.monotonic`

# One command for a request's caller and its address; *left* of what is over. The
# last key is not counted: it is `ACCESS`. What the client sends again, as no answer
# came, counts twice: that is one request of hundreds.
COUNT = """
local told = {redis.call('GET', KEYS[#KEYS]) or ''}
for at = 1, #KEYS - 1 do
  local used = redis.call('INCR', KEYS[at])
  if used == 1 then redis.call('PEXPIRE', KEYS[at], ARGV[1]) end
  told[2 * at] = used
  told[2 * at + 1] = redis.call('PTTL', KEYS[at])
end
return told
"""


@dataclass(frozen=True)
class RequestCount:
    """
    Attributes:
        access: What stands under `ACCESS`.
        standing: How the caller, or else the address, stands with its requests.
    """

    access: bytes
    standing: RateLimit


@dataclass(frozen=True)
class Bounds:
    """
    What a user may ask for.

    Attributes:
        per_minute: Tasks; 0 for no limit.
        per_day: Pictures; None for no limit.
    """

    id: str
    per_minute: int
    per_day: int | None

    prefix: ClassVar[str] = ""  # of its limits' names
    counter: ClassVar[type[CountedByDay]] = QuotaUsage
    too_many: ClassVar[type[TooManySubmissions]] = TooManySubmissions
    exceeded: ClassVar[type[QuotaExceeded]] = QuotaExceeded

    @property
    def name(self) -> str:
        return f"user {self.id}"

    @property
    def window(self) -> str:
        """The name of its minute."""
        return self.id

    def count_task(self) -> windows.Count:
        """
        Raises:
            TooManySubmissions: it has asked for as many as a minute may have.
            QueueUnavailable: Redis is away.
        """
        count = windows.take(self.window, self.per_minute)
        if not count.taken:
            wait, most = count.resets_in, self.per_minute
            raise self.too_many(self.name, retry_after=wait, limit=most, seconds=wait)
        return count

    def over_quota(self, used: int, now: datetime) -> QuotaExceeded:
        day, most = self.of_day(used, now), self.per_day
        wait = day.resets_in
        return self.exceeded(self.name, retry_after=wait, limit=most, left=day.left)

    def of_minute(self, count: windows.Count) -> RateLimit:
        most, policy = self.per_minute, f"{self.prefix}{SUBMISSIONS}"
        left = max(most - count.used, 0)
        return RateLimit(policy, most, MINUTE, left, count.resets_in)

    def of_day(self, used: int, now: datetime) -> RateLimit:
        """How a day stands, which ends at midnight in UTC."""
        most, policy = self.per_day or 0, f"{self.prefix}{PICTURES}"
        midnight = jobs.midnight(now.date() + timedelta(days=1))
        wait = -(-(midnight - now) // timedelta(seconds=1))
        return RateLimit(policy, most, DAY, max(most - used, 0), wait)

    def standing(self) -> list[RateLimit]:
        """How it stands now with each limit that there is."""
        now, found = utcnow(), []
        if self.per_minute:
            found.append(self.of_minute(windows.read(self.window)))
        if self.per_day is not None:
            used = self.counter.asked_on(self.id, now.date())
            found.append(self.of_day(used, now))
        return found


class KeyBounds(Bounds):
    """What an API key may ask for, where it is limited more than its user."""

    prefix = "key-"
    counter = ApiKey
    too_many = KeyTooManySubmissions
    exceeded = KeyQuotaExceeded

    @property
    def name(self) -> str:
        return f"key {self.id}"

    @property
    def window(self) -> str:
        return self.name


def bounds_of(principal: Principal, user_id: str) -> Bounds:
    return Bounds(user_id, _per_minute(), quota_of(principal, user_id))


def key_bounds_of(principal: Principal) -> KeyBounds | None:
    key = principal.key
    return KeyBounds(key.id, key.per_minute or 0, key.per_day) if key else None


@dataclass
class Reservation:
    """
    What one request has reserved of the limits of its user, and of its key.

    Attributes:
        windows: The minutes in which its task is counted.
        key_id: The key whose day has its pictures; empty where none has.
        has_turns: Its pictures wait in their lane, and its user's day has them.
        turn: The first of these turns.
        queued: Jobs that waited in Redis.
        rate_limits: What is left, of each limit that there is.
    """

    task: Task
    windows: list[str] = field(default_factory=list)
    key_id: str = ""
    has_turns: bool = False
    turn: int = 0
    queued: int = 0
    rate_limits: tuple[RateLimit, ...] = ()

    def release(self) -> None:
        """The request has made nothing."""
        task, day = self.task, self.task.created_at.date()
        for window in self.windows:
            windows.give_back(window)
        if self.key_id:
            ApiKey.give_back(self.key_id, day, task.n)
        if self.has_turns:
            lanes.release_tickets(task.lane, task.user_id, task.n, day=day)


def count_request(address: str, caller: str) -> RequestCount | None:
    """
    Count one more request of an address, and of who calls, by key or session.

    Either may be empty. Without Redis nothing is counted.

    Returns:
        None where Redis was not asked.

    Raises:
        TooManyRequests: there were as many in this minute as there may be.
    """
    global _asked_from
    most = jobs.runtime().config.REQUESTS_PER_MINUTE
    bounds = {f"address:{address}": CALLERS_BEHIND * most} if address else {}
    if caller:
        bounds[f"caller:{hashlib.sha256(caller.encode()).hexdigest()[:32]}"] = most
    if not (most and bounds) or monotonic() < _asked_from:
        return None
    keys = [*(f"jimeng:requests:{each}" for each in bounds), ACCESS]
    try:
        mark, *told = jobs.evaluate(COUNT, keys, 1000 * MINUTE)
    except RedisError as error:
        _asked_from = monotonic() + UNASKED
        log.warning("requests are not counted", exc_info=error)
        return None
    counts = zip(bounds.values(), told[::2], told[1::2], strict=True)
    # The one that refuses, else the one that will be the first to.
    over, standing = max(map(_requests, counts), key=lambda at: (at[0], -at[1].left))
    if over:
        wait = standing.resets_in
        refusal = TooManyRequests(retry_after=wait, limit=most, seconds=wait)
        refusal.rate_limits = (standing,)
        raise refusal
    return RequestCount(mark, standing)


def _requests(count: tuple[int, int, int]) -> tuple[bool, RateLimit]:
    """Whether a limit is passed, and how it stands: the limit, used, milliseconds."""
    most, used, ends = count
    left, resets_in = max(most - used, 0), -(-max(ends, 1) // 1000)
    return used > most, RateLimit(REQUESTS, most, MINUTE, left, resets_in)


def reserve(
    principal: Principal, task: Task, *, is_counted: bool = True
) -> Reservation:
    """
    Count one more task of its user, and its pictures; give them turns in their lane.

    Args:
        is_counted: As one of the minute's tasks. Those that a batch makes are not: it
            has been counted itself, and makes them no faster than they are drawn.

    Raises:
        TooManySubmissions: the user, or the key, has asked for as many tasks as a
            minute may have.
        QuotaExceeded: these would be more pictures than the day may have.
        TooManyPending: these would be more than ``USER_MAX_PENDING``.
        QueueUnavailable: Redis is away.
    """
    held = Reservation(task)
    try:
        of_key = _reserve_of_key(held, key_bounds_of(principal))
        user = bounds_of(principal, task.user_id)
        if not is_counted:
            user = replace(user, per_minute=0)
        held.rate_limits = (*_reserve_of_user(held, user), *of_key)
    except PyMongoError:  # which may have counted what it was asked last all the same
        release_unless_written(task.id, held.release)
        raise
    except JimengError:
        held.release()
        raise
    return held


def _reserve_of_key(held: Reservation, key: KeyBounds | None) -> list[RateLimit]:
    """How the key stands then."""
    found: list[RateLimit] = []
    if key is not None and key.per_minute:
        found.append(key.of_minute(key.count_task()))
        held.windows.append(key.window)
    if key is not None and key.per_day:
        task, now = held.task, held.task.created_at
        used = ApiKey.ask(key.id, now.date(), task.n, most=key.per_day)
        if used is None:
            raise key.over_quota(ApiKey.asked_on(key.id, now.date()), now)
        held.key_id = key.id
        found.append(key.of_day(used, now))
    return found


def _reserve_of_user(held: Reservation, user: Bounds) -> list[RateLimit]:
    """How the user stands then."""
    found: list[RateLimit] = []
    count = user.count_task()
    held.queued = count.queued
    if user.per_minute:
        held.windows.append(user.window)
        found.append(user.of_minute(count))
    task, now = held.task, held.task.created_at
    most = jobs.runtime().config.USER_MAX_PENDING
    day = lanes.DailyQuota(now.date(), user.per_day)
    try:
        turns = lanes.reserve_tickets(
            task.lane, task.user_id, task.n, max_waiting=most, day=day
        )
    except lanes.DailyQuotaExceeded as full:
        raise user.over_quota(full.used, now) from None
    held.has_turns, (held.turn, used) = True, turns
    if user.per_day is not None:
        found.append(user.of_day(used, now))
    return found


def reserve_submission(user_id: str) -> None:
    """
    Count one more thing that a user asks for, which takes its places later.

    Raises:
        TooManySubmissions: the user has asked for as many as a minute may have.
        QueueUnavailable: Redis is away.
    """
    Bounds(user_id, _per_minute(), None).count_task()


def reserve_upload(user_id: str) -> None:
    """
    Count one more picture that a user sends.

    Raises:
        TooManyUploads: there were `UPLOADS` in this minute.
        QueueUnavailable: Redis is away.
    """
    count = windows.take(f"uploads {user_id}", UPLOADS)
    if not count.taken:
        wait = count.resets_in
        raise TooManyUploads(f"user {user_id}", retry_after=wait, limit=UPLOADS)


def rate_limits(principal: Principal, user_id: str) -> tuple[RateLimit, ...]:
    """
    How a user stands with each limit that there is, as it is now.

    Raises:
        UserNotFound: another's are not there to see.
        QueueUnavailable: Redis is away.
    """
    principal.require_reader(user_id)
    key = key_bounds_of(principal)
    found = bounds_of(principal, user_id).standing()
    return (*found, *(key.standing() if key else ()))


def quota_of(principal: Principal, user_id: str) -> int | None:
    """
    Pictures that the user may ask for in a day; None for no limit.

    What the user's record says comes first, 0 being none at all; else the server's
    ``USER_DAILY_QUOTA`` holds, of which 0 is no limit.
    """
    if principal.user_id == user_id and principal.daily_quota != UNKNOWN:
        own = principal.daily_quota
    else:
        own = _recorded_quota(user_id)
    return own if own is not None else jobs.runtime().config.USER_DAILY_QUOTA or None


def _recorded_quota(user_id: str) -> int | None:
    """What the user's record says, as it was a second ago at most."""
    until, quota = _quotas.get(user_id, (0.0, None))
    if monotonic() < until:
        return quota
    row = User.collection().find_one({"_id": user_id}, {"daily_quota": 1}) or {}
    if len(_quotas) >= MAX_QUOTAS:
        _quotas.clear()
    _quotas[user_id] = (monotonic() + QUOTA_CACHE, row.get("daily_quota"))
    return row.get("daily_quota")


def forget_quotas() -> None:
    """Drop what this process remembers of them."""
    _quotas.clear()


def _per_minute() -> int:
    return jobs.runtime().config.USER_SUBMISSIONS_PER_MINUTE
