"""Readiness: whether a task submitted now would be processed, and if not, why."""

import shutil
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pymongo
from mongoengine import get_db
from pymongo.errors import DuplicateKeyError
from redis.exceptions import (
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from jimeng import jobs, lanes
from jimeng.billing.budgets import states_of_installation
from jimeng.config import LOOPBACK
from jimeng.documents import (
    Generation,
    Worker,
    indexes,
    lacks_index,
    migrations,
    utcnow,
)
from jimeng.documents.database_errors import TROUBLES, is_clock_behind
from jimeng.documents.generation import DUE_HERE
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.process.state import Remembered
from jimeng.upkeep import retention

OVERDUE = timedelta(seconds=60)  # the pump queues due work within a second
# Longer than the duration of a job, except for a call to a synchronous provider; a
# consumer limits the number of these, so that it has free threads.
UNTAKEN_S = 40.0
CACHE_S = 1.0
FAILED_CACHE_S = 0.2  # for a failure, which may be over at any moment
MAX_STALE_S = 10.0  # an older result is served this long during a new check
MAX_CHECK_S = 1.2  # MongoDB's timeout for one check
DEADLINE_S = 1.7  # for all checks together
STALL_RECHECK_S = 0.4  # a lane that seems stalled is checked again after this
MAX_LANE_THREADS = 8
KEY = "jimeng.ready"


@dataclass(frozen=True)
class Reason:
    """
    Why the server is not ready.

    Attributes:
        code: For programs; its message key is ``ready.<code>`` in ``i18n``.
        names: The affected objects, such as lanes or indexes.
        since: When this process first saw it; it has been in every check since then.
    """

    code: str
    names: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True)
class Readiness:
    """
    Attributes:
        reasons: Why the server is not ready; empty if it is.
        paused: Switches that an operator has paused, which is not a failure.
        resting: Suspended accounts, while other accounts are in use.
        lowered: Lanes whose slots are below the configured number, because the provider
            refused that many, while this is told: ``provider:req_key``, with
            ``account@`` before it for one of several accounts.
        spent: Budgets of the installation that refuse requests: ``day``, ``month``.
        provider_refuses: Account lanes whose latest submissions have failed because of
            the account, or were not answered.
    """

    reasons: tuple[Reason, ...]
    paused: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()
    provider_refuses: tuple[lanes.Failures, ...] = ()


_finding = threading.Lock()
_trying = threading.Lock()


class _State(Remembered):
    cached: tuple[float, object, Readiness] | None = None
    since: dict[str, datetime] = {}  # code -> first seen, of the latest check
    untaken_since: tuple[object, float] = (None, 0.0)


_state = _State()
# When each worker had run its last job while others waited, and since when this is so.


def current() -> Readiness:
    """The readiness, cached for `CACHE_S`; checked by one thread. Never raises."""
    if (found := _still_good(CACHE_S)) is not None:
        return found
    may_wait = _still_good(MAX_STALE_S) is None
    if not _finding.acquire(blocking=may_wait):
        return _still_good(float("inf")) or run_checks()
    try:
        found = _still_good(CACHE_S) or run_checks()
        _state.cached = (time.monotonic(), jobs.runtime(), found)
        return found
    finally:
        _finding.release()


def _still_good(seconds: float) -> Readiness | None:
    cached = _state.cached
    if cached is None or cached[1] is not jobs.runtime():
        return None
    if cached[2].reasons and seconds == CACHE_S:
        seconds = min(FAILED_CACHE_S, CACHE_S)
    return cached[2] if time.monotonic() - cached[0] < seconds else None


def run_checks() -> Readiness:
    """Run all checks in parallel, within `DEADLINE_S`."""
    pool = ThreadPoolExecutor(len(CHECKS), "ready")
    parts = {
        pool.submit(copy_context().run, _bounded, check): otherwise
        for check, otherwise in CHECKS
    }
    done, late = wait(parts, timeout=DEADLINE_S)
    pool.shutdown(wait=False)
    reasons = [Reason(parts[each]) for each in late]
    paused: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    lowered: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()
    refuses: tuple[lanes.Failures, ...] = ()
    for each in done:
        try:
            found = each.result()
        except TROUBLES as error:
            if is_clock_behind(error):
                reasons.append(Reason("mongodb_clock"))
            elif not lacks_index(error):  # `_indexes` reports it
                reasons.append(Reason(parts[each]))
            continue
        reasons += found.reasons
        paused += found.paused
        resting += found.resting
        lowered += found.lowered
        spent += found.spent
        refuses += found.provider_refuses
    told = _dated(_in_order(reasons))
    return Readiness(told, paused, resting, lowered, spent, refuses)


def _dated(reasons: list[Reason]) -> tuple[Reason, ...]:
    now = utcnow()
    _state.since = {each.code: _state.since.get(each.code, now) for each in reasons}
    return tuple(replace(each, since=_state.since[each.code]) for each in reasons)


def _bounded(check: Callable[[], Readiness]) -> Readiness:
    with pymongo.timeout(MAX_CHECK_S):
        return check()


def _in_order(reasons: Iterable[Reason]) -> list[Reason]:
    """Return each code once, ordered as `CODES`; without MongoDB only certain ones."""
    found = {reason.code: reason for reason in reasons}
    for away in ("mongodb_clock", "mongodb"):
        if away in found:
            found = {c: r for c, r in found.items() if c in {away} | WITHOUT_MONGODB}
    return [found[code] for code in CODES if code in found]


def _mongodb() -> Readiness:
    try:
        get_db()["probes"].update_one(
            {"_id": "ready"}, {"$set": {"at": utcnow()}}, upsert=True
        )
    except DuplicateKeyError:
        return Readiness(())  # another server has just inserted it
    return Readiness(())


def _redis() -> Readiness:
    try:
        jobs.huey.storage.conn.set(KEY, 1, ex=5)
    except OutOfMemoryError:
        return Readiness((Reason("redis_full"),))
    except ReadOnlyError:
        return Readiness((Reason("redis_read_only"),))
    except ResponseError:
        return Readiness((Reason("redis_refuses"),))
    except RedisError:
        return Readiness((Reason("redis"),))
    return Readiness(())


def _indexes() -> Readiness:
    missing = tuple(indexes.compare_indexes())
    return Readiness((Reason("index_missing", missing),) if missing else ())


def _release() -> Readiness:
    return Readiness((Reason("release_too_old"),) if migrations.is_too_old() else ())


def _work() -> Readiness:
    """Whether a worker is alive, and runs the queued jobs."""
    found = []
    alive = Worker.collection().find(Worker.alive(), {"_id": 0, "ran_at": 1})
    workers = list(alive)
    if not workers:
        found.append(Reason("worker"))
    elif _is_untaken(workers):
        found.append(Reason("jobs_untaken"))
    # Only generations that this release knows: another release handles the others.
    late = {"due_at": {"$lt": utcnow() - OVERDUE}, **DUE_HERE}
    if Generation.collection().find_one(late, {"_id": 1}, hint="due") is not None:
        found.append(Reason("overdue"))
    return Readiness(tuple(found), tuple(sorted(lanes.paused(fresh=True))))


def _is_untaken(workers: list[dict]) -> bool:
    """Whether jobs have waited in Redis for `UNTAKEN_S` while no worker ran any."""
    try:
        is_waiting = jobs.huey.storage.queue_size() > 0
    except RedisError:
        return False  # `_redis` reports it
    if not is_waiting:
        _state.untaken_since = None, 0.0
        return False
    if _state.untaken_since[0] != workers:
        _state.untaken_since = workers, time.monotonic()
    return time.monotonic() > _state.untaken_since[1] + UNTAKEN_S


def _free_disk_space() -> Readiness:
    free = retention.free_bytes()
    is_scarce = free is not None and free < MIN_FREE_BYTES
    return Readiness((Reason("disk"),) if is_scarce else ())


def _storage() -> Readiness:
    """Whether pictures can be stored. A hung mount blocks one thread at most."""
    if not _trying.acquire(timeout=MAX_CHECK_S):
        return Readiness((Reason("storage"),))
    try:
        return Readiness(() if jobs.runtime().store.works() else (Reason("storage"),))
    finally:
        _trying.release()


def _lanes() -> Readiness:
    """Whether a lane is stalled although it could submit."""
    served = jobs.runtime().registry.limits
    with ThreadPoolExecutor(MAX_LANE_THREADS, "lanes") as pool:
        heads = pool.map(lanes.find_stalled, served.keys(), served.values())
        before = {x: head for x, head in zip(served, heads, strict=True) if head}
    if not before:
        return Readiness(())
    time.sleep(STALL_RECHECK_S)
    still = [
        x for x, head in before.items() if lanes.find_stalled(x, served[x]) == head
    ]
    return Readiness((Reason("lane_stalled", tuple(still)),) if still else ())


def _accounts() -> Readiness:
    """Suspended accounts, lanes below their configured slots, and what fails."""
    limits = jobs.runtime().registry.limits
    states = lanes.read_account_lanes(limits)
    resting = {
        x.account_lane.account for x in states if lanes.is_account_suspended(x.record)
    }
    lowered = [x.account_lane.record for x in lanes.read_lowered(limits)]
    return Readiness(
        (),
        resting=tuple(sorted(resting)),
        lowered=tuple(sorted(lowered)),
        provider_refuses=tuple(filter(None, map(lanes.failures_of, states))),
    )


def _budgets() -> Readiness:
    """The installation's budgets that refuse requests."""
    states = states_of_installation(jobs.runtime().config)
    return Readiness((), spent=tuple(x.period for x in states if x.is_exceeded))


def _here() -> Readiness:
    """Checks that need no database."""
    found = []
    runtime = jobs.runtime()
    if not runtime.registry.models:
        found.append(Reason("no_provider"))
    data = Path(runtime.config.DATA_DIR) / "mongodb"
    is_local = urlsplit(runtime.config.mongodb_uri).hostname in LOOPBACK
    if is_local and data.is_dir() and shutil.disk_usage(data).free < MIN_FREE_BYTES:
        found.append(Reason("disk"))
    return Readiness(tuple(found))


# Check -> the reason if it fails or times out; empty if other checks report that.
CHECKS: list[tuple[Callable[[], Readiness], str]] = [
    (_mongodb, "mongodb_refuses"),
    (_redis, "redis"),
    (_release, "mongodb"),
    (_indexes, "mongodb"),
    (_work, "mongodb"),
    (_free_disk_space, "mongodb"),
    (_storage, "storage"),
    (_lanes, ""),  # a slow database leaves no time for it
    (_accounts, ""),
    (_budgets, ""),
    (_here, "disk"),
]
WITHOUT_MONGODB = {
    *("redis", "redis_full", "redis_read_only", "redis_refuses"),
    *("disk", "no_provider"),
}
CODES = (
    *("mongodb", "mongodb_clock", "mongodb_refuses", "redis", "redis_full"),
    *("redis_read_only", "redis_refuses", "disk", "storage", "release_too_old"),
    *("index_missing", "worker", "jobs_untaken", "overdue", "lane_stalled"),
    "no_provider",
)
