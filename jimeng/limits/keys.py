"""What an API key may ask for, where it is limited more than its user."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from jimeng.documents import ApiKey, RateLimit, Task, utcnow
from jimeng.errors import KeyQuotaExceeded, KeyTooManySubmissions
from jimeng.limits import windows
from jimeng.limits.windows import MINUTE
from jimeng.viewers import Viewer

SUBMISSIONS, PICTURES = "key-submissions", "key-daily-pictures"
DAY = 86_400  # seconds


@dataclass(frozen=True)
class Taken:
    """
    What one request has taken of its key's limits; of a key without limits nothing.

    Attributes:
        window: The name of its minute.
        day: In ISO's form, with the pictures that count for it.
    """

    key_id: str = ""
    window: str = ""
    day: str = ""
    pictures: int = 0
    rate_limits: tuple[RateLimit, ...] = ()

    def give_back(self) -> None:
        if self.window:
            windows.give_back(self.window)
        if self.pictures:
            ApiKey.give_back(self.key_id, self.day, self.pictures)


NOTHING = Taken()


def take(viewer: Viewer, task: Task) -> Taken:
    """
    Count one more task of the viewer's key, and its pictures.

    Raises:
        KeyTooManySubmissions: it has asked for as many as a minute may have.
        KeyQuotaExceeded: these would be more pictures than its day may have.
        QueueUnavailable: Redis is away.
    """
    key = viewer.key
    if key is None or not (key.per_minute or key.per_day):
        return NOTHING
    window, found = "", []
    if key.per_minute:
        window = window_of(key.id)
        found.append(_submission(key.id, window, key.per_minute))
    day = task.created_at.date().isoformat()
    if not key.per_day:
        return Taken(window=window, rate_limits=tuple(found))
    asked = ApiKey.ask(key.id, day, task.n, most=key.per_day)
    if asked is None:
        if window:
            windows.give_back(window)
        used = ApiKey.asked_on(key.id, day)
        standing = pictures(PICTURES, key.per_day, used, task.created_at)
        raise KeyQuotaExceeded(
            f"key {key.id}",
            retry_after=standing.resets_in,
            limit=key.per_day,
            left=standing.left,
        )
    found.append(pictures(PICTURES, key.per_day, asked, task.created_at))
    return Taken(key.id, window, day, task.n, tuple(found))


def window_of(key_id: str) -> str:
    return f"key {key_id}"


def _submission(key_id: str, window: str, most: int) -> RateLimit:
    count = windows.take(window, most)
    if not count.taken:
        wait = count.resets_in
        raise KeyTooManySubmissions(
            f"key {key_id}", retry_after=wait, limit=most, seconds=wait
        )
    left = max(most - count.used, 0)
    return RateLimit(SUBMISSIONS, most, MINUTE, left, count.resets_in)


def rate_limits(viewer: Viewer) -> tuple[RateLimit, ...]:
    """
    How the viewer's key stands with each limit of its own.

    Raises:
        QueueUnavailable: Redis is away.
    """
    key, now = viewer.key, utcnow()
    found = []
    if key is not None and key.per_minute:
        count = windows.read(window_of(key.id))
        left = max(key.per_minute - count.used, 0)
        found.append(
            RateLimit(SUBMISSIONS, key.per_minute, MINUTE, left, count.resets_in)
        )
    if key is not None and key.per_day:
        used = ApiKey.asked_on(key.id, now.date().isoformat())
        found.append(pictures(PICTURES, key.per_day, used, now))
    return tuple(found)


def pictures(policy: str, quota: int, used: int, now: datetime) -> RateLimit:
    """How a day stands, which ends at midnight in UTC."""
    midnight = datetime.combine(now.date() + timedelta(days=1), time.min, now.tzinfo)
    wait = -(-(midnight - now) // timedelta(seconds=1))
    return RateLimit(policy, quota, DAY, max(quota - used, 0), wait)
