"""Every answer of Volcengine that is known comes when asked for."""

import json
from dataclasses import replace

import pytest
from PIL import ImageStat

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.scenes import SCENES
from tests.simulator.caller import V40, Caller
from tests.simulator.shapes import SHAPES, Shape, contents

# Where the task must not be done yet, and where a poll is made in another way.
WAITS = {"in queue": (0, "in_queue"), "generating": (3, "generating")}
BY_WORDS = [name for name in SHAPES if name not in {*WAITS, "two in base64"}]
BY_FAULT = [name for name, shape in SHAPES.items() if shape.fault]


def ask(caller: Caller, shape: Shape):
    """Make the call of *shape*: status, type and bytes of the answer."""
    if shape.call == "poll":
        reply = caller.poll(caller.accepted(shape.words), **shape.fields)
    else:
        reply = getattr(caller, shape.call)(shape.words, **shape.fields)
    return reply.status, reply.headers["Content-Type"], reply.body


def check(name: str, status: int, content_type: str, body: bytes) -> None:
    shape = SHAPES[name]
    assert (status, content_type) == (shape.status, shape.content_type), name
    code, keys = contents(body, content_type)
    assert (code, keys) == (shape.code, shape.keys), name
    # The order of the keys too.
    assert json.dumps(keys) == json.dumps(shape.keys), name


def test_words_in_a_prompt_bring_each_answer(caller):
    """Status, type, keys, types and codes are those of the real one."""
    for name in BY_WORDS:
        check(name, *ask(caller, SHAPES[name]))


def test_the_control_endpoint_brings_each_answer(caller):
    """As often as asked, whatever the prompt; the next call is as usual."""
    for name in BY_FAULT:
        shape = replace(SHAPES[name], words="[[slow 0]] 猫")
        caller.control("faults", [{"action": shape.call, "kind": shape.fault}])

        check(name, *ask(caller, shape))
        if shape.call == "ark":
            assert caller.ark().status == 200, name


@pytest.mark.parametrize("name", WAITS)
def test_unfinished_task_has_a_state(clock, caller, name):
    """It depends on nothing but the time."""
    seconds, status = WAITS[name]
    task_id = caller.accepted(SHAPES[name].words)
    clock.now += seconds
    reply = caller.poll(task_id)

    check(name, reply.status, reply.headers["Content-Type"], reply.body)
    assert reply.json["data"]["status"] == status


def test_group_comes_in_base64_too(caller):
    """Each of a group of two has its bytes."""
    caller.control("settings", {"group": 2})
    size = {"width": 1024, "height": 1024}
    task_id = caller.accepted("[[slow 0]]", req_key=V40, **size)
    reply = caller.poll(task_id, req_key=V40, req_json=None)

    check("two in base64", reply.status, reply.headers["Content-Type"], reply.body)


def test_each_scene_can_be_drawn():
    """With guests, snow and northern lights on top, and with more than one tone."""
    for wanted, _ in SCENES:
        picture = draw(f"{wanted.split()[0]} 猫 狐 雪 极光", 3, 512, 640)
        assert min(ImageStat.Stat(picture).stddev) > 5, wanted
