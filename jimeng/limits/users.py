"""
Limits: how many tasks a user may ask for in a minute, and pictures in a day.

Tasks are counted in Redis: a count that is lost is one of the last minute.
Pictures are counted in MongoDB, by the day in UTC on which they were asked for,
together with their turns.
Both are taken before the task is written, and given back when it is not written after
all. A picture is given back to its day also when it ends while it waits: cancelled,
deleted, or its model offered no longer. What a provider has taken counts, whatever
came of it.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng import jobs, lanes
from jimeng.documents import Allowance, RateLimit, Task, User, utcnow
from jimeng.errors import (
    QueueUnavailable,
    QuotaExceeded,
    TooManyPending,
    TooManyRequests,
    TooManySubmissions,
)
from jimeng.errors.inputs import TooManyUploads
from jimeng.limits import keys, windows
from jimeng.limits.releasing import release_unless_written
from jimeng.limits.windows import MINUTE
from jimeng.viewers import UNKNOWN, Viewer

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
MOST_QUOTAS = 10_000  # of these

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
class Taken:
    """
    What one request has taken of its user's limits.

    Attributes:
        is_counted: As one of the minute's tasks.
        turn: The first of the turns in its lane.
        queued: Jobs that waited in Redis.
        rate_limits: What is left, of each limit that there is.
    """

    user_id: str
    lane: str
    day: date
    pictures: int
    turn: int
    queued: int
    rate_limits: tuple[RateLimit, ...]
    of_key: keys.Taken = keys.NOTHING
    is_counted: bool = True

    def give_back(self) -> None:
        """The request has made nothing."""
        self.of_key.give_back()
        if self.is_counted:
            windows.give_back(self.user_id)
        lanes.leave(self.lane, self.user_id, self.pictures, day=self.day)


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


def take(viewer: Viewer, task: Task, *, is_counted: bool = True) -> Taken:
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
    quota = quota_of(viewer, task.user_id)
    of_key = keys.take(viewer, task) if viewer.key else keys.NOTHING
    try:
        most = _per_minute() if is_counted else 0
        submission, queued = _count_submission(task.user_id, most)
        try:
            turn, picture = _count_pictures(task, quota)
        except (QuotaExceeded, TooManyPending):
            if is_counted:
                windows.give_back(task.user_id)
            raise
    except (TooManySubmissions, QuotaExceeded, TooManyPending, QueueUnavailable):
        of_key.give_back()
        raise
    except PyMongoError:  # which may have counted the user's all the same
        release_unless_written(task.id, of_key.give_back)
        raise
    found = tuple(each for each in (submission, picture) if each is not None)
    found += of_key.rate_limits
    day = task.created_at.date()
    return Taken(
        *(task.user_id, task.lane, day, task.n, turn, queued, found, of_key),
        is_counted=is_counted,
    )


def take_submission(user_id: str) -> None:
    """
    Count one more thing that a user asks for, which takes its places later.

    Raises:
        TooManySubmissions: the user has asked for as many as a minute may have.
        QueueUnavailable: Redis is away.
    """
    _count_submission(user_id, _per_minute())


def take_upload(user_id: str) -> None:
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


def rate_limits(viewer: Viewer, user_id: str) -> tuple[RateLimit, ...]:
    """
    How a user stands with each limit that there is, as it is now.

    Raises:
        UserNotFound: another's are not there to see.
        QueueUnavailable: Redis is away.
    """
    viewer.require_reader(user_id)
    found = []
    most, quota, now = _per_minute(), quota_of(viewer, user_id), utcnow()
    if most:
        found.append(_submissions(most, windows.read(user_id)))
    if quota is not None:
        found.append(_pictures(quota, Allowance.asked_on(user_id, now.date()), now))
    return (*found, *keys.rate_limits(viewer))


def quota_of(viewer: Viewer, user_id: str) -> int | None:
    """
    Pictures that the user may ask for in a day; None for no limit.

    What the user's record says comes first, 0 being none at all; else the server's
    ``USER_DAILY_QUOTA`` holds, of which 0 is no limit.
    """
    if viewer.user_id == user_id and viewer.daily_quota != UNKNOWN:
        own = viewer.daily_quota
    else:
        own = _recorded_quota(user_id)
    return own if own is not None else jobs.runtime().config.USER_DAILY_QUOTA or None


def _recorded_quota(user_id: str) -> int | None:
    """What the user's record says, as it was a second ago at most."""
    until, quota = _quotas.get(user_id, (0.0, None))
    if monotonic() < until:
        return quota
    row = User.collection().find_one({"_id": user_id}, {"daily_quota": 1}) or {}
    if len(_quotas) >= MOST_QUOTAS:
        _quotas.clear()
    _quotas[user_id] = (monotonic() + QUOTA_CACHE, row.get("daily_quota"))
    return row.get("daily_quota")


def forget_quotas() -> None:
    """Drop what this process remembers of them."""
    _quotas.clear()


def _per_minute() -> int:
    return jobs.runtime().config.USER_SUBMISSIONS_PER_MINUTE


def _count_submission(user_id: str, most: int) -> tuple[RateLimit | None, int]:
    """How the user stands with one more, and how many jobs wait in Redis."""
    count = windows.take(user_id, most)
    standing = _submissions(most, count)
    if not count.taken:
        wait = standing.resets_in
        raise TooManySubmissions(
            f"user {user_id}", retry_after=wait, limit=most, seconds=wait
        )
    return standing if most else None, count.queued


def _submissions(most: int, count: windows.Count) -> RateLimit:
    left = max(most - count.used, 0)
    return RateLimit(SUBMISSIONS, most, MINUTE, left, count.resets_in)


def _count_pictures(task: Task, quota: int | None) -> tuple[int, RateLimit | None]:
    """Their first turn, and how the user stands with the day's."""
    now, day = task.created_at, lanes.DailyQuota(task.created_at.date(), quota)
    most = jobs.runtime().config.USER_MAX_PENDING
    try:
        turn, asked = lanes.take_turns(
            task.lane, task.user_id, task.n, most=most, day=day
        )
    except lanes.DayIsFull as full:
        standing = _pictures(quota or 0, full.asked, now)
        raise QuotaExceeded(
            f"user {task.user_id}",
            retry_after=standing.resets_in,
            limit=quota,
            left=standing.left,
        ) from None
    return turn, None if quota is None else _pictures(quota, asked, now)


def _pictures(quota: int, used: int, now: datetime) -> RateLimit:
    return keys.pictures(PICTURES, quota, used, now)
