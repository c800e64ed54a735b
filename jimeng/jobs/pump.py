"""The pump: a thread in each consumer that finds what is due and queues it."""

import logging
import os
import random
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jimeng import documents, lanes
from jimeng.config import logs
from jimeng.config.version import RELEASE
from jimeng.documents import Generation, Worker, migrations, new_token, utcnow
from jimeng.documents.generation import DUE_HERE
from jimeng.errors import outages
from jimeng.jobs import periodic_tasks
from jimeng.jobs.broker import (
    MAX_QUEUED_JOBS,
    WORKER_TIMEOUT_S,
    connect,
    huey,
    queue_length,
)
from jimeng.jobs.queue import advance, dispatch
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

# Seconds, give or take, so that several do not march in step. In between the pump
# wakes when it knows that something will be due, but no sooner than after NEAREST.
TICK_S, MIN_PAUSE_S = 0.25, 0.05
# With nothing to do for so long it looks less often, until a job has run here.
IDLE_AFTER_S, IDLE_TICK_S = 5.0, 1.0
ERROR_PAUSE_S = 1.0
BATCH_DOCUMENTS = 200
RESERVATION_LEASE = timedelta(
    seconds=5
)  # then it is queued again: Redis may have lost it
STOP_TIMEOUT_S = 1.0  # second

_starting = threading.Lock()
_stopped = threading.Event()
_awake = threading.Event()
_pump: threading.Thread | None = None
_ran_at: datetime | None = None


@huey.on_startup()
def start() -> None:
    """Huey calls this in each worker thread; the first one starts the pump."""
    global _pump
    # The others wait: none may take a job while the connection is replaced.
    with _starting:
        if _pump is None:
            logs.setup(runtime().config)  # Huey has put handlers of its own beside ours
            # The consumer has more patience than a web request.
            documents.connect(runtime().config, timeout=documents.WORKER_TIMEOUT)
            connect(runtime().config, timeout=WORKER_TIMEOUT_S)
            periodic_tasks.start(_stopped)
            _pump = threading.Thread(target=run, name="pump", daemon=True)
            _pump.start()


@huey.on_shutdown()
def stop() -> None:
    """A consumer that is told to stop reserves nothing more, and is not missed."""
    stop_work()
    if _pump is not None:
        _pump.join(STOP_TIMEOUT_S)


@huey.post_execute()
def job_ran(task: object, result: object, error: BaseException | None) -> None:
    """The pump is told of each job that has run here."""
    global _ran_at
    _ran_at = utcnow()
    _awake.set()


def run() -> None:
    """Tick until `stop`; whatever goes wrong is logged and tried again."""
    pump = Pump(f"{socket.gethostname()}:{os.getpid()}:{new_token()}")
    log.info("pump started worker=%s release=%s", pump.worker_id, RELEASE)
    while not _stopped.is_set():
        try:
            pause = pump.run_once()
            outages.works()
        except Exception as error:  # the pump is the last thing that may die
            outages.failed("pump", error)
            pause = ERROR_PAUSE_S
        if pump.is_idle:
            _awake.wait(pause)
        else:
            _stopped.wait(pause)
        if _awake.is_set():
            _awake.clear()
            pump.wake()
    try:
        mark_left(pump.worker_id)
    except Exception as error:  # then it is taken for lost, and nothing else
        outages.failed("pump", error)


@dataclass
class Pump:
    """
    When the thread does what.

    Attributes:
        next_beat: All of these are seconds of `time.monotonic`.
        next_look: At the lanes.
        busy_until: Then it is idle.
    """

    worker_id: str
    started: datetime = field(default_factory=utcnow)
    next_beat: float = 0.0
    next_look: float = 0.0
    busy_until: float = 0.0

    @property
    def is_idle(self) -> bool:
        return time.monotonic() >= self.busy_until

    def wake(self) -> None:
        """A job has run here: there may be more to do soon."""
        if self.is_idle:
            self.next_look = 0.0
        self.stay_awake()

    def stay_awake(self) -> None:
        self.busy_until = time.monotonic() + IDLE_AFTER_S

    def run_once(self) -> float:
        """Do what has its time; return the seconds until there may be more."""
        if time.monotonic() >= self.next_beat:
            write_heartbeat(self.worker_id, self.started)
            self.next_beat = time.monotonic() + Worker.HEARTBEAT_S
            if stop_if_outdated(self.worker_id):
                return Worker.HEARTBEAT_S
        ahead = IDLE_TICK_S if self.is_idle else TICK_S
        ahead *= random.uniform(0.8, 1)  # noqa: S311 - no secret
        if not periodic_tasks.INDEXES.runs:
            return ahead  # the queries name the indexes that they use
        room = MAX_QUEUED_JOBS - queue_length()
        if room <= 0:
            return ahead
        count, next_due = queue_due(room, ahead)
        if time.monotonic() >= self.next_look:
            count += queue_dispatches(room - count)
            self.next_look = time.monotonic() + ahead
        if count or next_due < ahead:
            self.stay_awake()
        until_look = self.next_look - time.monotonic()
        return max(min(next_due, until_look), MIN_PAUSE_S)


def tick() -> None:
    """Queue what is due, and a dispatch for each free slot that is waited for."""
    room = MAX_QUEUED_JOBS - queue_length()
    if room > 0:
        count, _ = queue_due(room)
        queue_dispatches(room - count)


def queue_due(room: int, ahead: float = 0.0) -> tuple[int, float]:
    """
    Queue what is due, *room* jobs at the most.

    Args:
        ahead: Seconds from now; what comes due within them is looked for too.

    Returns:
        How many were queued, and the seconds until the next comes due: *ahead*
        where none will.
    """
    now = utcnow()
    soon = {"due_at": {"$lte": now + timedelta(seconds=ahead)}, **DUE_HERE}
    found = Generation.collection().find(soon, {"due_at": 1})
    rows = list(
        found.sort("due_at", 1)
        .limit(min(room, BATCH_DOCUMENTS))
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
    Put *token* on what is due, and its ``due_at`` ahead, before it is queued.

    Without the reservation each tick queued again what the tick before had
    queued. Returns those of *ids* that nobody else was faster to reserve.
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


def queue_dispatches(room: int) -> int:
    """Ask for a picture for each free slot that is waited for; return how many."""
    wanted = lanes.count_sendable(runtime().registry.limits) if room > 0 else {}
    names = [lane for lane, count in wanted.items() for _ in range(count)][:room]
    for lane in names:
        dispatch(lane)
    return len(names)


def write_heartbeat(worker_id: str, started: datetime) -> None:
    """Show that this consumer lives, when it last ran a job, and what chores hang."""
    stuck = periodic_tasks.stuck()
    now = utcnow()
    known = {"code": migrations.CODE, "release": RELEASE}
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
    Stop this consumer where a later release has migrated the database beyond it: it
    finishes the jobs that it holds, and takes no more.

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
        os.kill(os.getpid(), signal.SIGTERM)  # the consumer's threads
        return True
    return False


def stop_work() -> None:
    """Neither the pump nor a chore begins anything more."""
    _stopped.set()
    _awake.set()


def mark_left(worker_id: str) -> None:
    """
    Say that this consumer was told to stop, and is not lost.

    It stays for as long as its last beat counts: while one takes another's place the
    server is ready.
    """
    Worker.collection(durable=False).update_one(
        {"_id": worker_id}, {"$set": {"left": True}}
    )
