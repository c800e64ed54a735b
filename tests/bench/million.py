"""A thousand finished tasks and very many: pages and submissions, in turns."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta

from mongoengine import get_db

from jimeng import jobs
from jimeng.billing import settlement
from jimeng.config import Config
from jimeng.documents import Task, utcnow
from jimeng.documents.cursors import cursor_of
from tests.bench.backlog import insert, stored
from tests.bench.gallery import WORDS, looks
from tests.bench.rows import Row, Site

FEW, MANY, FULL = 1_000, 100_000, 1_000_000
SPREAD = timedelta(days=100)
USERS = 4  # of whom guest is one
ENDS = ["completed"] * 7 + ["failed"] * 2 + ["cancelled"]
REFUSED = {"code": "content_rejected", "charged": "no"}
PAGES = {
    "start page": "/",
    "list": "/?show=all",
    "those that failed": "/?show=failed",
    "those with a word": "/?show=all&q=黑猫",
    "usage": "/account/usage",
    "queue": "/admin/queue",
    "failures": "/admin/failures",
    "users": "/admin/users",
    "metrics": "/metrics",
    "list by offset": "/api/v1/ai/image/tasks?user_id=guest&offset=200",
}
DICE = random.Random(14)


def rows(site: Site) -> Iterator[Row]:
    sizes = (FEW, FULL if site.full else MANY)
    yield from looks(site, "tasks", sizes, PAGES, fill)


def fill(config: Config, size: int) -> str:
    """
    Finished tasks of one picture, evenly spread over `SPREAD` and `USERS`.

    Returns:
        The address of a page deep down in the list of guest's.
    """
    jobs.configure(config)
    step, now = SPREAD / size, utcnow()
    insert(get_db(), (ended(n, now - step * (n + 1)) for n in range(size)))
    began = time.monotonic()
    while settlement.settle():
        pass
    print(f"{size:,}: settled in {time.monotonic() - began:.1f} s", flush=True)
    mine = Task.collection().find({"user_id": "guest"}).sort("created_at", 1)
    return f"/?show=all&cursor={cursor_of(mine.skip(30)[0], 'created_at')}"


def ended(number: int, at) -> tuple[dict, dict]:
    """A task that has ended long ago, and its only picture's way, as stored."""
    user = f"user_{number % USERS}" if number % USERS else "guest"
    prompt = "，".join(DICE.choices(WORDS, k=DICE.randint(3, 12)))
    status, later = DICE.choice(ENDS), at + timedelta(seconds=9)
    is_done, is_sent = status == "completed", status != "cancelled"
    end = {"state": "done"} if is_done else {"state": "failed", "error": REFUSED}
    common = {"width": 1328, "height": 1328, "created_at": at}
    return stored(
        {"user_id": user, "prompt": prompt, **common},
        {
            "input": {"prompt": prompt, "user_id": user},
            "model": "doubao-seedream-3.0-t2i",
            "status": status,
            "outcomes": {"0": end} if is_sent else {},
            "updated_at": later,
            "completed_at": later,
        },
        {
            "state": "done" if is_done else "failed" if is_sent else "dropped",
            "turn": number // USERS,
            "charged": "yes" if is_done else "no",
            "error": None if is_done or not is_sent else REFUSED,
            "ended_at": later,
            "unsettled": True,
        },
    )
