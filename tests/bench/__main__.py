"""``python -m tests.bench [ROUNDS]``: prints a table of rates and ratios."""

import secrets
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jimeng import accounts, documents
from jimeng.accounts import users
from jimeng.config import Config
from jimeng.local.embedded import Mongo, Redis
from jimeng.viewers import Viewer
from tests.bench import backlog, gallery, loop
from tests.bench.commands import commands
from tests.bench.load import ask, rate, tag_of
from tests.bench.processes import started_cpu_seconds
from tests.bench.started import started

SECONDS = 2.0  # of each measurement
CREATE = "/api/v1/ai/image/task"
RESULT = "/api/v1/ai/image/result/"
BODY = {"prompt": "一只可爱的小猫咪在花园里玩耍"}
BARE = {**BODY, "user_id": "user_123"}


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            with started(mongo.uri, redis.url) as port:
                measure(port, rounds, mongo.uri, redis.url)
            key = sign_up(mongo.uri)
            closed = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
            with started(mongo.uri, redis.url, **closed) as port:
                print("\nwith sign-in")
                head = {"Authorization": f"Bearer {key}"}
                measure(port, rounds, mongo.uri, redis.url, head)
            gallery.measure(mongo.uri, redis.url)
            backlog.measure(Path(folder, "backlog"), mongo.uri, redis.url)
            loop.measure(Path(folder, "loop"), mongo.uri, redis.url)
        finally:
            redis.stop()
            mongo.stop()


def sign_up(mongodb_uri: str) -> str:
    """The API key of a new user."""
    documents.connect(Config(MONGODB_URI=mongodb_uri), timeout=documents.WORKER_TIMEOUT)
    root = Viewer("root", sees_all=True)
    user = users.create(root, email="bench@example.com", name="bench")
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


def measure(
    port: int,
    rounds: int,
    mongodb_uri: str,
    redis_url: str,
    head: dict[str, str] | None = None,
) -> None:
    """
    Args:
        head: Of each request, where there is sign-in; then all are of one user.
    """

    def body(n: int = 0) -> dict:
        return BODY if head else {**BODY, "user_id": f"user_{n}"}

    def send() -> dict:
        return ask(port, "POST", CREATE, body(), head)["data"]

    open_task, task = send()["task_id"], send()["task_id"]
    ask(port, "POST", f"/api/v1/tasks/{task}/cancel", None, head)
    bare = ask(port, "POST", "/bare", BARE)["task_id"]
    look_barely = Request(lambda n: ("GET", f"/bare/{bare}", None))

    def look(task_id: str, tag: str = "") -> Request:
        known = {"If-None-Match": tag} if tag else {}
        made = ("GET", RESULT + task_id, None)
        return Request(lambda n: made, {**(head or {}), **known})

    pairs = {
        "submission": (
            Request(lambda n: ("POST", CREATE, body(n)), head),
            Request(lambda n: ("POST", "/bare", BARE)),
        ),
        "look at a finished task": (look(task), look_barely),
        "look at an open task": (look(open_task), look_barely),
        "the same again, 304": (
            look(task, tag_of(port, RESULT + task, head)),
            look_barely,
        ),
    }
    asked, sent = commands(mongodb_uri, redis_url, send)
    print(f"commands a submission: MongoDB {asked:.2f}, Redis {sent:.2f}")
    print(f"{'':26}{'a second':>20}{'':8}{'CPU ms':>16}")
    print(f"{'':26}" + f"{'jimeng':>10}{'bare':>10}{'ratio':>8}" * 2)
    for name, pair in pairs.items():
        for each in pair:
            each.measure(port, 0.5)  # warm
        rounds_of = [
            [each.measure(port, SECONDS) for each in pair] for _ in range(rounds)
        ]
        print(f"{name:26}" + row([(a[0], b[0]) for a, b in rounds_of], "10.0f"), end="")
        print(row([(a[1], b[1]) for a, b in rounds_of], "10.2f"))


def row(results: list[tuple[float, float]], form: str) -> str:
    """The medians of both, and of their ratios."""
    ours, bares = (statistics.median(each) for each in zip(*results, strict=True))
    ratio = statistics.median(a / b for a, b in results)
    return f"{ours:{form}}{bares:{form}}{ratio:8.2f}"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
