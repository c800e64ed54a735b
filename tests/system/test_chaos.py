"""A short chaos run: load, faults, quiet, and then the books are compared."""

import pytest

from tests.chaos.run import run
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.system


def test_promises_are_kept_under_faults(tmp_path):
    """60 tasks; of the 14 faults that a seed has chosen, one empties Redis."""
    how = {"monkey": 0.0005, "with_long": False, "settled_within": PATIENCE_S}
    report = run(tmp_path, tasks=60, faults=14, seed=1523, **how)

    assert report.accepted >= 60  # and those that were run again
    # Some of them need somebody who meets them within seconds.
    assert report.faults.total() >= 9, report.text()
    assert report.deaths >= 3, report.text()  # of consumers
    assert report.verdict.wrong == [], report.text()
    assert report.verdict.statuses["completed"] >= 35
