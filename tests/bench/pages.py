"""Pages: milliseconds to the answer, at the median."""

import http.client
import statistics
import time
from collections.abc import Iterator
from contextlib import closing

from tests.bench.rows import Row, Site
from tests.bench.started import started

PAGES = {"/": "30 ms", "/gallery": "30 ms", "/tasks": "30 ms", "/health": ""}
ROUNDS = 40


def rows(site: Site) -> Iterator[Row]:
    with started(site.mongodb_uri, site.redis_url) as port:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(link):
            for path, goal in PAGES.items():
                found = statistics.median(seconds(link, path) for _ in range(ROUNDS))
                yield Row(f"page {path}", f"{1000 * found:.1f} ms", goal=goal)


def seconds(link: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    link.request("GET", path)
    answer = link.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - began
