"""
``python -m tests.bench [--full] [PART…]``: prints one table, row by row.

Without names it measures all parts, in almost half an hour; ``--full`` takes more
rounds and the numbers of pictures that the goals speak of.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench import (
    backlog,
    beside,
    busy,
    clearing,
    crowd,
    drawn,
    gallery,
    held,
    loop,
    many,
    million,
    proxy,
    requests,
    start,
    tar_pits,
    throughput,
    videos,
)
from tests.bench.rows import Row, Site, databases, head, load, show

PARTS: dict[str, Callable[[Site], Iterator[Row]]] = {
    "requests": requests.rows,
    "workers": requests.classes,
    "beside": beside.rows,
    "crowd": crowd.rows,
    "litellm": proxy.rows,
    "drawn": drawn.rows,
    "screen": loop.rows,
    "busy": busy.rows,
    "throughput": throughput.rows,
    "processes": many.rows,
    "held": held.rows,
    "backlog": backlog.rows,
    "clearing": clearing.rows,
    "gallery": gallery.rows,
    "tasks": million.rows,
    "pages": gallery.quick_rows,
    "start": start.rows,
    "tar_pits": tar_pits.rows,
    "videos": videos.rows,
}


def main(names: Sequence[str], *, full: bool) -> None:
    for name in names:
        if name not in PARTS:
            raise SystemExit(f"no part {name!r}; there are {', '.join(PARTS)}")
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        databases(Path(folder)) as (mongo, redis),
    ):
        print(f"{load()}\n\n{head()}", flush=True)
        for name in names:
            site = Site(Path(folder, name), mongo.uri, redis.url, full)
            site.folder.mkdir()
            show(PARTS[name](site))
    print(f"\n{load()}, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    words = sys.argv[1:]
    chosen = [word for word in words if word != "--full"]
    main(chosen or list(PARTS), full="--full" in words)
