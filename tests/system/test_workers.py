"""
Several web processes at once: none of their first requests is refused, and together
they never exceed the installation's budget.
"""

import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from jimeng.documents import utcnow
from jimeng.documents.spending import INSTALLATION
from jimeng.jobs.spending import SLICE_EXPIRY
from jimeng.limits.budgets import SLICE_SHARE
from tests.rest import CAT, CREATE
from tests.system.stack import AT_NOON, Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

USERS = "/api/v1/tasks/user"
SENDERS = 8
SECONDS = 3.0
PROCESSES = 4
FITS = 200
PRICE = 0.2  # yuan, of the default model


def send(stack: Stack, number: int) -> tuple[int, str]:
    """A newcomer's request: a task with a key, one without, or a look at the list."""
    user = f"new{number}"
    if number % 3 == 2:
        status, answer = stack.ask("GET", f"{USERS}/{user}")
    else:
        headers = {"Idempotency-Key": user} if number % 3 else {}
        body = {**CAT, "user_id": user}
        status, answer = stack.ask("POST", CREATE, body, headers=headers)
    return status, answer.get("error", "")


def test_no_request_is_refused_while_the_indexes_are_built(own_stack):
    """Two web processes on an empty database, asked from when the port listens."""
    with own_stack("newcomers", up=False, web=("--workers", "2")) as stack:
        numbers, began = itertools.count(), time.monotonic()

        def ask_on(_: int) -> Counter[tuple[int, str]]:
            """At least once of each kind."""
            found: Counter[tuple[int, str]] = Counter()
            until = began + PATIENCE_S
            while time.monotonic() < until or found.total() < 3:
                try:
                    found[send(stack, next(numbers))] += 1
                except OSError:  # it does not listen yet
                    assert not found
                    assert time.monotonic() < until
                    time.sleep(0.01)
                    continue
                if found.total() == 1:
                    until = time.monotonic() + SECONDS
            return found

        with ThreadPoolExecutor(SENDERS) as threads:
            found = sum(threads.map(ask_on, range(SENDERS)), Counter())

    assert set(found) == {(202, ""), (200, "")}, found


def submit(stack: Stack, n: int) -> int:
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
