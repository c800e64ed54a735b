"""Submissions and looks beside bare views in the same Gunicorn, in turns."""

import secrets
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from pymongo import MongoClient
from redis import Redis

from jimeng import accounts
from jimeng.accounts import users
from jimeng.config import Config
from jimeng.documents.principal import Principal
from tests.bench.load import rate, send
from tests.bench.processes import started_cpu_seconds
from tests.bench.rows import Row, Site
from tests.bench.started import OURS, prepare, started
from tests.system.asking import ask

SECONDS = 1.0  # of each measurement
ASKED = ("find", "aggregate", "count", "insert", "update", "findAndModify", "delete")
COUNTED = 200  # requests: what is read now and then falls on all of them
ROUNDS, FULL_ROUNDS = 3, 7
CREATE = "/api/v1/ai/image/task"
RESULT = "/api/v1/ai/image/result/"
BODY = {"prompt": "一只可爱的小猫咪在花园里玩耍"}
BARE = {**BODY, "user_id": "user_123"}
GOALS = {
    "submission": "0.6",
    "look at a finished task": "0.9",
    "look at an open task": "0.7",
    "the same again, 304": "more than 200",
}
SIGNED_IN = {"submission": "0.5", "look at a finished task": "0.8"}


def rows(site: Site) -> Iterator[Row]:
    with started(site) as port:
        yield from measure(port, site, GOALS)
    key = sign_up(Config(MONGODB_URI=site.mongodb_uri))
    closed = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
    with started(site, **closed) as port:
        head = {"Authorization": f"Bearer {key}"}
        yield from measure(port, site, SIGNED_IN, head)


def sign_up(config: Config, password: str = "") -> str:
    """The API key of a new user, who has a password if one is given."""
    prepare(config)
    root = Principal("root", is_operator=True)
    user = users.create(root, email="bench@example.com", name="bench")
    if password:
        accounts.accept(accounts.invite(root, user.id), password)
    return accounts.create_key(root, user.id, name="bench")[1]


@dataclass(frozen=True)
class Request:
    """
    Attributes:
        make: As `rate` takes it.
    """

    make: Callable[[int], tuple]
    head: Mapping[str, str] | None = None

    def measure(self, port: int, seconds: float) -> tuple[float, float]:
        """How many a second, and milliseconds of CPU for each: servers, databases."""
        began = started_cpu_seconds()
        found = rate(port, seconds, self.make, self.head)
        used = started_cpu_seconds() - began
        return found, 1000 * used / (found * seconds)


def told(found: Sequence[float]) -> str:
    return "{:,.0f} a second, {:.2f} ms CPU".format(*found)


def post(
    port: int, path: str, body: dict | None, head: Mapping[str, str] | None = None
) -> dict:
    return ask("POST", f"http://127.0.0.1:{port}{path}", body, head)[1]


BARELY = Request(lambda n: ("POST", "/bare", BARE))


def measure(
    port: int, site: Site, goals: Mapping[str, str], head: dict[str, str] | None = None
) -> Iterator[Row]:
    """
    Args:
        head: Of each request, where there is sign-in; then all are of one user.
    """

    def body(n: int = 0) -> dict:
        return BODY if head else {**BODY, "user_id": f"user_{n}"}

    def submit() -> dict:
        return post(port, CREATE, body(), head)["data"]

    with_key = ", signed in" if head else ""
    asked, sent = commands(site.mongodb_uri, site.redis_url, submit)
    said = f"MongoDB {asked:.1f}, Redis {sent:.1f}"
    yield Row(f"commands of a submission{with_key}", said, goal="4 and 2")
    open_task, task = submit()["task_id"], submit()["task_id"]
    post(port, f"/api/v1/tasks/{task}/cancel", None, head)
    bare = post(port, "/bare", BARE)["task_id"]
    tag = send(port, "GET", RESULT + task, headers=head).headers["ETag"]
    look_barely = Request(lambda n: ("GET", f"/bare/{bare}", None))

    def look(task_id: str, tag: str = "") -> Request:
        known = {"If-None-Match": tag} if tag else {}
        made = ("GET", RESULT + task_id, None)
        return Request(lambda n: made, {**(head or {}), **known})

    # Each of ours, and what stands beside it.
    found = {
        "submission": (Request(lambda n: ("POST", CREATE, body(n)), head), BARELY),
        "look at a finished task": (look(task), look_barely),
        "look at an open task": (look(open_task), look_barely),
        "the same again, 304": (look(task, tag), look(task)),
    }
    for name, goal in goals.items():
        pair = [(each, port) for each in found[name]]
        yield compare(f"{name}{with_key}", pair, goal, site)


def commands(mongodb_uri: str, redis_url: str, send: Callable[[], object]) -> tuple:
    """
    Commands of MongoDB and of Redis for each call of *send*, by their own count.

    What a script of Redis calls counts as well, so only what comes from outside is
    taken: scripts, lengths and pushes.
    """
    with MongoClient(mongodb_uri) as mongo, Redis.from_url(redis_url) as redis:

        def counted() -> tuple[int, int]:
            found = mongo.admin.command("serverStatus")["metrics"]["commands"]
            sent = redis.info("commandstats")
            calls = [sent.get(f"cmdstat_{n}", {}) for n in ("eval", "evalsha", "lpush")]
            asked = sum(found[name]["total"] for name in ASKED)
            return asked, sum(each.get("calls", 0) for each in calls)

        before = counted()
        for _ in range(COUNTED):
            send()
        after = counted()
    return tuple((b - a) / COUNTED for a, b in zip(before, after, strict=True))


def classes(site: Site) -> Iterator[Row]:
    """The worker class of the web server beside Gunicorn's own threads."""
    with ExitStack() as servers:
        pair = [
            (BARELY, servers.enter_context(started(site, kind)))
            for kind in (OURS, "gthread")
        ]
        name = "bare submission by our worker class, beside `gthread`"
        yield compare(name, pair, "", site)


def compare(
    name: str, pair: Sequence[tuple[Request, int]], goal: str, site: Site
) -> Row:
    """Ours beside another, each with the port that it is asked at."""
    for each, port in pair:
        each.measure(port, 0.5)  # warm
    turns = [
        [each.measure(port, SECONDS) for each, port in pair]
        for _ in range(FULL_ROUNDS if site.full else ROUNDS)
    ]
    ratio = statistics.median(ours[0] / bare[0] for ours, bare in turns)
    ours, bare = (
        told([statistics.median(each) for each in zip(*side, strict=True)])
        for side in zip(*turns, strict=True)
    )
    return Row(name, f"**{ratio:.2f}**: {ours}", bare, goal)
