"""Mixed versions: a later release works beside this one for a while, and is gone."""

import random
import time
from contextlib import AbstractContextManager, suppress

from pymongo.database import Database
from pymongo.errors import PyMongoError

from jimeng.documents import utcnow
from tests.chaos.load import PICTURE, VIDEOS
from tests.chaos.site import Site
from tests.waiting import meanwhile, wait_for

ADDED = {"$set": {"later": {"release": [1, 2]}}}
STATE, STATUS, CODE = "upscaling", "reviewing", "of_a_later_release"
TASKS, FAILED, PAUSED = 12, 3, 3  # of which so many it fails, and sets aside
DELAY = 6  # seconds, in which the later release gets at them first
WITHIN = 60.0  # seconds for anything, whatever else is broken


def mixed_versions(site: Site, choice: random.Random) -> None:
    """
    The later release adds fields to everything all the time, has states, statuses and
    codes of its own for some, and hands back what it had when it is rolled back.
    """
    kinds = (PICTURE, PICTURE, choice.choice(VIDEOS))
    taken = [site.submit(delay=DELAY, **kinds[n % 3]) for n in range(TASKS)]
    failed, paused = taken[:FAILED], taken[FAILED : FAILED + PAUSED]
    drawn = taken[FAILED + PAUSED :]
    with site.stack.database() as found:
        with adding_fields(found):
            fail(found, failed)
            change(found.tasks, {"_id": {"$in": paused}}, {"status": STATUS})
            mine = {"task_id": {"$in": drawn}}
            states = change(found.generations, mine, {"state": STATE})
            assert states == len(drawn), f"{states} of its states"
            # Past their time: this release has had its chance to stumble.
            time.sleep(DELAY + choice.uniform(0, 2))
            for task_id in (failed[0], failed[-1], paused[0], drawn[0], drawn[-1]):
                readable(site, task_id)
            seen = found.generations.count_documents({**mine, "state": STATE})
            assert seen == len(drawn), f"{len(drawn) - seen} were claimed"
        change(found.tasks, {"status": STATUS}, {"status": "pending"})
        change(found.generations, {"state": STATE}, {"state": "delayed"})
        for name in ("tasks", "generations", "lanes", "workers"):
            marked = found[name].count_documents({"later": {"$exists": True}})
            assert marked, f"nothing was added to {name}"


def adding_fields(found: Database) -> AbstractContextManager[None]:
    """Something that adds fields to every document, all the time."""

    def add() -> None:
        with suppress(PyMongoError):  # away, which is another fault's doing
            for name in found.list_collection_names():
                if not name.startswith(("system.", "pictures.", "fs.")):
                    found[name].update_many({"later": {"$exists": False}}, ADDED)

    return meanwhile(add, 0.1)


def change(collection, where: dict, fields: dict) -> int:
    return collection.update_many(where, {"$set": fields}).matched_count


def fail(found: Database, task_ids: list[str]) -> None:
    """End these with a code that nobody here has words for."""
    error, now = {"code": CODE, "charged": "no", "more": 1}, utcnow()
    gone = {"due_at": "", "waiting": ""}
    found.generations.update_many(
        {"task_id": {"$in": task_ids}},
        {"$set": {"state": "failed", "error": error, "ended_at": now}, "$unset": gone},
    )
    outcome = {"outcomes.0": {"state": "failed", "error": error}}
    ended = {**outcome, "status": "failed", "completed_at": now}
    update = {"$set": ended, "$unset": {"open": ""}}
    found.tasks.update_many({"_id": {"$in": task_ids}}, update)


def readable(site: Site, task_id: str) -> None:
    """Its page and its record can be read, whatever they say."""
    paths = (f"/api/v1/ai/image/result/{task_id}", f"/tasks/{task_id}")

    def is_shown() -> bool:
        try:
            answers = [site.stack.fetch(path)[0] for path in paths]
        except OSError:
            return False
        assert 500 not in answers, f"500 for a task of a later release: {answers}"
        return answers == [200, 200]

    wait_for(is_shown, WITHIN, f"{task_id} is shown")
