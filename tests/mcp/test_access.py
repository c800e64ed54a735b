"""Who gets through this door: hosts, sites, keys and their scopes, limits."""

import secrets

from jimeng import accounts
from tests.access.conftest import OPERATOR
from tests.each import for_each
from tests.mcp.conftest import Agent
from tests.mcp.test_protocol import PING, error
from tests.rest import client_with


def test_without_a_key(secured):
    """The status by which clients begin to sign in."""
    answer = secured.test_client().post("/mcp", json=PING)

    assert error(answer, 401, -32000)["data"]["error"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_a_wrong_key(secured):
    headers = {"Authorization": "Bearer jm_wrong"}
    answer = secured.test_client().post("/mcp", json=PING, headers=headers)

    assert error(answer, 401, -32000)["data"]["error"] == "api_key_invalid"


@for_each(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_from_another_site(client, headers):
    """A page elsewhere could spend money at a server of this machine."""
    answer = client.post("/mcp", json=PING, headers=headers)

    assert error(answer, 403, -32000)["data"]["error"] == "cross_site"


def test_by_another_name(client):
    """Whoever points a name of theirs at this address gets nothing."""
    answer = client.post("/mcp", json=PING, headers={"Host": "evil.example"})

    assert error(answer, 421, -32000)["data"]["error"] == "wrong_host"


def test_own_origin_is_taken(client):
    assert (
        client.post(
            "/mcp", json=PING, headers={"Origin": "http://localhost"}
        ).status_code
        == 200
    )


def keyed(person, *scopes: str) -> Agent:
    """An agent with a key of theirs that is good for so much."""
    _, key = accounts.create_key(OPERATOR, person.id, name="k", scopes=[*scopes])
    return Agent(
        person.client, is_stateless=False, **{"Authorization": f"Bearer {key}"}
    )


def test_key_for_looking_looks(ada, quick_room):
    """It lists and finds; it neither draws nor cancels."""
    reader = keyed(ada, "read")
    made = keyed(ada, "write").done("generate_image", prompt="x", wait_seconds=0)

    assert reader.done("get_task", task_id=made["task_id"])["status"] == "pending"
    assert len(reader.done("list_tasks")["tasks"]) == 1
    for name, given in (
        ("generate_image", {"prompt": "x"}),
        ("cancel_task", {"task_id": made["task_id"]}),
    ):
        answer = reader.ask("tools/call", {"name": name, "arguments": given})
        assert error(answer, 403, -32000)["data"]["error"] == "scope_too_small"
    assert reader.done("get_task", task_id=made["task_id"])["status"] == "pending"


def test_what_is_anothers_was_never_there(ada, bob, quick_room):
    """Neither found, nor listed, nor cancelled."""
    made = keyed(ada, "write").done("generate_image", prompt="x", wait_seconds=0)
    other = keyed(bob, "write")

    for name in ("get_task", "cancel_task"):
        assert "task_not_found" in other.refused(name, task_id=made["task_id"])
    assert other.done("list_tasks")["tasks"] == []


def test_requests_are_counted(database, config, registry):
    """Here as everywhere, and before anything is read."""
    key = {"Authorization": f"Bearer {secrets.token_hex(8)}"}
    with client_with(config, registry, REQUESTS_PER_MINUTE=2) as few:
        answers = [few.post("/mcp", json=PING, headers=key) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert error(answers[-1], 429, -32000)["data"]["error"] == "too_many_requests"
    assert int(answers[-1].headers["Retry-After"]) > 0
