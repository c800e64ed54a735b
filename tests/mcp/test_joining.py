"""Calls that are made again: joined to the task that there is, or another wish."""

import socket

import pytest

from tests.mcp.test_tools import conforms, count


def test_equal_call_joins_while_the_first_goes_on(agent, provider, soon):
    """A host that gave up and asks once more pays once, and is told so."""
    first = agent.done("generate_image", prompt="x", n=2, wait_seconds=0)
    soon()

    result = agent.call("generate_image", n=2, prompt="x", wait_seconds=20)

    again = conforms(result, "generate_image")
    assert again["task_id"] == first["task_id"]
    assert again["joined"] and "seed" in again["message"]
    assert (count(), len(provider.requests)) == (1, 2)


def test_equal_call_joins_what_ended_unheard(older, work_off):
    """The result that nobody was given is given to who asks for it."""
    first = older.done("generate_image", prompt="x", wait_seconds=0)
    work_off()

    heard = older.done("generate_image", prompt="x")
    anew = older.done("generate_image", prompt="x", wait_seconds=0)

    assert heard["task_id"] == first["task_id"]
    assert heard["status"] == "completed"
    assert anew["task_id"] != first["task_id"] and "joined" not in anew


def test_equal_call_after_a_look_is_a_new_wish(older, work_off):
    """Whoever was told of the end by `get_task` wants another picture now."""
    first = older.done("generate_image", prompt="x", wait_seconds=0)
    work_off()
    older.done("get_task", task_id=first["task_id"])

    anew = older.done("generate_image", prompt="x", wait_seconds=0)

    assert anew["task_id"] != first["task_id"]


@pytest.mark.parametrize(
    "more",
    [
        *({"seed": 7}, {"prompt": "y"}, {"n": 2}, {"idempotency_key": "another"}),
        {"metadata": {"order": "1"}},
    ],
)
def test_other_call_is_another_task(older, more):
    """Whatever differs but for how long it waits."""
    first = older.done("generate_image", prompt="x", wait_seconds=0)
    other = older.done("generate_image", **{"prompt": "x", **more}, wait_seconds=0)

    assert first["task_id"] != other["task_id"]


def test_cancelled_task_is_not_joined(older):
    """Who asks after that means it."""
    first = older.done("generate_image", prompt="x", wait_seconds=0)
    older.done("cancel_task", task_id=first["task_id"])

    anew = older.done("generate_image", prompt="x", wait_seconds=0)

    assert anew["task_id"] != first["task_id"]


def test_key_of_the_call_alone_decides(older, work_off):
    """The same key is the same task even after its end; with other words an error."""
    call = {"prompt": "x", "idempotency_key": "k1"}
    first = older.done("generate_image", **call, wait_seconds=0)
    work_off()

    again = older.done("generate_image", **call)
    third = older.done("generate_image", **call)

    assert {again["task_id"], third["task_id"]} == {first["task_id"]}
    other = {**call, "prompt": "y"}
    assert "idempotency_key_reused" in older.refused("generate_image", **other)


def test_client_that_is_cut_off_was_told_nothing(older, client, work_off):
    """Its connection closed before the answer: the repetition finds the task."""
    here, there = socket.socketpair()
    there.close()
    arguments = {"prompt": "x"}
    with here:
        client.post(
            "/mcp",
            json={
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": "generate_image", "arguments": arguments},
            },
            environ_overrides={"gunicorn.socket": here},
        )
    work_off()

    heard = older.done("generate_image", prompt="x")

    assert heard["joined"]
    assert count() == 1
