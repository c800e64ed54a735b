"""A server that stops sends on who waits at it for a picture, and loses nobody's."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system.stack import Stack, wait_for

pytestmark = pytest.mark.system

CAT = {"prompt": "cat", "size": "512x512"}


@pytest.fixture
def stack(own_stack):
    """Web and simulator; nobody draws, so whoever waits waits on."""
    with own_stack("openai_stop") as made:
        yield made


def ask(stack: Stack, body: dict, headers: dict[str, str]) -> tuple:
    """Status, headers and text."""
    link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    told = {"Content-Type": "application/json", **headers}
    link.request("POST", "/v1/images/generations", json.dumps({**CAT, **body}), told)
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    return answer.status, answer.headers, text


def test_who_waits_is_sent_on_when_the_server_stops(stack):
    """In the way that its client understands; the repetition joins its task."""
    counting = {"x-stainless-retry-count": "0"}
    with ThreadPoolExecutor(3) as pool:
        plain = pool.submit(ask, stack, {}, {})
        sdk = pool.submit(ask, stack, {"user": "sdk"}, counting)
        stream = pool.submit(ask, stack, {"stream": True}, {})
        wait_for(lambda: tasks(stack) == 3, what="three wait")
        stack.web.terminate()
        answers = [each.result() for each in (plain, sdk, stream)]

    (status, headers, text), again, events = answers
    assert (status, headers["x-should-retry"]) == (504, "false"), text
    assert json.loads(text)["error"]["code"] == "wait_over"
    assert again[0] == 503 and again[1]["Retry-After"], again[2]
    assert again[1]["x-should-retry"] is None
    first = json.loads(again[2])["error"]["task_id"]
    assert events[0] == 200 and '"error"' in events[2].splitlines()[-2]
    stack.web.wait(60)

    stack.web = stack.start_web()
    stack.start_consumer()
    stack.await_ready()
    joined = ask(stack, {"user": "sdk"}, {"x-stainless-retry-count": "1"})

    assert (joined[0], json.loads(joined[2])["task_id"]) == (200, first)
    assert tasks(stack) == 3


def tasks(stack: Stack) -> int:
    with stack.database() as found:
        return found.tasks.count_documents({})
