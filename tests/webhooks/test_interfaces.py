"""``webhook_url`` by the interfaces that others have designed: ``/v1`` and agents."""

import pytest

from jimeng.documents import Task
from tests.each import for_each
from tests.mcp.conftest import Agent
from tests.openai.conftest import GENERATIONS, draws, error_of
from tests.rest import data_of
from tests.webhooks.conftest import WEBHOOKS

__all__ = ["draws"]
ONLY = ["task.completed", "task.failed"]


@pytest.fixture
def secret(client) -> str:
    """Of whoever asks where nobody signs in."""
    query = {"user_id": "guest"}
    return data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))["secret"]


@pytest.mark.parametrize(
    "options",
    [
        lambda url: {"json": {"webhook_url": url}},
        lambda url: {
            "json": {"extra_body": {"webhook_url": url}, "webhook_events": ONLY}
        },
        lambda url: {"data": {"webhook_url": url, "webhook_events": ONLY[0]}},
    ],
)
def test_openai_client_is_told(client, draws, receiver, deliver, secret, options):
    sent = {
        kind: {"prompt": "x", **fields}
        for kind, fields in options(receiver.url).items()
    }
    answer = client.post(GENERATIONS, **sent)
    assert answer.status_code == 200, answer.text
    deliver()

    (got,) = receiver.received
    assert got.verified(secret)["data"]["task_id"] == answer.json["task_id"]


@for_each(
    "wrong, value, more",
    [
        ("webhook_url", "http://10.0.0.1/", {}),
        ("webhook_url", 7, {}),
        ("webhook_events", ["test.ping"], {"webhook_url": "https://a.example/"}),
        ("webhook_events", 1, {"webhook_url": "https://a.example/"}),
    ],
)
def test_openai_client_is_refused(client, wrong, value, more):
    answer = client.post(GENERATIONS, json={"prompt": "x", wrong: value, **more})

    assert error_of(answer, 400, f"invalid_{wrong}")["param"] == wrong
    assert Task.collection().count_documents({}) == 0


def test_agent_is_told(client, receiver, work_off, deliver, secret):
    """Of a task and a batch; an equal call with another address is another task."""
    agent = Agent(client, is_stateless=False)
    wanted = {"prompt": "x", "wait_seconds": 0, "webhook_url": receiver.url}
    made = agent.done("generate_image", **wanted)
    again = agent.done("generate_image", **wanted)
    other = agent.done("generate_image", **wanted, webhook_events=["task.failed"])
    work_off()
    deliver()

    assert again["task_id"] == made["task_id"] != other["task_id"]
    (got,) = receiver.received
    assert got.verified(secret)["data"]["task_id"] == made["task_id"]
    bad = {**wanted, "webhook_url": "https://10.0.0.1/"}
    assert "webhook_url" in agent.refused("generate_image", **bad)
    agent.done("create_batch", prompts=["x"], webhook_url=receiver.url)
    work_off()
    deliver()
    assert receiver.received[1].json["type"] == "task.completed"
