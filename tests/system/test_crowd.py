"""Many wait, at a real server: others are served, and whoever waits is answered."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

import pytest

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

CREATE, RESULT = "/api/v1/ai/image/task", "/api/v1/ai/image/result"
ENDS = 53  # places
LONG = 60  # seconds, the most that a server takes
PROBES = 20


@pytest.fixture(scope="module")
def stack(own_stack):
    """One web process with places for some; nobody draws."""
    with own_stack(
        "crowd",
        MAX_LONG_POLLS=str(ENDS),
        WAIT_SECONDS=str(LONG),
        USER_MAX_PENDING="1000",
        LOG_LEVEL="warning",
    ) as made:
        made.create(user_id="first")  # the indexes are there by now
        yield made


def ask(
    stack: Stack, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], dict]:
    """
    One request: status, headers and JSON.

    Raises:
        OSError: nobody answered, or not to the end.
    """
    link = HTTPConnection("127.0.0.1", stack.port, timeout=PATIENCE_S)
    text = None if body is None else json.dumps(body)
    try:
        given = {"Content-Type": "application/json", **headers}
        link.request(method, path, text, given)
        answer = link.getresponse()
        return answer.status, dict(answer.headers), json.loads(answer.read())
    except HTTPException as error:
        raise ConnectionError(f"cut off: {error!r}") from error
    finally:
        link.close()


def submit(stack: Stack, user: str, **headers: str) -> tuple[int, dict[str, str], dict]:
    body = {"prompt": "一只猫", "size": "512x512", "user_id": user}
    return ask(stack, "POST", CREATE, body, **headers)


def probe(stack: Stack) -> None:
    """Submit, and look at what comes of it; none is refused."""
    for number in range(PROBES):
        status, _, answer = submit(stack, f"other{number % 5}")
        assert status == 202, answer
        status, _, _ = ask(stack, "GET", f"{RESULT}/{answer['data']['task_id']}")
        assert status == 200


@contextmanager
def crowd(stack: Stack, size: int) -> Iterator[Counter[str]]:
    """That many clients, each a user, who ask and wait; what they are answered."""
    told: Counter[str] = Counter()
    lock = threading.Lock()

    def wait(number: int) -> None:
        status, headers, _ = submit(stack, f"waits{number}", Prefer=f"wait={LONG}")
        with lock:
            told[f"{status} {headers.get('Preference-Applied')}"] += 1

    with ThreadPoolExecutor(size) as threads:
        running = [threads.submit(wait, number) for number in range(size)]
        expected = max(size - ENDS, 0)
        wait_for(lambda: told.total() >= expected, what="those without a place")
        yield told
        for each in running:
            each.result()


def worker_of(stack: Stack) -> int:
    """The process that answers; its parent is Gunicorn's master."""
    with open(f"/proc/{stack.web.pid}/task/{stack.web.pid}/children") as found:
        return int(found.read().split()[-1])


def renew(stack: Stack) -> None:
    """Have another process answer in place of the one that does."""
    old = worker_of(stack)
    stack.web.send_signal(signal.SIGHUP)
    wait_for(lambda: not os.path.exists(f"/proc/{old}"), what="the old one has ended")
    stack.await_up()


def test_those_who_wait_starve_nobody(stack):
    """
    Twice as many as there are places: who does not wait is not refused, and is answered
    while all of those go on to wait.
    """
    with crowd(stack, 2 * ENDS) as told:
        probe(stack)
        at_once = told.copy()
        renew(stack)

    assert at_once == Counter({"202 None": ENDS})
    assert told - at_once == Counter({f"202 wait={LONG}": ENDS})


def tasks(stack: Stack) -> int:
    with stack.database() as found:
        return found.tasks.count_documents({})


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["stop", "^C"])
def test_server_that_is_told_to_stop_does(stack, how):
    """Those who would wait for much longer are answered before its grace is over."""
    before = tasks(stack)
    with ThreadPoolExecutor(10) as threads:
        waiting = [
            threads.submit(submit, stack, f"late{number}", Prefer=f"wait={LONG}")
            for number in range(10)
        ]
        wait_for(lambda: tasks(stack) == before + 10, what="ten tasks are stored")
        stack.web.send_signal(how)
        stack.web.wait(LONG)
        answers = [each.result()[0] for each in waiting if not each.exception()]
    stack.web = stack.start_web()
    stack.await_up()

    assert how == signal.SIGINT or answers == [202] * 10
