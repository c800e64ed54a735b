"""The models of Visual: parameters, sizes, formats, groups and marks of each."""

import base64
import io
import json

from PIL import Image

from tests.each import for_each
from tests.simulator.caller import V21, V30, V40

V31 = "jimeng_t2i_v31"
V46 = "jimeng_seedream46_cvtob"
DONE = "[[slow 0]] 猫"
URLS = ["http://a/1.png"]


def pictures(reply) -> list[Image.Image]:
    """The pictures inside an answer."""
    found = []
    for text in reply.json["data"]["binary_data_base64"]:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            picture.load()
            found.append(picture)
    return found


def drawn(caller, req_key: str, **fields) -> list[Image.Image]:
    task_id = caller.accepted(DONE, req_key=req_key, **fields)
    return pictures(caller.poll(task_id, req_key=req_key, req_json=None))


@for_each(
    ("req_key", "fields", "kind", "size"),
    [
        (V30, {}, "JPEG", (1328, 1328)),
        (V31, {"width": 1664, "height": 936}, "JPEG", (1664, 936)),
        (V40, {}, "PNG", (2048, 2048)),
        (V46, {"width": 1024, "height": 1024}, "PNG", (1024, 1024)),
    ],
)
def test_size_and_format_depend_on_the_model(caller, req_key, fields, kind, size):
    """JPEG or PNG, as large as asked or as usual."""
    (picture,) = drawn(caller, req_key, force_single=True, **fields)

    assert (picture.format, picture.size) == (kind, size)


def test_process_may_end_refused(simulator, caller):
    """After the drawing, and then it is free."""
    assert caller.process(f"{DONE} [[poll 50511]]").code == 50511
    assert simulator.ledger()["billed"] == 0


def test_each_model_has_its_action(caller):
    """The wrong one is a capability that was never activated."""
    assert caller.process(req_key=V30).code == 50400
    assert caller.submit(req_key=V21).code == 50400


@for_each(
    ("req_key", "fields"),
    [
        (V31, {"width": 2048, "height": 682}),
        (V31, {"width": 511, "height": 512}),
        (V40, {"width": 1024}),
        (V40, {"width": 1024, "height": 1023}),
        (V40, {"width": 4097, "height": 4096}),
        (V40, {"width": 3200, "height": 1000}),
        (V40, {"image_urls": URLS * 11}),
        (V40, {"image_urls": ["1.png"]}),
        (V40, {"scale": 1.5}),
        (V40, {"force_single": "true"}),
        (V46, {"scale": 0.5}),
        (V46, {"image_urls": URLS * 15}),
    ],
)
def test_wrong_parameters_are_refused(simulator, caller, req_key, fields):
    """Nothing is accepted, and nothing billed."""
    assert caller.submit(req_key=req_key, **fields).code == 50200
    assert simulator.ledger()["rows"] == []


@for_each(
    "fields",
    [
        {"width": 255, "height": 512},
        {"width": 512, "height": 769},
        {"width": 512},
        {"use_sr": 1},
        {"aigc_meta": {"content_producer": "x"}},
        {"aigc_meta": {"producer_id": "x" * 257}},
        {"prompt": "猫" * 801},
    ],
)
def test_process_refuses_wrong_parameters(caller, fields):
    """Sides from 256 to 768, both or neither."""
    assert caller.process(**fields).code == 50200


def test_poll_refuses_a_meta_without_producer(caller):
    """It stands in the text of req_json there."""
    wishes = {"return_url": True, "aigc_meta": {"propagate_id": "1"}}
    task_id = caller.accepted(DONE)

    assert caller.poll(task_id, req_json=json.dumps(wishes)).code == 50200


@for_each("req_key", [V40, V46])
@for_each(
    ("fields", "count"),
    [
        ({}, 4),
        ({"force_single": False}, 4),
        ({"force_single": True}, 1),
        ({"image_urls": URLS * 10, "force_single": True}, 1),
    ],
)
def test_group_comes_unless_a_single_picture_is_forced(
    simulator, caller, req_key, fields, count
):
    """Each picture is billed, and each is there."""
    caller.control("reset", {})
    size = {"width": 1024, "height": 1024}
    task_id = caller.accepted(DONE, req_key=req_key, **size, **fields)
    urls = caller.poll(task_id, req_key=req_key).json["data"]["image_urls"]

    assert len(set(urls)) == count
    assert simulator.ledger()["billed"] == count
    assert [caller.get(url).status for url in urls] == [200] * count


def test_inputs_leave_less_room_for_a_group(simulator, caller):
    """Fifteen together."""
    caller.accepted(DONE, req_key=V46, image_urls=URLS * 13)

    assert simulator.ledger()["billed"] == 2
