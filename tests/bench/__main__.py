"""``python -m tests.bench [ROUNDS]``: prints a table of rates and ratios."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jimeng.embedded import Mongo, Redis
from tests.bench import gallery
from tests.bench.load import ask, rate

SECONDS = 2.0  # of each measurement
CREATE = "/api/v1/ai/image/task"
BODY = {"prompt": "一只可爱的小猫咪在花园里玩耍", "user_id": "user_123"}


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        port = free_port()
        server = serve(port, mongo.uri, redis.url)
        try:
            await_answer(port)
            measure(port, rounds)
            gallery.measure(port, mongo.uri)
        finally:
            server.terminate()
            server.wait()
            redis.stop()
            mongo.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port: int, mongodb_uri: str, redis_url: str) -> subprocess.Popen:
    env = os.environ | {
        "MONGODB_URI": mongodb_uri,
        "REDIS_URL": redis_url,
        "VOLCENGINE_ACCESS_KEY": "bench",
        "VOLCENGINE_SECRET_KEY": "bench",
        "USER_MAX_PENDING": "1000000",
        "USER_SUBMISSIONS_PER_MINUTE": "1000000",
        "AUTH": "off",
        "ALLOW_OPEN_ACCESS": "1",
        "LOG_LEVEL": "error",
    }
    words = ["gunicorn", "-k", "gthread", "-w", "2", "--threads", "16"]
    words += ["--no-control-socket", "--log-level", "error"]
    words += ["-b", f"127.0.0.1:{port}", "tests.bench.server:app"]
    return subprocess.Popen([sys.executable, "-m", *words], env=env)


def await_answer(port: int) -> None:
    for _ in range(200):
        try:
            ask(port, "GET", "/health")
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server does not answer")


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
