"""Many wait, at a real server: others are served, and whoever waits is answered."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.forks import constants
from tests.rest import CREATE
from tests.system.asking import send
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

RESULT = "/api/v1/ai/image/result"
ENDS = 53  # places
LONG = 60  # seconds, the most that a server takes
PROBES = 20


@pytest.fixture(scope="module")
def stack(own_stack):
    """One web process with places for some; nobody draws."""
    with own_stack(
        "crowd",
        **constants({"jimeng.config.server.MAX_LONG_POLLS": ENDS}),
        WAIT_SECONDS=str(LONG),
        USER_MAX_PENDING="1000",
        LOG_LEVEL="warning",
    ) as made:
        made.create(user_id="first")  # the indexes are there by now
        yield made


def ask(stack: Stack, path: str, body: dict, **headers: str) -> requests.Response:
    return send("POST", stack.url + path, body, headers, timeout=PATIENCE_S)


def submit(stack: Stack, user: str, **headers: str) -> requests.Response:
    body = {"prompt": "一只猫", "size": "512x512", "user_id": user}
    return ask(stack, CREATE, body, **headers)


def probe(stack: Stack) -> None:
    """Submit, and look at what comes of it; none is refused."""
    for number in range(PROBES):
        answer = submit(stack, f"other{number % 5}")
        assert answer.status_code == 202, answer.text
        stack.insist("GET", f"{RESULT}/{answer.json()['data']['task_id']}")


@contextmanager
def crowd(stack: Stack, size: int) -> Iterator[Counter[str]]:
    """That many clients, each a user, who ask and wait; what they are answered."""
    told: Counter[str] = Counter()
    lock = threading.Lock()

    def wait(number: int) -> None:
        answer = submit(stack, f"waits{number}", Prefer=f"wait={LONG}")
        applied = answer.headers.get("Preference-Applied")
        with lock:
            told[f"{answer.status_code} {applied}"] += 1

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
        ended = [each.result() for each in waiting if not each.exception()]
    stack.web = stack.start_web()
    stack.await_up()

    assert how == signal.SIGINT or [each.status_code for each in ended] == [202] * 10


def test_who_waits_for_openai_is_sent_on_when_the_server_stops(stack):
    """In the way that its client understands; the repetition joins its task."""
    stack.begin_anew()

    def generate(body: dict, **headers: str) -> requests.Response:
        body = {"prompt": "cat", "size": "512x512", **body}
        return ask(stack, "/v1/images/generations", body, **headers)

    counting = "x-stainless-retry-count"
    with ThreadPoolExecutor(3) as pool:
        plain = pool.submit(generate, {})
        sdk = pool.submit(generate, {"user": "sdk"}, **{counting: "0"})
        stream = pool.submit(generate, {"stream": True})
        wait_for(lambda: tasks(stack) == 3, what="three wait")
        stack.web.terminate()
        first, again, events = (each.result() for each in (plain, sdk, stream))

    assert (first.status_code, first.headers["x-should-retry"]) == (504, "false")
    assert first.json()["error"]["code"] == "wait_over"
    assert again.status_code == 503 and again.headers["Retry-After"], again.text
    assert "x-should-retry" not in again.headers
    assert events.status_code == 200 and '"error"' in events.text.splitlines()[-2]
    stack.web.wait(LONG)

    stack.web = stack.start_web()
    stack.start_consumer()
    stack.await_ready()
    joined = generate({"user": "sdk"}, **{counting: "1"})

    task_id = again.json()["error"]["task_id"]
    assert (joined.status_code, joined.json()["task_id"]) == (200, task_id)
    assert tasks(stack) == 3
