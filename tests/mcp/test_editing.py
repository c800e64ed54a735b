"""Pictures that go in: named by their links, and given to a model that takes them."""

import pytest

from tests.given_pictures import photo
from tests.inputs.test_going_in import data_url, prepared, sent
from tests.mcp.test_access import keyed
from tests.mcp.test_tools import count
from tests.rest import task


@pytest.fixture
def drawn(older, work_off, provider) -> dict:
    """A picture of this caller's."""
    made = older.done("generate_image", prompt="x", wait_seconds=0)
    work_off()
    (image,) = older.done("get_task", task_id=made["task_id"])["images"]
    provider.requests.clear()
    return {"link": image["url"], "id": f"{made['task_id']}_0"}


@pytest.mark.parametrize("by", ["link", "id"])
def test_picture_is_changed_in_one_call(agent, drawn, by, soon, work_off, provider):
    """By its link or its id."""
    soon(lambda: prepared(work_off))

    result = agent.call(
        "edit_image", images=[drawn[by]], prompt="戴上帽子", model="jimeng-i2i-3.0"
    )

    assert result["structuredContent"]["status"] == "completed", result
    assert [part["type"] for part in result["content"]] == [
        *("text", "image", "resource_link")
    ]
    assert len(sent(provider).inputs) == 1


def test_record_names_what_went_in(older, client, drawn):
    """Like a task of any other door."""
    made = older.done("edit_image", images=[drawn["link"]], prompt="x", wait_seconds=0)

    kept = task(client, made["task_id"])
    assert kept["made_from"][0]["picture"] == drawn["id"]
    assert kept["input"]["prompt"] == "x"
    assert made["phase"] == "preparing"


@pytest.mark.parametrize(
    ("more", "does"),
    [
        ({"prompt": "x"}, "image-to-image"),
        ({}, "upscaling"),
        ({"expand": {"right": 0.4}}, "outpainting"),
    ],
)
def test_model_is_one_for_what_is_wished(older, drawn, more, does):
    """Words change a picture, edges make it grow, and without either it is enlarged."""
    models = {m["id"]: m["task"] for m in older.done("list_models")["models"]}

    made = older.done("edit_image", images=[drawn["id"]], **more, wait_seconds=0)

    found = models[made["model"]]
    assert found == does or (does, found) == ("image-to-image", "text-to-image")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"prompt": "x"}, "images"),
        ({"prompt": "x", "images": []}, "images"),
        ({"prompt": "x", "images": "x"}, "images"),
        ({"prompt": "x", "images": ["no_such_picture"]}, "images.0"),
        ({"prompt": "x", "images": ["http://127.0.0.1/a.png"]}, "images.0"),
        ({"prompt": "x", "images": ["data:image/png;base64,AAAA"]}, "images.0"),
        ({"prompt": "x", "images": ["a"], "strength": 2}, "strength"),
        ({"prompt": "x", "images": ["a"], "expand": {"up": 1}}, "expand"),
        ({"prompt": "x", "images": ["a"], "model": "jimeng-3.0"}, "images"),
        ({"images": ["a"], "expand": {"right": 0.9}}, "0.4"),
        ({"prompt": "x", "images": ["a"] * 14, "mask": "b"}, "jimeng-inpaint"),
    ],
)
def test_wrong_wish_is_told_in_words(older, given, named):
    """Before anything is kept."""
    assert named in older.refused("edit_image", **given)
    assert count() == 0


def test_equal_call_joins(older, drawn):
    """The same pictures in the same order, and nothing is kept or drawn twice."""
    call = {"images": [drawn["id"], data_url(photo())], "prompt": "x"}
    first = older.done("edit_image", **call, wait_seconds=0)
    again = older.done("edit_image", **call, wait_seconds=0)
    turned = {**call, "images": call["images"][::-1]}
    other = older.done("edit_image", **turned, wait_seconds=0)

    assert (again["task_id"], again["joined"]) == (first["task_id"], True)
    assert other["task_id"] != first["task_id"]


def test_what_is_anothers_does_not_go_in(ada, bob, quick_room, work_off):
    """As if it had never been."""
    made = keyed(ada, "write").done("generate_image", prompt="x", wait_seconds=0)
    work_off()
    picture = f"{made['task_id']}_0"

    said = keyed(bob, "write").refused("edit_image", prompt="x", images=[picture])

    assert "images.0" in said
