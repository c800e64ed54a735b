"""
Which tests run where, and in which order.

A process takes whole files, for what their tests share. All that needs the running
product or a browser is one piece of work, so that there is one of each; it comes
first, then what takes longest: no process is left with much when the others are done.
"""

import pytest
from xdist.scheduler import LoadFileScheduling

# The files of one piece of work, by how their names begin.
RUNNING = (
    "tests/browser/",
    "tests/system/test_clients.py",
    "tests/system/test_guide.py",
    "tests/system/test_readme.py",
    "tests/test_openapi.py",
)
# What else takes more than some seconds, longest first.
LONG = (
    "tests/contract/",
    "tests/system/test_kills.py",
    "tests/system/test_failover.py",
    "tests/security/test_odd_ids.py",
    "tests/system/test_chaos.py",
    "tests/test_deaths.py",
    "tests/system/",
    "tests/samples/",
    "tests/security/test_escaping.py",
    "tests/security/test_secrets.py",
    "tests/test_supervisor.py",
    "tests/test_embedded.py",
    "tests/test_machine.py",
)
LAST = len(LONG)


def place(nodeid: str) -> int:
    """Where a test's file stands in the order; equal ones stay as they are."""
    if nodeid.startswith(RUNNING):
        return -1
    return next((n for n, name in enumerate(LONG) if nodeid.startswith(name)), LAST)


class Pieces(LoadFileScheduling):
    """Whole files, some of them together; see `RUNNING`."""

    def _split_scope(self, nodeid: str) -> str:
        return "running" if nodeid.startswith(RUNNING) else super()._split_scope(nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> Pieces | None:
    return Pieces(config, log) if config.option.dist == "loadfile" else None
