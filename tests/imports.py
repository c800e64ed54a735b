"""
Each process of a run imports a share of the tests before it collects all of them.

Of a new checkout pytest rewrites every test at its first import, and keeps what it has
made beside the sources. All processes collect in the same order: each would do all of
that work, at the same moment as the others.

What is imported and collected stays until the end. To look through it for what may go,
again and again, takes a tenth of the work of a process; to look for what else may go
after every 700 new objects, as is usual, a twentieth.
"""

import contextlib
import gc
import importlib

import pytest

gc.disable()


def pytest_sessionstart(session: pytest.Session) -> None:
    config, root = session.config, session.config.rootpath
    told = getattr(config, "workerinput", None)  # one of pytest-xdist's processes
    if told is None or [root / each for each in config.args] != [root / "tests"]:
        return
    number, count = int(told["workerid"].removeprefix("gw")), told["workercount"]
    ignored = [root / each for each in config.option.ignore or ()]
    found = (root / "tests").rglob("test_*.py")
    paths = sorted(each for each in found if not {*each.parents} & {*ignored})
    for path in paths[number::count]:
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        # What fails is told of when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()
