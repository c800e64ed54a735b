"""What the tools do: a picture in one call, a name to go on with, calls joined."""

import base64
import io
import json
import re
import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from PIL import Image as Pillow

from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.http import long_polls
from jimeng.mcp import arguments, tools
from jimeng.providers import Progress
from tests.each import for_each
from tests.given_pictures import encoded
from tests.rest import create, task
from tests.test_core import refusal

LETTER = re.compile(r"[\u4e00-\u9fff]")


def count() -> int:
    return Task.collection().count_documents({})


def conforms(result: dict, name: str) -> dict:
    """What a client checks: text and structure are one, and as described."""
    said = result["structuredContent"]
    Draft202012Validator(tools.TOOLS[name].output_schema).validate(said)
    assert json.loads(result["content"][0]["text"]) == said
    return said


def test_one_call_gets_a_picture(agent, client, soon):
    """Small to be looked at, and a link to the whole one that opens."""
    soon()

    result = agent.call("generate_image", prompt="一只猫", size="1:1")

    said = conforms(result, "generate_image")
    assert (said["status"], result["isError"]) == ("completed", False)
    assert "next" not in said and "joined" not in said
    _, image, link = result["content"]
    shown = Pillow.open(io.BytesIO(base64.b64decode(image["data"])))
    assert (image["mimeType"], shown.format) == ("image/jpeg", "JPEG")
    assert link["uri"] == said["images"][0]["url"]
    whole = client.get(link["uri"])
    assert (whole.mimetype, len(whole.data)) == (link["mimeType"], link["size"])


def test_what_takes_longer_is_gone_on_with(agent, work_off, soon):
    """The answer says how, and the next call has the picture."""
    nothing = {"size": None, "seed": None}  # as models fill in what they leave open
    made = agent.done("generate_image", prompt="x", wait_seconds=1, **nothing)
    soon()

    result = agent.call("get_task", task_id=made["task_id"], wait_seconds=25)

    assert made["status"] == "pending"
    assert "get_task" in made["next"]
    assert made["position"] == 0
    assert conforms(result, "get_task")["status"] == "completed"
    assert [part["type"] for part in result["content"]] == [
        *("text", "image", "resource_link")
    ]


def test_what_is_begun_is_not_waited_for_for_ever(app, older, config, waits):
    """A proxy in front gives up sooner than a host does, so the operator limits it; and
    nobody is refused for want of a place: the answer comes at once."""
    app.config["JIMENG"] = replace(config, WAIT_SECONDS=1.0)
    older.done("generate_image", prompt="x")
    with ExitStack() as held:
        for number in range(24):
            held.enter_context(
                long_polls.long_poll_permit(Principal("ada"), f"user{number}")
            )

        made = older.done("generate_image", prompt="y")

    assert made["status"] == "pending"
    assert waits == [(1.0, True)]


def test_four_pictures_stay_small(older, provider, work_off):
    """All of a result fits where models keep what they have read."""
    noise = Pillow.effect_noise((800, 800), 120).convert("RGB")
    whole = encoded(noise, "PNG")  # which hardly gets smaller by any format
    provider.polls = [Progress("x", done=True, images=(whole,)) for _ in range(4)]
    made = older.done("generate_image", prompt="x", n=4, wait_seconds=0)
    work_off()  # to draw so much takes as long as a call may wait, on a busy machine

    asked = {"name": "get_task", "arguments": {"task_id": made["task_id"]}}
    answer = older.ask("tools/call", asked)

    kinds = [part["type"] for part in answer.json["result"]["content"]]
    assert kinds == ["text", *["image"] * 4, *["resource_link"] * 4]
    assert len(answer.data) < 150_000


def test_transparent_picture_is_shown_on_white(older, provider, soon):
    """JPEG has no transparency; black would hide what is drawn in black."""
    clear = encoded(Pillow.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG")
    provider.polls = [Progress("x", done=True, images=(clear,))]
    soon()

    result = older.call("generate_image", prompt="x")

    shown = Pillow.open(io.BytesIO(base64.b64decode(result["content"][1]["data"])))
    assert shown.getpixel((9, 9)) == (255, 255, 255)


def test_failure_is_told_in_words(older, provider, soon):
    """As an error of the tool, which a model reads; what it cost stands with it."""
    provider.submits = [refusal("content_refused")]
    soon()

    result = older.call("generate_image", prompt="x")

    assert result["isError"]
    said = json.loads(result["content"][0]["text"])
    assert (said["status"], said["error"]["code"]) == ("failed", "content_refused")
    assert said["error"]["charged"] == "no"


NO_PICTURES = (
    *("no_such_picture", "http://127.0.0.1/a.png", "data:image/png;base64,AAAA"),
)


@for_each(
    ("given", "named"),
    [
        *[({"prompt": value}, "prompt") for value in ("", "   ", 7, "x" * 801)],
        ({}, "prompt"),
        *[({"prompt": "x", "n": value}, "n") for value in (5, "many")],
        ({"prompt": "x", "size": "7x70"}, "size"),
        ({"prompt": "x", "model": "none"}, "model"),
        ({"prompt": "x", "wait_seconds": 60}, "wait_seconds"),
        ({"prompt": "x", "colour": "red"}, "colour"),
        ({"prompt": "x", "idempotency_key": "a b"}, "Idempotency-Key"),
        *[({"prompt": "x", "images": value}, "images") for value in ([], "x")],
        *[({"prompt": "x", "images": [value]}, "images.0") for value in NO_PICTURES],
        ({"prompt": "x", "images": ["a"], "strength": 2}, "strength"),
        ({"prompt": "x", "images": ["a"], "expand": {"up": 1}}, "expand"),
        ({"prompt": "x", "images": ["a"], "model": "jimeng-3.0"}, "images"),
        ({"images": ["a"], "expand": {"right": 0.9}}, "0.4"),
        ({"prompt": "x", "images": ["a"] * 14, "mask": "b"}, "jimeng-inpaint"),
    ],
)
def test_wrong_wish_is_told_in_words(older, given, named):
    """An error of the tool, not of the protocol: the model can mend it."""
    tool = "edit_image" if "images" in given else "generate_image"
    assert named in older.refused(tool, **given)
    assert count() == 0


def test_task_of_any_door_is_found(older, client):
    """And cancelled, which ends it; and those of this one look like any other."""
    made = older.done("generate_image", prompt="x", size="16:9", wait_seconds=0)
    kept = task(client, made["task_id"])
    assert kept["input"] == {"prompt": "x", "size": "16:9"}
    assert kept["user_id"] == "guest"
    task_id = create(client, user_id="guest")

    assert older.done("get_task", task_id=task_id)["status"] == "pending"
    said = conforms(older.call("cancel_task", task_id=task_id), "cancel_task")
    assert said["status"] == "cancelled"
    assert "task_finished" in older.refused("cancel_task", task_id=task_id)
    assert "task_not_found" in older.refused("get_task", task_id="volcengine_img_no")


def test_tasks_are_listed_page_by_page(older, client, work_off):
    """The newest first; with words of the prompt and by status as well."""
    ids = [create(client, user_id="guest", prompt=f"cat {n}") for n in range(3)]
    work_off()

    first = conforms(older.call("list_tasks", limit=2), "list_tasks")
    rest = older.done("list_tasks", limit=2, cursor=first["next_cursor"])
    found = older.done("list_tasks", q="cat 1", status="completed")

    named = [each["task_id"] for each in first["tasks"] + rest["tasks"]]
    assert named == ids[::-1]
    assert rest["next_cursor"] is None
    assert [each["prompt"] for each in found["tasks"]] == ["cat 1"]
    assert found["tasks"][0]["images"][0]["url"]


@for_each("name", tools.TOOLS)
def test_what_is_described_is_what_is_taken(older, name):
    """No field that is not there to be read, and none left out that must be there."""
    assert "colour" in older.refused(name, colour="red")
    for field in tools.TOOLS[name].described()["inputSchema"].get("required", ()):
        assert field in older.refused(name)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_tools_speak_the_language_of_the_request(app, language):
    """Each says what it is for, and what each argument means."""
    with app.test_request_context(headers={"Accept-Language": language}):
        described = [tool.described() for tool in tools.TOOLS.values()]

    said = [each[name] for each in described for name in ("title", "description")]
    for each in described:
        shapes = each["inputSchema"]["properties"].values()
        said += [shape["description"] for shape in shapes]
    assert len(said) > 50
    wrong = [text for text in said if bool(LETTER.search(text)) is (language == "en")]
    assert wrong == []


def test_bounds_are_those_that_are_checked(older):
    """At the edge of each number it is taken, one beyond it is not."""
    for name, shape in arguments.input_schema(arguments.LIST)["properties"].items():
        if shape["type"] == "integer":
            older.done("list_tasks", **{name: shape["maximum"]})
            older.refused("list_tasks", **{name: shape["maximum"] + 1})
            older.refused("list_tasks", **{name: shape["minimum"] - 1})


def test_equal_call_joins_what_ended_unheard(older, work_off, waits):
    """A host that gave up and asks once more pays once, and is given the result that
    nobody was. After that, a look, or a cancellation, it is a new wish."""
    call = {"prompt": "x", "wait_seconds": 0}
    first = older.done("generate_image", **call)["task_id"]
    again = conforms(older.call("generate_image", **call), "generate_image")
    assert (again["task_id"], again["joined"], count()) == (first, True, 1)
    assert "seed" in again["message"]
    work_off()
    heard = older.done("generate_image", prompt="x")
    second = older.done("generate_image", **call)
    work_off()
    older.done("get_task", task_id=second["task_id"])
    third = older.done("generate_image", **call)
    older.done("cancel_task", task_id=third["task_id"])
    fourth = older.done("generate_image", **call)

    assert (heard["task_id"], heard["status"]) == (first, "completed")
    made = [each["task_id"] for each in (heard, second, third, fourth)]
    assert len(set(made)) == 4
    assert not any("joined" in each for each in (second, third, fourth))
    assert waits == []


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
    call = {"name": "generate_image", "arguments": {"prompt": "x"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    with here:
        client.post("/mcp", json=body, environ_overrides={"gunicorn.socket": here})
    work_off()

    heard = older.done("generate_image", prompt="x")

    assert heard["joined"]
    assert count() == 1
