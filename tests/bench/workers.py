"""The worker class of the web server beside Gunicorn's own threads."""

import statistics
from collections.abc import Iterator
from contextlib import ExitStack

from tests.bench.requests import BARE, FULL_ROUNDS, ROUNDS, SECONDS, Request
from tests.bench.rows import Row, Site
from tests.bench.started import OURS, started

CLASSES = (OURS, "gthread")
REQUEST = Request(lambda n: ("POST", "/bare", BARE))


def rows(site: Site) -> Iterator[Row]:
    with ExitStack() as servers:
        ports = [
            servers.enter_context(started(site.mongodb_uri, site.redis_url, kind))
            for kind in CLASSES
        ]
        for port in ports:
            REQUEST.measure(port, 0.5)  # warm
        turns = [
            [REQUEST.measure(port, SECONDS) for port in ports]
            for _ in range(FULL_ROUNDS if site.full else ROUNDS)
        ]
    ratio = statistics.median(ours[0] / theirs[0] for ours, theirs in turns)
    ours, theirs = (
        "{:,.0f} a second, {:.2f} ms CPU".format(
            *(statistics.median(each) for each in zip(*side, strict=True))
        )
        for side in zip(*turns, strict=True)
    )
    name = "bare submission by our worker class"
    yield Row(name, f"**{ratio:.2f}**: {ours}", f"gthread: {theirs}")
