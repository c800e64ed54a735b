"""The pump: a thread in each consumer that finds what is due and queues it."""

import logging
import os
import random
import socket
import threading
import time
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng import documents, lanes
from jimeng.documents import Generation, Worker, new_token, utcnow
from jimeng.documents.generation import DUE
from jimeng.jobs import janitor
from jimeng.jobs.broker import (
    MOST_QUEUED,
    WORKER_TIMEOUT,
    connect,
    huey,
    queue_length,
)
from jimeng.jobs.queue import advance, dispatch
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

TICK = 0.25  # seconds, give or take a fifth, so that several do not march in step
BATCH = 200
RESERVED_FOR = timedelta(seconds=5)  # then it is queued again: Redis may have lost it
HEARTBEAT = 5.0  # seconds

_starting = threading.Lock()
_stopped = threading.Event()
_pump: threading.Thread | None = None


@huey.on_startup()
def start() -> None:
    """Huey calls this in each worker thread; the first one starts the pump."""
    global _pump
    # The others wait: none may take a job while the connection is replaced.
    with _starting:
        if _pump is None:
            # The consumer has more patience than a web request.
            documents.connect(runtime().config, timeout=documents.WORKER_TIMEOUT)
            connect(runtime().config, timeout=WORKER_TIMEOUT)
            _pump = threading.Thread(target=run, name="pump", daemon=True)
            _pump.start()


@huey.on_shutdown()
def stop() -> None:
    """A consumer that is told to stop reserves nothing more."""
    _stopped.set()


def run() -> None:
    """Tick until `stop`; whatever goes wrong is logged and tried again."""
    worker_id = f"{socket.gethostname()}:{os.getpid()}:{new_token()}"
    started, next_beat = utcnow(), 0.0
    log.info("pump started worker=%s", worker_id)
    while not _stopped.wait(TICK * random.uniform(0.8, 1.2)):  # noqa: S311 - no secret
        try:
            documents.ensure_indexes()
            if time.monotonic() >= next_beat:
                beat(worker_id, started)
                next_beat = time.monotonic() + HEARTBEAT
            tick()
            janitor.tick()
        except (PyMongoError, RedisError) as error:
            log.warning("pump waits: %s: %s", type(error).__name__, error)
            _stopped.wait(1.0)
        except Exception:  # the pump is the last thing that may die
            log.exception("pump failed")
            _stopped.wait(1.0)


def tick() -> int:
    """Queue what is due, and a dispatch for each free slot that is waited for."""
    room = MOST_QUEUED - queue_length()
    if room <= 0:
        return 0
    reserved = reserve(min(room, BATCH))
    for generation_id, token in reserved:
        advance(generation_id, token)
    for lane, most in runtime().registry.lanes.items():
        if lanes.is_waited_for(lane):
            for _ in lanes.free_slots(lane, most)[:room]:
                dispatch(lane)
    return len(reserved)


def reserve(limit: int) -> list[tuple[str, str]]:
    """
    Put a token on what is due, and its ``due_at`` ahead, before it is queued.

    Without the reservation each tick queued again what the tick before had
    queued. Returns generation ids with the token.
    """
    now = utcnow()
    due = {"due_at": {"$lte": now}, "state": {"$in": DUE}}
    generations = Generation.collection(durable=False)
    found = generations.find(due, {"_id": 1}).sort("due_at", 1).limit(limit)
    ids = [row["_id"] for row in found]
    if not ids:
        return []
    token = new_token()
    generations.update_many(
        {"_id": {"$in": ids}, **due},
        {"$set": {"owner": token, "due_at": now + RESERVED_FOR}},
    )
    mine = generations.find({"_id": {"$in": ids}, "owner": token}, {"_id": 1})
    return [(row["_id"], token) for row in mine]


def beat(worker_id: str, started: datetime) -> None:
    """Show that this consumer lives."""
    Worker.collection(durable=False).update_one(
        {"_id": worker_id},
        {"$set": {"seen_at": utcnow(), "started_at": started}},
        upsert=True,
    )
