"""Who gets through this door: hosts, sites, keys, limits, and a shop's agents."""

import pytest

from jimeng import accounts
from jimeng.documents import Batch, Task
from tests.access.conftest import OPERATOR
from tests.access.test_act_for import CUSTOMER, Shop
from tests.access.test_prefixes import of_before
from tests.batches.conftest import fill
from tests.each import for_each
from tests.mcp.conftest import Agent
from tests.mcp.test_protocol import PING, error


@for_each(
    "headers, code",
    [({}, "unauthorized"), ({"Authorization": "Bearer jm_wrong"}, "api_key_invalid")],
)
def test_without_a_key(secured, headers, code):
    """The status by which clients begin to sign in."""
    answer = secured.test_client().post("/mcp", json=PING, headers=headers)

    assert error(answer, 401, -32000)["data"]["error"] == code
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@for_each(
    "headers, status, code",
    [
        ({"Origin": "https://evil.example"}, 403, "cross_site"),
        ({"Origin": "null"}, 403, "cross_site"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "cross_site"),
        ({"Sec-Fetch-Site": "same-site"}, 403, "cross_site"),
        ({"Host": "evil.example"}, 421, "wrong_host"),
    ],
)
def test_from_another_site(client, headers, status, code):
    """A page elsewhere could spend money, also by a name of its own for us."""
    own = client.post("/mcp", json=PING, headers={"Origin": "http://localhost"})
    answer = client.post("/mcp", json=PING, headers=headers)

    assert own.status_code == 200
    assert error(answer, status, -32000)["data"]["error"] == code


def keyed(person, *scopes: str) -> Agent:
    """An agent with a key of theirs that is good for so much."""
    _, key = accounts.create_key(OPERATOR, person.id, name="k", scopes=[*scopes])
    headers = {"Authorization": f"Bearer {key}"}
    return Agent(person.client, is_stateless=False, **headers)


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


def test_what_is_anothers_was_never_there(ada, bob, quick_room, work_off):
    made = keyed(ada, "write").done("generate_image", prompt="x", wait_seconds=0)
    other = keyed(bob, "write")

    for name in ("get_task", "cancel_task"):
        assert "task_not_found" in other.refused(name, task_id=made["task_id"])
    assert other.done("list_tasks")["tasks"] == []
    work_off()
    edit = {"prompt": "x", "images": [f"{made['task_id']}_0"]}
    assert "images.0" in other.refused("edit_image", **edit)


OF_CUSTOMERS = {
    *("generate_image", "edit_image", "generate_video", "create_batch", "list_tasks"),
}


@pytest.fixture
def agent(bob, quick_room) -> Agent:
    shop = Shop(bob)
    headers = {"Authorization": f"Bearer {shop.key}"}
    return Agent(shop.client, is_stateless=False, **headers)


def test_shops_agent_draws_for_a_customer(agent):
    """What it makes is the customer's, and equal calls for two of them are two."""
    call = {"prompt": "猫", "wait_seconds": 0}
    one = agent.done("generate_image", user_id=CUSTOMER, **call)["task_id"]
    same = agent.done("generate_image", user_id=CUSTOMER, **call)["task_id"]
    other = agent.done("generate_image", user_id="shop:customer_43", **call)["task_id"]
    own = agent.done("generate_image", **call)["task_id"]
    batch = agent.done("create_batch", prompts=["狗"], user_id=CUSTOMER)["batch_id"]

    assert one == same
    assert Task.find_one({"_id": one}).user_id == CUSTOMER
    assert Batch.find_one({"_id": batch}).user_id == CUSTOMER
    listed = agent.done("list_tasks", user_id=CUSTOMER, q="猫")["tasks"]
    assert [each["task_id"] for each in listed] == [one]
    assert [each["task_id"] for each in agent.done("list_tasks")["tasks"]] == [own]
    assert agent.done("cancel_task", task_id=other)["status"] == "cancelled"


def test_agent_names_nobody_else(agent, ada):
    """Neither a shop's, outside of its prefix, nor one with a plain key."""
    call = {"prompt": "猫", "wait_seconds": 0, "user_id": "shopping:1"}
    plain = keyed(ada, "read", "write")

    assert "user_id_not_yours" in agent.refused("generate_image", **call)
    assert "user_not_found" in agent.refused("list_tasks", user_id="shopping:1")
    said = plain.refused("generate_image", **{**call, "user_id": CUSTOMER})
    assert "user_id_not_yours" in said
    assert Task.collection().count_documents({}) == 0

    def naming(agent: Agent) -> set[str]:
        tools = agent.result("tools/list")["tools"]
        shapes = {each["name"]: each["inputSchema"]["properties"] for each in tools}
        return {name for name, shape in shapes.items() if "user_id" in shape}

    # A model that reads of ``user_id`` would make one up.
    assert (naming(agent), naming(plain)) == (OF_CUSTOMERS, set())


def test_agent_names_no_customer_of_another_shop(agent, ada):
    """Where the prefixes of two overlap, from before that was refused."""
    narrow = of_before(ada, "shop:eu:")
    made = narrow.create("shop:eu:1")

    call = {"prompt": "猫", "wait_seconds": 0, "user_id": "shop:eu:1"}
    assert "user_id_not_yours" in agent.refused("generate_image", **call)
    assert "user_id_not_yours" in agent.refused("list_tasks", user_id="shop:eu:1")
    assert "user_id_not_yours" in agent.refused("get_task", task_id=made)


def test_end_of_a_batch_is_waited_for(agent, soon, work_off):
    batch = agent.done("create_batch", prompts=["狗"])["batch_id"]

    soon(lambda: (work_off(), fill()))

    found = agent.done("get_batch", batch_id=batch, wait_seconds=20)

    assert (found["status"], found["pictures"]["done"]) == ("completed", 1)
    assert "next" not in found
