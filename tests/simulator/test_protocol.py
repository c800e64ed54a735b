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
from tests.simulator.caller import ACCESS_KEY, SECRET_KEY, SUBMIT, V21, V30, V40, Caller

OFFICIAL_CLIENT = Path(__file__).parent / "official_client.py"


def test_good_signature_is_accepted(caller):
    """The envelope has the documented fields, and the id is a string of 19 digits."""
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
    """A header that was changed after signing makes the gateway refuse."""
    reply = caller.call(SUBMIT, {"req_key": V30, "prompt": "猫"}, **changes)

    assert (reply.status, reply.code) == (status, code)


@for_each(("seconds", "code"), [(890, 10000), (910, 100006)])
@for_each("direction", [1, -1])
def test_date_may_be_fifteen_minutes_off(simulator, caller, seconds, code, direction):
    """Either way; beyond that the signature counts as expired."""
    offset = float(seconds * direction)
    caller.control("settings", {"signing_clock_offset": offset})

    assert caller.submit().code == code


@for_each(("token", "code"), [("sts", 10000), ("", 100026)])
def test_session_token_is_required_when_configured(token, code):
    """A temporary key without its token, or with another, is refused."""
    with Simulator(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, session_token="sts"
    ) as simulator:
        assert Caller(simulator.port, token=token).submit().code == code


def test_unknown_action_is_refused(caller):
    """The message names the action and the version."""
    reply = caller.call("CVDoNothing", {})

    error = reply.json["ResponseMetadata"]["Error"]
    assert (reply.status, error["CodeN"]) == (404, 100008)
    assert "CVDoNothing for version 2022-08-31" in error["Message"]


@for_each(
    ("fields", "status", "code"),
    [
        ({"req_key": "jimeng_t2i_v99"}, 401, 50400),
        ({"prompt": ""}, 400, 50200),
        ({"prompt": None}, 400, 50200),
        ({"prompt": "猫" * 801}, 400, 50200),
        ({"width": 1024}, 400, 50200),
        ({"width": 511, "height": 1024}, 400, 50200),
        ({"width": 1024, "height": 2049}, 400, 50200),
        ({"width": "1024", "height": "1024"}, 400, 50200),
        ({"width": True, "height": True}, 400, 50200),
        ({"seed": "7"}, 400, 50200),
        ({"use_pre_llm": "yes"}, 400, 50200),
    ],
)
def test_wrong_parameters_are_refused(simulator, caller, fields, status, code):
    """Nothing is accepted, and nothing billed."""
    reply = caller.call(SUBMIT, {"req_key": V30, "prompt": "猫", **fields})

    assert (reply.status, reply.code, reply.json["data"]) == (status, code, None)
    assert simulator.ledger()["rows"] == []


def encoded(mode: str, kind: str) -> str:
    out = io.BytesIO()
    Image.new(mode, (64, 48)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def test_official_client_is_understood():
    """The official package is let in, and its pictures too."""
    pictures = encoded("RGB", "JPEG"), encoded("L", "PNG")
    with Simulator(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, duration=0.0, plain=True
    ) as simulator:
        # Its service is one object per process and warns as it is imported.
        command = [sys.executable, "-W", "ignore", str(OFFICIAL_CLIENT)]
        arguments = [str(simulator.port), ACCESS_KEY, SECRET_KEY, *pictures]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, timeout=60
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
def test_wrong_parameters_of_other_models_are_refused(
    simulator, caller, req_key, fields
):
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
