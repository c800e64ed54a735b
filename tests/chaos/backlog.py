"""A backlog: 20,000 pictures of one user wait, then an operator clears the queue."""

import random

from pymongo.database import Database

from jimeng.documents import utcnow
from jimeng.lanes.queue import path_of_lane
from tests.bench.backlog import LANE, insert, waiting
from tests.chaos.site import Site
from tests.waiting import wait_for

SIZE = 20_000
SEEDS = 10_000_000  # no other task has these
USER = "backlog"
OTHERS = 6  # tasks of another user, asked for behind them
SENT_WITHIN = 20.0  # seconds in which those are sent
CLEARED_WITHIN = 90.0  # seconds: the lease of a consumer that was killed is one of 35


def backlog_and_clearing(site: Site, choice: random.Random) -> None:
    """Others' pictures are sent all the same; clearing survives all consumers."""
    site.await_ready()
    first = SEEDS + SIZE * site.count("backlog")
    with site.stack.database() as found:
        fill(found, first)
        others = [site.submit(user_id="behind") for _ in range(OTHERS)]
        mine = {"task_id": {"$in": others}, "sent_at": {"$exists": True}}
        sent = found.generations.count_documents
        wait_for(lambda: sent(mine) == OTHERS, SENT_WITHIN, "others are sent")
        waiting = {"user_id": USER, "state": "queued"}
        left = sent(waiting)
        assert left > SIZE / 2, f"only {left} of the backlog wait"
        clear(site, found)
        assert sent(waiting) == 0, "some still wait"


def clear(site: Site, found: Database) -> None:
    """By the operator's page; all consumers are killed in the middle of it."""
    before = utcnow()
    status, _, _ = site.stack.fetch("/admin/queue/clear", form={"word": "clear"})
    assert status == 200, f"{status} for clearing"
    began = {"kind": "queue.clear", "started_at": {"$gte": before}}
    one = found.bulk_actions.find_one
    wait_for(lambda: one({**began, "done": {"$gt": 0}}), 30, "it has begun")
    for consumer in list(site.stack.consumers):
        consumer.kill()
    was_open = one({**began, "open": True}) is not None
    ended = {**began, "open": {"$exists": False}}
    action = wait_for(lambda: one(ended), CLEARED_WITHIN, "the queue is cleared")
    assert was_open, "it was over before a consumer was killed"
    assert action["done"] > SIZE / 2, f"{action['done']} cleared"
    (entry,) = list(found.audit.find({"_id": action["audit_id"]}))
    assert entry["outcome"]["tasks"] == action["done"], f"audit: {entry}"


def fill(found: Database, first: int) -> None:
    """As of now: the janitor writes what a task of half a minute ago lacks."""
    lane = found.lanes.find_one({"_id": LANE}) or {}
    turn = lane.get("turn", 0)
    about = ({"seed": first + n, "seed_given": True} for n in range(SIZE))
    insert(found, (waiting(USER, turn + n, **each) for n, each in enumerate(about)))
    place = {"last": turn + SIZE, "pending": SIZE}
    known = {path_of_lane(LANE): place, "taken_at": utcnow()}
    found.places.update_one({"_id": USER}, {"$set": known}, upsert=True)
