"""``python -m tests.bench [ROUNDS]``: prints a table of rates and ratios."""

import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jimeng.local.embedded import Mongo, Redis
from tests.bench import backlog, gallery, loop
from tests.bench.load import ask, rate
from tests.bench.started import started

SECONDS = 2.0  # of each measurement
CREATE = "/api/v1/ai/image/task"
BODY = {"prompt": "一只可爱的小猫咪在花园里玩耍", "user_id": "user_123"}


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            with started(mongo.uri, redis.url) as port:
                measure(port, rounds)
            gallery.measure(mongo.uri, redis.url)
            backlog.measure(Path(folder, "backlog"), mongo.uri, redis.url)
            loop.measure(Path(folder, "loop"), mongo.uri, redis.url)
        finally:
            redis.stop()
            mongo.stop()


def measure(port: int, rounds: int) -> None:
    task = ask(port, "POST", CREATE, BODY)["data"]["task_id"]
    ask(port, "POST", f"/api/v1/tasks/{task}/cancel")
    bare = ask(port, "POST", "/bare", BODY)["task_id"]
    pairs: dict[str, tuple[Callable, Callable]] = {
        "submission": (
            lambda n: ("POST", CREATE, {**BODY, "user_id": f"user_{n}"}),
            lambda n: ("POST", "/bare", BODY),
        ),
        "look at a finished task": (
            lambda n: ("GET", f"/api/v1/ai/image/result/{task}", None),
            lambda n: ("GET", f"/bare/{bare}", None),
        ),
    }
    print(f"{'':26}{'jimeng/s':>10}{'bare/s':>10}{'ratio':>8}")
    for name, (ours, theirs) in pairs.items():
        rate(port, 0.5, ours)  # warm
        rate(port, 0.5, theirs)
        results = [
            (rate(port, SECONDS, ours), rate(port, SECONDS, theirs))
            for _ in range(rounds)
        ]
        mine, bares = (statistics.median(each) for each in zip(*results, strict=True))
        ratio = statistics.median(a / b for a, b in results)
        print(f"{name:26}{mine:10.0f}{bares:10.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
