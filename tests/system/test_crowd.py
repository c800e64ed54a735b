"""Many wait, at a real server: others are served, and whoever waits gets a picture."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

CREATE, RESULT = "/api/v1/ai/image/task", "/api/v1/ai/image/result"
ENDS, EVENTS = 53, 17  # places of these
LONG = 20  # seconds
PROBES = 20
GOING_ON = {"pending", "processing"}


@pytest.fixture(scope="module")
def stack(own_stack):
    """One web process with places for some; nobody draws until a test says so."""
    with own_stack(
        "crowd",
        limit=100,
        duration=0.1,
        web=("--workers", "1"),
        MAX_LONG_POLLS=str(ENDS),
        MAX_EVENT_STREAMS=str(EVENTS),
        VOLCENGINE_CONCURRENCY="100",
        USER_MAX_PENDING="1000",
        LOG_LEVEL="warning",
    ) as made:
        made.simulate(plain=True)
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
    link = HTTPConnection("127.0.0.1", stack.port, timeout=LONG + 10)
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


def renew(stack: Stack, how: signal.Signals) -> None:
    """Have another process answer in place of the one that does."""
    old = worker_of(stack)
    if how == signal.SIGKILL:
        os.kill(old, how)
    else:
        stack.web.send_signal(how)
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
        renew(stack, signal.SIGHUP)

    assert at_once == Counter({"202 None": ENDS})
    assert told - at_once == Counter({f"202 wait={LONG}": ENDS})


def await_picture(stack: Stack, task_id: str, cut_off: list[str]) -> dict:
    """What a client does that wants its picture: ask, wait, and ask again."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            path = f"{RESULT}/{task_id}"
            status, _, answer = ask(stack, "GET", path, Prefer=f"wait={LONG}")
            if status == 200 and answer["data"]["status"] not in GOING_ON:
                return answer["data"]
        except OSError:
            cut_off.append(task_id)
        time.sleep(0.2)
    raise AssertionError(f"no picture within {PATIENCE_S:g} s")


def tasks(stack: Stack) -> int:
    with stack.database() as found:
        return found.tasks.count_documents({})


def connected(stack: Stack) -> int:
    """How many clients are connected to the server."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    here, established = f":{stack.port:04X}", "01"
    return sum(row[1].endswith(here) and row[3] == established for row in rows)


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


def test_whoever_waited_finds_the_picture_by_asking_again(stack):
    """Fifty wait while their server is restarted as for a new release, and killed."""
    ids = [stack.create(user_id=f"waiter{number}") for number in range(50)]
    cut_off: list[str] = []

    with ThreadPoolExecutor(50) as threads:
        running = [threads.submit(await_picture, stack, i, cut_off) for i in ids]
        wait_for(lambda: connected(stack) == 50, what="all have asked")
        renew(stack, signal.SIGHUP)
        refused = len(cut_off)
        wait_for(lambda: connected(stack) == 50, what="all have asked again")
        renew(stack, signal.SIGKILL)
        stack.start_consumer()
        results = [each.result() for each in running]
    stack.stop_consumers()

    assert {each["status"] for each in results} == {"completed"}
    assert refused == 0
    assert cut_off
    seeds = Counter(row["seed"] for row in stack.ledger()["rows"])
    assert max(seeds.values()) == 1
