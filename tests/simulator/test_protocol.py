"""Visual: who is let in, what each model takes, and what comes back."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from jimeng.local.simulator import Simulator
from tests.each import for_each
from tests.simulator.caller import (
    ACCESS_KEY,
    KEYS,
    SECRET_KEY,
    SUBMIT,
    V21,
    V30,
    V40,
    Caller,
)
from tests.simulator.test_given import picture
from tests.waiting import PATIENCE_S

OFFICIAL_CLIENT = Path(__file__).parent / "official_client.py"


def test_good_signature_is_accepted(caller):
    reply = caller.submit(seed=7, width=512, height=1024)

    assert reply.status == 200
    assert list(reply.json) == [
        *("code", "data", "message", "request_id", "status", "time_elapsed")
    ]
    assert (reply.json["code"], reply.json["message"]) == (10000, "Success")
    assert re.fullmatch(r"\d{19}", reply.json["data"]["task_id"])
    assert re.fullmatch(r"[\d.]+(µs|ms|s)", reply.json["time_elapsed"])
    assert re.fullmatch(r"\d{14}[0-9A-F]{20}", reply.json["request_id"])


@for_each(
    ("changes", "status", "code"),
    [
        ({"Authorization": ""}, 401, 100003),
        ({"Authorization": "Bearer abc"}, 401, 100024),
        ({"X_Content_Sha256": hashlib.sha256(b"other").hexdigest()}, 401, 100010),
        ({"Content_Type": "text/plain"}, 401, 100010),
        ({"X_Security_Token": "unasked"}, 401, 100026),
        ({"X_Date": "20200101T000000Z"}, 400, 100006),
        ({"X_Date": "yesterday"}, 400, 100006),
    ],
)
def test_tampered_request_is_refused(caller, changes, status, code):
    reply = caller.call(SUBMIT, {"req_key": V30, "prompt": "猫"}, **changes)

    assert (reply.status, reply.code) == (status, code)


@for_each(("seconds", "code"), [(840, 10000), (960, 100006)])
@for_each("direction", [1, -1])
def test_date_may_be_fifteen_minutes_off(simulator, caller, seconds, code, direction):
    """Either way; beyond that the signature counts as expired."""
    offset = float(seconds * direction)
    caller.control("settings", {"signing_clock_offset": offset})

    assert caller.submit().code == code


@for_each(("token", "code"), [("sts", 10000), ("", 100026)])
def test_session_token_is_required_when_configured(token, code):
    with Simulator(**KEYS, session_token="sts") as simulator:
        assert Caller(simulator.port, token=token).submit().code == code


def test_unknown_action_is_refused(caller):
    reply = caller.call("CVDoNothing", {})

    error = reply.json["ResponseMetadata"]["Error"]
    assert (reply.status, error["CodeN"]) == (404, 100008)
    assert "CVDoNothing for version 2022-08-31" in error["Message"]


def test_official_client_is_understood():
    pictures = picture(), picture(mode="L", colour=0, kind="PNG")
    with Simulator(**KEYS, duration=0.0, plain=True) as simulator:
        # Its service is one object per process and warns as it is imported.
        command = [sys.executable, "-W", "ignore", str(OFFICIAL_CLIENT)]
        arguments = [str(simulator.port), ACCESS_KEY, SECRET_KEY, *pictures]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=PATIENCE_S
        )

        came = [each["inputs"] for each in simulator.ledger()["rows"]]

    assert "done" in done.stdout, done.stderr
    modes = [each["mode"] for row in came for each in row]
    assert modes == ["RGB", "L"]


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
    (picture,) = drawn(caller, req_key, force_single=True, **fields)

    assert (picture.format, picture.size) == (kind, size)


def test_each_model_has_its_action(simulator, caller):
    """The wrong one, as a model that is none, is a capability that is not activated."""
    assert caller.submit(req_key="jimeng_t2i_v99").status == 401
    assert caller.process(req_key=V30).code == 50400
    assert caller.submit(req_key=V21).code == 50400
    assert caller.process(f"{DONE} [[poll 50511]]").code == 50511
    assert simulator.ledger()["billed"] == 0


@for_each(
    ("req_key", "fields"),
    [
        (V30, {"prompt": ""}),
        (V30, {"prompt": None}),
        (V30, {"prompt": "猫" * 801}),
        (V30, {"width": 1024}),
        (V30, {"width": 511, "height": 1024}),
        (V30, {"width": 1024, "height": 2049}),
        (V30, {"width": "1024", "height": "1024"}),
        (V30, {"width": True, "height": True}),
        (V30, {"seed": "7"}),
        (V30, {"use_pre_llm": "yes"}),
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
        (V21, {"width": 255, "height": 512}),
        (V21, {"width": 512, "height": 769}),
        (V21, {"width": 512}),
        (V21, {"use_sr": 1}),
        (V21, {"aigc_meta": {"content_producer": "x"}}),
        (V21, {"aigc_meta": {"producer_id": "x" * 257}}),
        (V21, {"prompt": "猫" * 801}),
    ],
)
def test_wrong_parameters_are_refused(simulator, caller, req_key, fields):
    call = caller.process if req_key == V21 else caller.submit
    reply = call(req_key=req_key, **fields)

    assert (reply.status, reply.code, reply.json["data"]) == (400, 50200, None)
    assert simulator.ledger()["rows"] == []


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
    caller.control("reset", {})
    size = {"width": 1024, "height": 1024}
    task_id = caller.accepted(DONE, req_key=req_key, **size, **fields)
    urls = caller.poll(task_id, req_key=req_key).json["data"]["image_urls"]

    assert len(set(urls)) == count
    assert simulator.ledger()["billed"] == count
    assert [caller.get(url).status for url in urls] == [200] * count


def test_inputs_leave_less_room_for_a_group(simulator, caller):
    caller.accepted(DONE, req_key=V46, image_urls=URLS * 13)

    assert simulator.ledger()["billed"] == 2
