"""
Several web processes at once: none of their first requests is refused, and together
they never exceed the installation's budget.
"""

import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rest import CAT, CREATE
from tests.system.stack import AT_NOON, Stack
from tests.waiting import PATIENCE_S

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


def test_processes_together_never_exceed_the_budget(own_stack):
    """Exactly what fits is accepted."""
    budget = {"DAILY_BUDGET": f"{FITS * PRICE:g}", "USER_MAX_PENDING": "1000"}
    budget |= AT_NOON
    workers = ("--workers", str(PROCESSES))
    with own_stack("budgets", web=workers, **budget) as stack:
        assert submit(stack, FITS + 60) == FITS
