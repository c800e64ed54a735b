"""The installation's budget, while several processes accept requests."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jimeng.documents import utcnow
from jimeng.documents.spending import INSTALLATION
from jimeng.jobs.spending import SLICE_EXPIRY
from jimeng.limits.budgets import SLICE_SHARE
from tests.rest import CAT, CREATE
from tests.system.stack import AT_NOON
from tests.waiting import wait_for

pytestmark = pytest.mark.system

PROCESSES = 4
FITS = 200
PRICE = 0.2  # yuan, of the default model


def submit(stack, n: int) -> int:
    """So many requests at once; how many of them are accepted."""

    def ask(_: int) -> int:
        return stack.ask("POST", CREATE, CAT)[0]

    with ThreadPoolExecutor(16) as pool:
        statuses = [*pool.map(ask, range(n))]
    assert {*statuses} <= {202, 402}
    return statuses.count(202)


def free_slices(stack) -> None:
    """As if the processes that died had done so a minute ago."""
    then = utcnow() - SLICE_EXPIRY - timedelta(seconds=1)
    with stack.database() as found:
        slices = found.budgets.find_one({"_id": INSTALLATION})["slices"]
        assert len(slices) <= PROCESSES
        old = {f"slices.{name}.at": then for name in slices}
        found.budgets.update_one({"_id": INSTALLATION}, {"$set": old})


def test_processes_together_never_exceed_the_budget(own_stack):
    """
    Each may refuse while others have a part of their slices left; when those are
    returned, exactly what fits is accepted.
    """
    budget = {"DAILY_BUDGET": f"{FITS * PRICE:g}", "USER_MAX_PENDING": "1000"}
    budget |= AT_NOON
    workers = ("--workers", str(PROCESSES))
    with own_stack("budgets", web=workers, **budget) as stack:
        accepted = submit(stack, FITS + 60)

        # Of a slice, all but the request that it was taken for may be left.
        unspent = PROCESSES * (FITS // SLICE_SHARE - 1)
        assert FITS - unspent <= accepted <= FITS

        stack.kill_web()
        free_slices(stack)
        stack.start_consumer()

        def is_returned() -> bool:
            with stack.database() as found:
                return not found.budgets.find_one({"_id": INSTALLATION})["slices"]

        wait_for(is_returned, what="the slices are returned")
        stack.web = stack.start_web()
        stack.await_up()
        accepted += submit(stack, unspent + 20)

        assert accepted == FITS
