"""Many pictures by agents: batches that are judged, made, joined; collections."""

from jimeng import batches
from jimeng.documents import Batch, Collection, Task
from jimeng.documents.principal import Principal
from jimeng.gallery import collections
from tests import given_pictures as given
from tests.batches.conftest import fill, work_all
from tests.each import for_each
from tests.hung import hang
from tests.inputs.test_uploads import upload
from tests.mcp.conftest import Agent
from tests.mcp.test_tools import conforms

__all__ = ["work_all"]

ME = Principal("guest")


def asked(agent: Agent, tool: str, /, **arguments: object) -> dict:
    """What a call gives that does what it is for, as it is described."""
    result = agent.result("tools/call", {"name": tool, "arguments": arguments})
    assert not result["isError"], result
    return conforms(result, tool)


def test_batch_is_judged_made_and_looked_at(agent, work_all):
    """Count and price first; then how far it is, with links that open."""
    wanted = {"template": "{红|蓝}猫\n一只狗", "n": 2, "name": "x"}

    told = asked(agent, "create_batch", **wanted, dry_run=True)
    assert (told["dry_run"], told["total_pictures"]) == (True, 6)
    assert told["cost"]["fen_of_all"] == 6 * told["cost"]["fen"] > 0
    assert told["prompts"] == ["红猫", "蓝猫", "一只狗"]
    assert Batch.objects.count() == Task.objects.count() == 0

    made = asked(agent, "create_batch", **wanted)
    assert (made["count_of_prompts"], made["pictures"]["total"]) == (3, 6)
    assert "get_batch" in made["next"]
    work_all()
    found = asked(agent, "get_batch", batch_id=made["batch_id"])

    assert (found["status"], found["pictures"]["done"]) == ("completed", 6)
    assert len(found["images"]) == 6 and "next" not in found
    assert agent.client.get(found["images"][0]["url"]).status_code == 200
    assert agent.client.get(found["page"]).status_code == 200


def test_equal_calls_make_one_batch_while_it_goes_on(agent, work_all):
    """And say so; ended, or under another key, it is another one."""
    wanted = {"template": "{红|蓝}猫"}
    first = asked(agent, "create_batch", **wanted)
    again = asked(agent, "create_batch", **wanted, n=1)
    assert (again["batch_id"], again["joined"]) == (first["batch_id"], True)
    other = asked(agent, "create_batch", **wanted, idempotency_key="k")
    same = asked(agent, "create_batch", **wanted, idempotency_key="k")
    assert same["batch_id"] == other["batch_id"] != first["batch_id"]
    changed = asked(agent, "create_batch", **wanted, seed=7)
    assert changed["batch_id"] != first["batch_id"]
    work_all()

    later = asked(agent, "create_batch", **wanted)

    assert later["batch_id"] != first["batch_id"] and "joined" not in later
    assert Batch.objects.count() == 4
    batches.delete(ME, later["batch_id"])
    third = asked(agent, "create_batch", **wanted)
    assert third["batch_id"] not in {first["batch_id"], later["batch_id"]}


def test_pictures_choose_the_model(agent, client):
    given_id = upload(client, given.photo(), user_id="guest")["id"]

    made = asked(agent, "create_batch", template="春\n夏", images=[given_id])
    fill()

    batch = Batch.objects.get(id=made["batch_id"])
    assert batch.inputs == [given_id]
    assert {tuple(task.inputs) for task in Task.objects} == {(given_id,)}


@for_each(
    ("name", "arguments"),
    [
        ("create_batch", {}),
        ("create_batch", {"template": "{a"}),
        ("create_batch", {"template": "a", "who": "x"}),
        ("create_batch", {"template": "a", "images": ["upload_none"]}),
        ("get_batch", {"batch_id": "batch_none"}),
        ("list_collections", {"cursor": "x"}),
        ("add_to_collection", {"collection": "x", "images": ["none_0"]}),
        ("add_to_collection", {"collection": "collection_x", "images": ["MINE"]}),
        ("add_to_collection", {"collection": " ", "images": ["MINE"]}),
    ],
)
def test_what_is_wrong_is_told_in_words(agent, database, name, arguments):
    if "MINE" in arguments.get("images", ()):
        arguments = {**arguments, "images": hang("x")}

    result = agent.call(name, **arguments)

    assert result["isError"], result
    assert result["content"][0]["text"]
    assert Batch.objects.count() == Collection.objects.count() == 0


def test_pictures_are_put_into_collections_by_name(agent, client):
    """Made once, whatever the letter case; by its id; and no uploads."""
    ids = hang("a", "b", "c")
    made = asked(agent, "add_to_collection", collection="Cats", images=ids[:2])
    again = asked(agent, "add_to_collection", collection="cats", images=ids[1:2])
    same = made["collection"]["id"]
    third = asked(agent, "add_to_collection", collection=same, images=ids[2:])

    assert [made["added"], again["added"], third["added"]] == [2, 0, 1]
    assert third["collection"]["pictures"] == 3
    (listed,) = asked(agent, "list_collections")["collections"]
    assert listed == third["collection"]
    assert client.get(listed["page"]).status_code == 200
    collections.create(ME, "二")
    page = asked(agent, "list_collections", limit=1)
    rest = asked(agent, "list_collections", limit=1, cursor=page["next_cursor"])
    assert [page["collections"][0]["name"], rest["next_cursor"]] == ["二", None]
    given_id = upload(client, user_id="guest")["id"]
    agent.refused("add_to_collection", collection=same, images=[given_id])


def test_metadata_comes_back_and_finds_tasks(agent):
    """Of single tasks and of a batch's; equal batches of two orders are two."""
    order, other = {"order": "1"}, {"order": "2"}
    made = asked(agent, "generate_image", prompt="x", metadata=order, wait_seconds=0)
    one = asked(agent, "create_batch", prompts=["y"], metadata=order)
    two = asked(agent, "create_batch", prompts=["y"], metadata=other)

    assert made["metadata"] == order
    assert one["batch_id"] != two["batch_id"]
    found = asked(agent, "list_tasks", metadata=order)["tasks"]
    assert {each["prompt"] for each in found} == {"x", "y"}
    assert all(each["metadata"] == order for each in found)
    agent.refused("generate_image", prompt="x", metadata={"order": 1})
