"""
Endpoints, by REST, command and page: made, listed, changed, rotated, deleted; and
``webhook_url`` by the interfaces that others have designed.
"""

import re
from collections.abc import Callable

import pytest

from jimeng import documents
from jimeng.documents import Batch, Task, WebhookDelivery, WebhookEndpoint
from jimeng.web.account.webhooks import EVENTS
from jimeng.webhooks.endpoints import MAX_WEBHOOKS
from tests.each import for_each
from tests.mcp.conftest import Agent
from tests.openai.conftest import GENERATIONS, draws, error_of
from tests.page import send
from tests.rest import API, CAT, CREATE, data_of, errors_of, refused
from tests.webhooks.conftest import USER, WEBHOOKS

__all__ = ["draws"]

URL = "https://shop.example.com/jimeng"


def test_secret_is_shown_once(client, endpoint):
    """In the answer that makes the endpoint, in none after that; it is not stored."""
    made = endpoint(URL, events=["task.completed"], description="订单")

    shown = data_of(client.get(f"{WEBHOOKS}/{made['id']}"))
    listed = data_of(client.get(WEBHOOKS, query_string={"user_id": USER}))
    assert made["secret"].startswith("whsec_")
    assert listed == [shown]
    assert {**shown, "secret": made["secret"]} == made
    assert shown["enabled"] is True
    assert (shown["url"], shown["events"]) == (URL, ["task.completed"])
    stored = WebhookEndpoint.collection().find_one()
    assert made["secret"].removeprefix("whsec_") not in str(stored)
    default = data_of(client.get(f"{WEBHOOKS}/secret", query_string={"user_id": USER}))
    secrets = {made["secret"], endpoint(URL)["secret"], default["secret"]}
    assert len(secrets) == 3


def test_default_secret_stays(client):
    """Asked for twice it is the same; it stands in no list, and is not deleted."""
    query = {"user_id": USER}
    first = data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))

    assert data_of(client.get(f"{WEBHOOKS}/secret", query_string=query)) == first
    assert data_of(client.get(WEBHOOKS, query_string=query)) == []
    where = f"{WEBHOOKS}/{first['id']}"
    refused(client.delete(where), 404, "webhook_not_found")
    refused(client.patch(where, json={"url": URL}), 404, "webhook_not_found")
    rotated = data_of(client.post(f"{where}/rotate"))
    assert rotated["secret"] != first["secret"]


def test_endpoint_is_changed_and_deleted(client, endpoint):
    """What is left out stays; after the deletion there is none."""
    where = f"{WEBHOOKS}/{endpoint(URL, description='a')['id']}"

    changed = data_of(client.patch(where, json={"enabled": False, "events": []}))
    assert (changed["enabled"], changed["disabled_reason"]) == (False, "owner")
    assert (changed["url"], changed["description"]) == (URL, "a")
    assert data_of(client.patch(where, json={"enabled": True}))["enabled"] is True
    unknown = errors_of(client.patch(where, json={"events": ["task.done"]}))
    assert "task.completed" in str(unknown)
    data_of(client.delete(where))
    refused(client.get(where), 404, "webhook_not_found")


def test_deleted_endpoint_leaves_no_deliveries(client, endpoint, receiver, deliver):
    """Neither its log nor what waits; those of another endpoint stay."""
    gone, kept = (f"{WEBHOOKS}/{endpoint(receiver.url)['id']}" for _ in range(2))
    for where in (gone, kept):
        client.post(f"{where}/test")
    assert deliver() == 2
    for where in (gone, kept):
        client.post(f"{where}/test")

    data_of(client.delete(gone))

    states = [(each.endpoint, each.state) for each in WebhookDelivery.find_all({})]
    kept_id = kept.rpartition("/")[2]
    assert sorted(states) == [(kept_id, "delivered"), (kept_id, "pending")]


@for_each(
    "url",
    [
        *("http://shop.example.com/a", "ftp://example.com", "https://", "shop"),
        *("https://a:b@example.com/", "https://10.0.0.1/a", "https://[::1]/a"),
        *("https://169.254.169.254/latest", "https://localhost/x"),
        "https://pictures.example.com/i/x",  # this server's own
    ],
)
def test_address_that_nothing_is_sent_to_is_refused(client, url):
    """At once, for endpoints, single tasks and batches alike."""
    body = {"url": url, "user_id": USER}
    assert list(errors_of(client.post(WEBHOOKS, json=body))) == ["url"]

    body = {**CAT, "webhook_url": url}
    assert list(errors_of(client.post(CREATE, json=body))) == ["webhook_url"]
    body = {"template": "猫", "user_id": USER, "webhook_url": url}
    answer = client.post(f"{API}/batches", json=body)
    assert list(errors_of(answer)) == ["webhook_url"]
    assert Batch.collection().count_documents({}) == 0


def test_endpoints_are_limited(client, endpoint):
    for _ in range(MAX_WEBHOOKS):
        endpoint(URL)

    answer = client.post(WEBHOOKS, json={"url": URL, "user_id": USER})

    refused(answer, 409, "too_many_webhooks")
    listed = data_of(client.get(WEBHOOKS, query_string={"user_id": USER}))
    assert len(listed) == MAX_WEBHOOKS


def test_without_a_key_webhooks_are_off(client, reader, config, configure, registry):
    """Every door to them says so, and a task with an address is not created."""
    configure(config, registry)

    body = {"url": URL, "user_id": USER}
    refused(client.post(WEBHOOKS, json=body), 409, "webhooks_off")
    query = {"user_id": USER}
    answer = client.get(f"{WEBHOOKS}/secret", query_string=query)
    refused(answer, 409, "webhooks_off")
    answer = client.post(CREATE, json={**CAT, "webhook_url": URL})
    refused(answer, 409, "webhooks_off")
    text = reader.get(PAGE).text
    assert "no SECRET_KEY" in text
    assert "<form" not in text.partition("<main")[2].partition("</main")[0]


@pytest.fixture
def flask(app, signing, registry, configure) -> Callable[..., str]:
    """Runs a command; returns what it prints."""
    english = {"LANG": "en_GB.UTF-8", "LC_ALL": None}

    def run(*args: str, code: int = 0) -> str:
        try:
            command = {"args": ["webhooks", *args], "env": english}
            ran = app.test_cli_runner().invoke(**command)
        finally:  # a command connects anew
            documents.connect(signing, timeout=documents.WORKER_TIMEOUT)
            configure(signing, registry)
        assert ran.exit_code == code, ran.output
        return ran.output

    return run


def test_commands_do_what_the_api_does(client, flask, receiver, deliver):
    """And say what is wrong."""
    assert "No such webhook" in flask("test", "webhook_x", code=1)
    assert "https only" in flask("create", USER, "ftp://x", code=1)
    wrong = flask("create", USER, "https://example.com", "--event", "x", code=2)
    assert "task.completed" in wrong
    webhook_id, secret = flask("create", USER, receiver.url).split()
    flask("test", webhook_id)
    receiver.answer(500)
    deliver()
    receiver.received[0].verified(secret)

    assert "The receiver answered 500, not 2xx" in flask("log", webhook_id)
    assert flask("replay", webhook_id, "--since", "2020-01-01") == "sent again: 1\n"
    deliver()
    assert "Delivered (204)" in flask("log", webhook_id)
    assert "disabled (owner)" in flask("disable", webhook_id)
    assert "is disabled" in flask("test", webhook_id, code=1)
    assert "enabled" in flask("enable", webhook_id)
    assert flask("rotate", webhook_id).strip() != secret
    assert receiver.url in flask("list", USER)
    flask("delete", webhook_id)
    answer = client.get(f"{API}/webhooks", query_string={"user_id": USER})
    assert data_of(answer) == []


PAGE = "/account/webhooks"


@pytest.fixture
def reader(client):
    """A browser that reads English."""
    client.set_cookie("lang", "en")
    return client


def test_page_does_what_the_api_does(client, reader, receiver, deliver):
    made = send(reader, PAGE, url=receiver.url, events=["task.failed"])
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    secret = re.search(r"whsec_[\w+/=]+", made.text)[0]
    assert secret not in client.get(PAGE).text
    (row,) = data_of(client.get(f"{API}/webhooks", query_string={"user_id": "guest"}))
    assert row["events"] == ["task.failed"]
    log = f"{PAGE}/{row['id']}"

    assert send(reader, log, act="test").location.endswith(log)
    receiver.answer(500, b"<b>broken</b>")
    deliver()
    text = client.get(log).text
    assert "The receiver answered 500, not 2xx" in text
    assert "&lt;b&gt;broken&lt;/b&gt;" in text
    receiver.received[0].verified(secret)

    replay = re.search(rf'action="({log}/msg_\w+)"', text)[1]
    send(reader, replay)
    deliver()
    assert "Delivered (204)" in client.get(log).text

    assert "whsec_" in send(reader, log, act="rotate").text
    send(reader, log, act="disable")
    assert "Disabled by its owner" in client.get(log).text
    assert "Disabled by its owner" in client.get(PAGE).text
    send(reader, log, act="enable")
    send(reader, log, act="replay")
    page = reader.get(send(reader, log, act="delete").location)
    assert "Webhook deleted" in page.text
    assert client.get(log).status_code == 404


def test_wrong_address_is_said_beside_the_field(reader):
    answer = send(reader, PAGE, url="ftp://x", events=[EVENTS[0]])

    assert answer.status_code == 422
    assert "https only" in answer.text
    assert 'value="ftp://x"' in answer.text
    assert re.search(rf'value="{EVENTS[0]}" checked', answer.text)


ONLY = ["task.completed", "task.failed"]


@pytest.fixture
def secret(client) -> str:
    """Of whoever asks where nobody signs in."""
    query = {"user_id": "guest"}
    return data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))["secret"]


def test_openai_client_is_told(client, draws, receiver, deliver, secret):
    """By a field, by ``extra_body`` as its SDK has it, and by a form."""
    url = {"webhook_url": receiver.url}
    for kind, fields in (
        ("json", url),
        ("json", {"extra_body": url, "webhook_events": ONLY}),
        ("data", {**url, "webhook_events": ONLY[0]}),
    ):
        answer = client.post(GENERATIONS, **{kind: {"prompt": "x", **fields}})
        assert answer.status_code == 200, answer.text
        deliver()

        (got,) = receiver.received
        assert got.verified(secret)["data"]["task_id"] == answer.json["task_id"]
        receiver.received.clear()


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
