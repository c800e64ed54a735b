"""
Videos of 60 MB beside pictures: how long a picture takes before they come and while
they are fetched, and how much memory the processes have.
"""

import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.large_videos import BYTES
from tests.bench.processes import Meter, memory, started_by
from tests.bench.rows import Row, Site
from tests.system.stack import Stack
from tests.waiting import meanwhile, wait_for

VIDEOS, FULL = 60, 300
A_SECOND = 2  # pictures
PICTURE_S, VIDEO_S = 1.0, 2.0  # at the provider
WARM_S, BEFORE_S = 8.0, 30.0
PATIENCE_S = 900.0
LANE = "volcengine_ark:doubao-seedance-2-0-mini-260615"
VIDEO = {
    "user_id": "films",
    "prompt": f"[[slow {VIDEO_S:g}]] 海浪",
    "model": "doubao-seedance-2.0-mini",
    "resolution": "480p",
    "duration": 4,
    "audio": False,
}
MIB = 2**20


class VideoStack(Stack):
    SIMULATOR = ("-m", "tests.bench.large_videos")


@dataclass
class Memory:
    """Resident bytes of the consumer, and of the web server's processes, over time."""

    consumer: list[int] = field(default_factory=list)
    web: list[int] = field(default_factory=list)

    def told(self) -> str:
        return ", ".join(
            f"{name} {sizes[0] / MIB:.0f} to {sizes[-1] / MIB:.0f} MiB "
            f"(at most {max(sizes) / MIB:.0f})"
            for name, sizes in (("consumer", self.consumer), ("web", self.web))
        )


def rows(site: Site) -> Iterator[Row]:
    count = FULL if site.full else VIDEOS
    store = site.folder / "videos" / "store"
    with site.stack(
        "videos",
        of=VideoStack,
        limit=10,
        duration=PICTURE_S,
        VOLCENGINE_CONCURRENCY="10",
        ARK_API_KEY="ark-key-of-the-bench",
        ARK_CONCURRENCY="4",
        USER_MAX_PENDING="100000",
        USER_MAX_PENDING_VIDEOS="100000",
        STORAGE="file",
        STORAGE_DIR=str(store),
    ) as stack:
        stack.simulate(plain=True, video_limit=10)
        stack.start_consumer()
        stack.await_ready()
        with pictures(stack):
            time.sleep(WARM_S)  # the queue learns how long a picture takes
        with pictures(stack) as before:
            time.sleep(BEFORE_S)
        stack.rest(LANE)
        for _ in range(count):
            status, answer = stack.ask("POST", "/api/v1/ai/video/task", VIDEO)
            assert status == 202, answer
        meter = Meter(stack.consumers[0].pid)
        with sampled(stack) as sizes, pictures(stack) as beside:
            stack.go_on(LANE)
            with stack.database() as found:
                stored = found.images.count_documents
                wait_for(
                    lambda: stored({"kind": "video"}) == count,
                    PATIENCE_S,
                    "all are stored",
                )
            took, (used,), cores = meter.read()
        middle, most = (at(beside, n) / at(before, n) for n in (50, 95))
        yield Row(
            f"pictures, {A_SECOND} a second of {PICTURE_S:g} s, beside {count} videos "
            f"of {BYTES // 10**6} MB, STORAGE=file",
            f"**{middle:.2f}**, p95 {most:.2f}: {told(beside)}",
            f"before them: {told(before)}",
            "1.1",
        )
        yield Row("memory beside them", sizes.told(), goal="flat")
        yield Row(
            "fetching them",
            f"{count * BYTES / took / 1e6:.0f} MB a second, {took:.0f} s; consumer "
            f"{1000 * used / count:.0f} ms CPU a video, with its pictures; "
            f"{cores:.1f} cores busy",
        )
    shutil.rmtree(store, ignore_errors=True)


@contextmanager
def pictures(stack: Stack) -> Iterator[list[float]]:
    """Order pictures at a steady rate; when left, it is filled with their seconds."""
    took: list[float] = []
    asked: dict[str, float] = {}
    over = threading.Event()

    def ask_on() -> None:
        due = time.monotonic()
        while not over.is_set():
            at = time.time()
            asked[stack.create(size="1024x1024")] = at
            due += 1 / A_SECOND
            over.wait(max(due - time.monotonic(), 0))

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()
    stack.await_ended([*asked], 60)
    with stack.database() as found:
        for task in found.tasks.find({"_id": {"$in": [*asked]}}):
            assert task["status"] == "completed", task
            took.append(task["completed_at"].timestamp() - asked[task["_id"]])


@contextmanager
def sampled(stack: Stack) -> Iterator[Memory]:
    """Look at the memory once a second, while inside."""
    found = Memory()

    def look() -> None:
        found.consumer.append(memory(stack.consumers[0].pid, "VmRSS"))
        web = [stack.web.pid, *started_by(stack.web.pid)]
        found.web.append(sum(memory(each, "VmRSS") for each in web))

    with meanwhile(look, 1):
        yield found


def at(seconds: list[float], share: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[share - 1]


def told(seconds: list[float]) -> str:
    return (
        f"median {at(seconds, 50):.2f} s, p95 {at(seconds, 95):.2f} s "
        f"({len(seconds)} pictures)"
    )
