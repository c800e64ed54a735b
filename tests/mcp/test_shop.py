"""Agents of a shop: one key acts for the shop's customers, here as in REST."""

import pytest

from jimeng.documents import Batch, Task
from tests.access.test_act_for import CUSTOMER, Shop
from tests.batches.conftest import fill
from tests.mcp.conftest import Agent
from tests.mcp.test_access import keyed

OF_CUSTOMERS = {
    *("generate_image", "edit_image", "generate_video"),
    *("create_batch", "list_tasks"),
}


def agent_of(shop: Shop) -> Agent:
    headers = {"Authorization": f"Bearer {shop.key}"}
    return Agent(shop.client, is_stateless=False, **headers)


@pytest.fixture
def agent(bob, quick_room) -> Agent:
    return agent_of(Shop(bob))


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
    assert "task_not_found" in agent.refused("list_tasks", user_id="shopping:1")
    said = plain.refused("generate_image", **{**call, "user_id": CUSTOMER})
    assert "user_id_not_yours" in said
    assert Task.collection().count_documents({}) == 0


def test_only_a_shops_agent_is_told_of_customers(agent, ada):
    """A model that reads of ``user_id`` would make one up."""
    plain = keyed(ada, "read", "write")

    def naming(agent: Agent) -> set[str]:
        tools = agent.result("tools/list")["tools"]
        return {
            each["name"]
            for each in tools
            if "user_id" in each["inputSchema"]["properties"]
        }

    assert naming(agent) == OF_CUSTOMERS
    assert naming(plain) == set()


def test_end_of_a_batch_is_waited_for(agent, soon, work_off):
    """As that of a task is."""
    batch = agent.done("create_batch", prompts=["狗"])["batch_id"]

    def work() -> None:
        work_off()
        fill()

    soon(work)

    found = agent.done("get_batch", batch_id=batch, wait_seconds=20)

    assert (found["status"], found["pictures"]["done"]) == ("completed", 1)
    assert "next" not in found
