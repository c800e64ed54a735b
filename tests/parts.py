"""
The two parts: `make test`, and what `make test-all` runs beside it.

A test that is marked `system` or `browser` needs the whole product running, a browser
or another program, or takes very long. Every other one needs Python and its packages
alone, and starts none of `PROGRAMS` even where they are installed. No test of either
part is skipped.
"""

import os
import sys
from pathlib import Path

import playwright
import pytest

SLOW = ("system", "browser")
PROGRAMS = frozenset(
    {
        *("chromium", "chromium-browser", "chromium-headless-shell"),
        *("firefox-esr", "WebKitWebDriver", "Xvfb"),
        *("nginx", "caddy", "promtool", "systemd-analyze", "docker"),
        *("node", "npm", "npx", "jq", "curl", "openssl", "cc"),
    }
)
# A Node that comes with a package.
NODE = str(Path(playwright.__file__).parent / "driver/node")

_quick: str | None = None  # the test of the quick part that is running


def is_quick(item: pytest.Item) -> bool:
    return not any(item.get_closest_marker(name) for name in SLOW)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None):
    global _quick
    _quick = item.nodeid if is_quick(item) else None
    try:
        return (yield)
    finally:
        _quick = None


def refuse_programs(event: str, args: tuple) -> None:
    """An audit hook: what `make test` needs is the same on every machine."""
    if event != "subprocess.Popen" or _quick is None:
        return
    executable, words, *_ = args
    path = os.fsdecode(executable or words[0])
    if path != NODE and Path(path).name in PROGRAMS:
        pytest.fail(f"{_quick} starts {path}: it has to be marked `system`")


sys.addaudithook(refuse_programs)


def failed(report: pytest.TestReport | pytest.CollectReport):
    """The same report; what was skipped has failed."""
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    return failed((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    return failed((yield))
