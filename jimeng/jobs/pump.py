"""The pump: a thread in each consumer that queues jobs for generations that are due."""

import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jimeng import documents, lanes
from jimeng.config import logs
from jimeng.config.version import RELEASE
from jimeng.documents import Generation, Worker, migrations, new_token, utcnow
from jimeng.documents.generation import DUE_HERE
from jimeng.documents.obsolete import OBSOLETE
from jimeng.errors import outages
from jimeng.jobs import periodic_tasks, video_fetching
from jimeng.jobs.queue import advance, dispatch
from jimeng.process import activity
from jimeng.process.broker import (
    MAX_QUEUED_JOBS,
    WORKER_TIMEOUT_S,
    connect,
    huey,
    queue_length,
)
from jimeng.process.metric_counts import counts
from jimeng.process.runtime import runtime

log = logging.getLogger(__name__)

# The pump ticks every `TICK_S`, with jitter, and earlier if a generation comes due
# before that, but no sooner than after `MIN_PAUSE_S`.
TICK_S, MIN_PAUSE_S = 0.25, 0.05
# Of an idle process, and of one that is idle while pictures wait which cannot be sent.
IDLE_TICK_S, WAITING_TICK_S = Worker.HEARTBEAT_S, 1.0
ERROR_PAUSE_S = 1.0
BATCH_DOCUMENTS = 200
RESERVATION_LEASE = timedelta(seconds=5)  # Redis may lose the job: queue it again
STOP_TIMEOUT_S = 1.0

before_start: list[Callable[[], None]] = []  # called before anything is sent

_starting = threading.Lock()
_stopped = activity.stopped
_awake = threading.Event()
activity.listen(_awake.set)
_pump: threading.Thread | None = None
_ran_at: datetime | None = None


@huey.on_startup()
def start() -> None:
    """Huey calls this in each worker thread; the first one starts the pump."""
    global _pump
    # The others wait: none may fetch a job while the connection is replaced.
    with _starting:
        if _pump is None:
            for prepare in before_start:
                prepare()
            # A consumer has longer timeouts than a web request.
            documents.connect(runtime().config, timeout=documents.WORKER_TIMEOUT)
            connect(runtime().config, timeout=WORKER_TIMEOUT_S)
            activity.wake()
            periodic_tasks.start(_stopped)
            _pump = threading.Thread(target=run, name="pump", daemon=True)
            _pump.start()


@huey.on_shutdown()
def stop() -> None:
    """
    On shutdown, stop reserving work and mark the worker as gone. Huey calls this in
    each thread, once its last job has ended.
    """
    stop_work()
    if _pump is not None:
        _pump.join(STOP_TIMEOUT_S)
    video_fetching.join(STOP_TIMEOUT_S)
    counts.flush()


@huey.post_execute()
def job_ran(task: object, result: object, error: BaseException | None) -> None:
    """There may be more to do after each job that has run in this process."""
    global _ran_at
    _ran_at = utcnow()
    activity.wake()


def run() -> None:
    """Tick until `stop`; errors are logged, and the next tick tries again."""
    pump = Pump(f"{socket.gethostname()}:{os.getpid()}:{new_token()}")
    log.info("pump started worker=%s release=%s", pump.worker_id, RELEASE)
    while not _stopped.is_set():
        try:
            pause = pump.run_once()
            outages.works()
        except Exception as error:  # without the pump this consumer would stand still
            outages.failed("pump", error)
            pause = ERROR_PAUSE_S
        if _awake.wait(pause):
            _awake.clear()
            pump.next_lane_check = 0.0
    try:
        mark_stopped(pump.worker_id)
    except Exception as error:  # then this worker counts as lost until it expires
        outages.failed("pump", error)


@dataclass
class Pump:
    """
    The schedule of the pump's thread. Times are by `time.monotonic`.

    Attributes:
        next_heartbeat: When the next heartbeat is due.
        next_lane_check: When the lanes are checked next for pictures that can be sent.
        waits: Whether pictures waited at the latest check.
    """

    worker_id: str
    started: datetime = field(default_factory=utcnow)
    next_heartbeat: float = 0.0
    next_lane_check: float = 0.0
    waits: bool = False

    def run_once(self) -> float:
        """Do what is due; return the seconds until the next tick."""
        ahead = TICK_S
        if activity.is_idle():
            ahead = WAITING_TICK_S if self.waits else IDLE_TICK_S
        ahead *= random.uniform(0.8, 1)  # noqa: S311 - no secret
        if time.monotonic() + ahead >= self.next_heartbeat:  # before the next tick
            write_heartbeat(self.worker_id, self.started)
            self.next_heartbeat = time.monotonic() + Worker.HEARTBEAT_S
            if stop_if_outdated(self.worker_id):
                return Worker.HEARTBEAT_S
        if not periodic_tasks.INDEXES.runs:
            return ahead  # the queries need the indexes that they hint
        capacity = MAX_QUEUED_JOBS - queue_length()
        if capacity <= 0:
            return ahead
        count, next_due = queue_due(capacity, ahead)
        if time.monotonic() >= self.next_lane_check:
            queued, self.waits = queue_dispatches(capacity - count)
            count += queued
            self.next_lane_check = time.monotonic() + ahead
        if count or next_due < ahead:
            activity.wake()
        until = self.next_lane_check - time.monotonic()
        return max(min(next_due, until), MIN_PAUSE_S)


def tick() -> None:
    """Queue what is due, and a dispatch for each free slot with a waiting picture."""
    capacity = MAX_QUEUED_JOBS - queue_length()
    if capacity > 0:
        count, _ = queue_due(capacity)
        queue_dispatches(capacity - count)


def queue_due(capacity: int, ahead: float = 0.0) -> tuple[int, float]:
    """
    Queue the generations that are due, *capacity* jobs at most.

    Args:
        ahead: Look-ahead in seconds, to learn when the next one comes due.

    Returns:
        How many were queued, and the seconds until the next one comes due: *ahead* if
        none does within that time.
    """
    now = utcnow()
    soon = {"due_at": {"$lte": now + timedelta(seconds=ahead)}, **DUE_HERE}
    found = Generation.collection().find(soon, {"due_at": 1})
    rows = list(
        found.sort("due_at", 1)
        .limit(min(capacity, BATCH_DOCUMENTS))
        .batch_size(BATCH_DOCUMENTS)
    )
    due = [row["_id"] for row in rows if row["due_at"] <= now]
    token = new_token()
    for generation_id in reserve(due, token) if due else ():
        advance(generation_id, token)
    if len(due) < len(rows):
        ahead = (rows[len(due)]["due_at"] - now).total_seconds()
    return len(due), ahead


def reserve(ids: list[str], token: str) -> list[str]:
    """
    Reserve due generations under *token*, and move their ``due_at``, before queueing.

    Without the reservation each tick would queue again what the previous tick had
    queued. Returns those of *ids* that no other pump had reserved first.
    """
    now = utcnow()
    generations = Generation.collection(durable=False)
    result = generations.update_many(
        {"_id": {"$in": ids}, "due_at": {"$lte": now}, **DUE_HERE},
        {"$set": {"owner": token, "due_at": now + RESERVATION_LEASE}},
    )
    if result.modified_count == len(ids):
        return ids
    mine = generations.find({"_id": {"$in": ids}, "owner": token}, {"_id": 1})
    return [row["_id"] for row in mine]


def queue_dispatches(capacity: int) -> tuple[int, bool]:
    """
    Queue a dispatch for each free slot with a waiting picture.

    Returns:
        How many were queued, and whether any picture waits.
    """
    wanted = lanes.count_sendable(runtime().registry.limits) if capacity > 0 else {}
    names = [lane for lane, count in wanted.items() for _ in range(count)][:capacity]
    for lane in names:
        dispatch(lane)
    return len(names), bool(wanted)


def write_heartbeat(worker_id: str, started: datetime) -> None:
    """Store this consumer's heartbeat: its last job, and periodic tasks that hang."""
    stuck = periodic_tasks.stuck()
    now = utcnow()
    known = {"code": migrations.CODE, "release": RELEASE, "obsolete": OBSOLETE}
    alive: dict = {"$set": {"seen_at": now, "started_at": started, **known}}
    if _ran_at is not None:
        alive["$set"]["ran_at"] = _ran_at
    if stuck:
        alive["$set"]["stuck"] = stuck
    else:
        alive["$unset"] = {"stuck": ""}
    Worker.collection(durable=False).update_one({"_id": worker_id}, alive, upsert=True)


def stop_if_outdated(worker_id: str) -> bool:
    """
    Stop this consumer if a later release has migrated the database beyond it. It
    finishes its current jobs and fetches no more.

    Returns:
        Whether it is being stopped.
    """
    try:
        migrations.check()
    except migrations.TooOld as error:
        log.error("worker stops: %s", error)
        Worker.collection(durable=False).update_one(
            {"_id": worker_id}, {"$set": {"too_old": True}}
        )
        stop_work()
        huey.exit_status = logs.REFUSED
        os.kill(os.getpid(), signal.SIGTERM)  # stops Huey's threads
        return True
    return False


def stop_work() -> None:
    """Stop the pump and the periodic tasks."""
    _stopped.set()
    activity.notify()


def mark_stopped(worker_id: str) -> None:
    """
    Mark this consumer as stopped on purpose, not lost.

    It counts as alive until its last heartbeat expires: so the server stays ready while
    a new consumer replaces it.
    """
    Worker.collection(durable=False).update_one(
        {"_id": worker_id}, {"$set": {"left": True}}
    )
