"""
The clients that wait in each web process, and when its watcher polled for them last:
reported to Redis while there are any, for the metrics and the doctor.
"""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.http import long_polls

REPORT_EVERY_S = 5.0
ALIVE_S = 3 * REPORT_EVERY_S  # a report is valid for so long: its process may be dead
LATE_S = 15.0  # without a poll; a failed one takes three seconds at most
KEY = "jimeng:waiters"


@dataclass(frozen=True)
class Waiters:
    """
    Attributes:
        process: Host and process id of a web process.
        count: Clients that wait there.
        poll_age_s: Seconds since its watcher's latest poll.
    """

    process: str
    count: int
    poll_age_s: float

    @property
    def is_late(self) -> bool:
        """Whether they would not learn of the end of their tasks."""
        return self.poll_age_s > LATE_S


def report() -> None:
    """Report those of this process; if there are none, nothing is written."""
    count, poll_age_s = long_polls.waiters()
    if not count:
        return
    process = f"{socket.gethostname()}:{os.getpid()}"
    with suppress(RedisError), jobs.huey.storage.conn.pipeline() as pipeline:
        pipeline.hset(KEY, process, json.dumps([time.time(), count, poll_age_s]))
        pipeline.expire(KEY, round(ALIVE_S))
        pipeline.execute()


def report_forever() -> None:
    while True:
        time.sleep(REPORT_EVERY_S)
        report()


def read() -> list[Waiters]:
    """Those of every process; none while Redis is down."""
    reports: dict[bytes, bytes] = {}
    with suppress(RedisError):
        reports = jobs.huey.storage.conn.hgetall(KEY)
    now = time.time()
    return [
        Waiters(process.decode(), count, poll_age_s)
        for process, (at, count, poll_age_s) in (
            (process, json.loads(text)) for process, text in reports.items()
        )
        if at > now - ALIVE_S
    ]
