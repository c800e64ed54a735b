"""``python -m tests.bench [ROUNDS]``: prints a table of rates and ratios."""

import secrets
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jimeng import accounts, documents
from jimeng.accounts import users
from jimeng.config import Config
from jimeng.local.embedded import Mongo, Redis
from jimeng.viewers import Viewer
from tests.bench import backlog, gallery, loop
from tests.bench.commands import commands
from tests.bench.load import ask, rate
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
    pairs: dict[str, tuple[Callable, Callable]] = {
        "submission": (
            lambda n: ("POST", CREATE, body(n)),
            lambda n: ("POST", "/bare", BARE),
        ),
        "look at a finished task": (
            lambda n: ("GET", RESULT + task, None),
            lambda n: ("GET", f"/bare/{bare}", None),
        ),
        "look at an open task": (
            lambda n: ("GET", RESULT + open_task, None),
            lambda n: ("GET", f"/bare/{bare}", None),
        ),
    }
    asked, sent = commands(mongodb_uri, redis_url, send)
    print(f"commands a submission: MongoDB {asked:.2f}, Redis {sent:.2f}")
    print(f"{'':26}{'jimeng/s':>10}{'bare/s':>10}{'ratio':>8}")
    for name, (ours, theirs) in pairs.items():
        rate(port, 0.5, ours, head)  # warm
        rate(port, 0.5, theirs)
        results = [
            (rate(port, SECONDS, ours, head), rate(port, SECONDS, theirs))
            for _ in range(rounds)
        ]
        mine, bares = (statistics.median(each) for each in zip(*results, strict=True))
        ratio = statistics.median(a / b for a, b in results)
        print(f"{name:26}{mine:10.0f}{bares:10.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
