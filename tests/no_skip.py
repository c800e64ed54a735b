"""A pytest plugin: with ``JIMENG_NO_SKIP=1`` a run that skipped anything fails."""

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("JIMENG_NO_SKIP") != "1" or reporter is None:
        return  # a process of pytest-xdist has no reporter; its parent has
    if reporter.stats.get("skipped") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("JIMENG_NO_SKIP=1, and tests were skipped", red=True)
