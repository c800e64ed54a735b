"""A thousand finished tasks and very many: pages and submissions, in turns."""

import http.client
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta

from jimeng import jobs
from jimeng.config import Config
from jimeng.documents import Generation, Task, utcnow
from jimeng.documents.cursors import cursor_of
from jimeng.jobs import janitor
from tests.bench.gallery import WORDS, look
from tests.bench.rows import Row, Site
from tests.bench.started import prepare, started

FEW, MANY, FULL = 1_000, 100_000, 1_000_000
SPREAD = timedelta(days=100)
BATCH = 5_000
USERS = 4  # of whom guest is one
ENDS = ["completed"] * 7 + ["failed"] * 2 + ["cancelled"]
LANE = "volcengine_jimeng:jimeng_t2i_v30"
REFUSED = {"code": "content_rejected", "charged": "no"}
PAGES = {
    "start page": "/",
    "tasks": "/tasks",
    "tasks that failed": "/tasks?status=failed",
    "tasks with a word": "/tasks?q=黑猫",
    "usage": "/account/usage",
    "queue": "/admin/queue",
    "failures": "/admin/failures",
    "users": "/admin/users",
    "metrics": "/metrics",
    "list by offset": "/api/v1/ai/image/tasks?user_id=guest&offset=200",
}


def rows(site: Site) -> Iterator[Row]:
    """Fill a database of each size, and ask for each page of both in turns."""
    sizes = (FEW, FULL if site.full else MANY)
    dice = random.Random(14)
    with ExitStack() as servers:
        links, queries = [], []
        for size in sizes:
            name = f"tasks_{size}"
            deep = {"tasks, a page deep down": fill(site.mongodb_uri, name, size, dice)}
            queries.append({**PAGES, **deep})
            settings = {"MONGODB_DATABASE": name}
            server = started(site.mongodb_uri, site.redis_url, **settings)
            port = servers.enter_context(server)
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            links.append(servers.enter_context(closing(link)))
        for name in queries[0]:
            yield look(name, links, [each[name] for each in queries], sizes)


def fill(mongodb_uri: str, name: str, size: int, dice: random.Random) -> str:
    """
    Finished tasks of one picture, evenly spread over `SPREAD` and `USERS`.

    Returns:
        The address of a page deep down in the list of guest's.
    """
    config = Config(MONGODB_URI=mongodb_uri, MONGODB_DATABASE=name)
    prepare(config)
    jobs.configure(config)
    step, now = SPREAD / size, utcnow()
    for first in range(0, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        pairs = [ended(n, now - step * (n + 1), dice) for n in numbers]
        Task.collection(durable=False).insert_many([task for task, _ in pairs])
        Generation.collection(durable=False).insert_many([each for _, each in pairs])
    began = time.monotonic()
    while janitor.close_days():
        pass
    print(f"{name}: days counted in {time.monotonic() - began:.1f} s", flush=True)
    mine = Task.collection().find({"user_id": "guest"}).sort("created_at", 1)
    return f"/tasks?cursor={cursor_of(mine.skip(30)[0], 'created_at')}"


def ended(number: int, at, dice: random.Random) -> tuple[dict, dict]:
    """A task that has ended long ago, and its only picture's way, as stored."""
    user = f"user_{number % USERS}" if number % USERS else "guest"
    prompt = "，".join(dice.choices(WORDS, k=dice.randint(3, 12)))
    status, later = dice.choice(ENDS), at + timedelta(seconds=9)
    is_done, is_sent = status == "completed", status != "cancelled"
    end = {"state": "done"} if is_done else {"state": "failed", "error": REFUSED}
    common = {
        "user_id": user,
        "prompt": prompt,
        "provider": "volcengine_jimeng",
        "lane": LANE,
        "req_key": "jimeng_t2i_v30",
        "width": 1328,
        "height": 1328,
        "seed": 1,
        "created_at": at,
    }
    task = Task.row(
        **common,
        n=1,
        input={"prompt": prompt, "user_id": user},
        model="doubao-seedream-3.0-t2i",
        status=status,
        outcomes={"0": end} if is_sent else {},
        updated_at=later,
        completed_at=later,
    )
    state = "done" if is_done else "failed" if is_sent else "dropped"
    generation = Generation.row(
        **common,
        id=f"{task['_id']}_0",
        task_id=task["_id"],
        index=0,
        state=state,
        turn=number // USERS,
        charged="yes" if is_done else "no",
        error=None if is_done or not is_sent else REFUSED,
        ended_at=later,
    )
    return task, generation
