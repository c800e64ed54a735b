"""Visual and Ark: who is let in, what each model takes, and what comes back."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import threading
from pathlib import Path

from PIL import Image

from simulator import Simulator
from tests.each import for_each
from tests.given_pictures import encoded
from tests.simulator.caller import (
    ACCESS_KEY,
    ARK_KEY,
    ARK_V30,
    ARK_V40,
    KEYS,
    PATIENCE,
    SECRET_KEY,
    SUBMIT,
    V21,
    V30,
    V40,
    Caller,
)
from tests.waiting import PATIENCE_S, wait_for

I2I, INPAINT = "jimeng_i2i_v30", "jimeng_image2image_dream_inpaint"
OUTPAINT = "jimeng_img2img_seed3_painting_edit"
UPSCALE = "jimeng_i2i_seed3_tilesr_cvtob"
WORDS = {"prompt": "一只猫"}


def picture(size=(300, 200), colour: object = "red", mode="RGB", kind="JPEG") -> str:
    drawn = encoded(Image.new(mode, size, colour), kind)
    return base64.b64encode(drawn).decode()


RED = picture()
MASK = picture(colour=255, mode="L", kind="PNG")


def order(req_key: str, *pictures: str, **more: object) -> dict:
    return {"req_key": req_key, **WORDS, "binary_data_base64": list(pictures), **more}


@for_each(
    ("body", "code", "words"),
    [
        ({"req_key": I2I, **WORDS}, 50200, "image_urls is required"),
        (order(I2I, RED, RED), 50200, "at most 1"),
        (
            order(I2I, RED, image_urls=["https://a/1"]),
            50200,
            "can not be used together",
        ),
        (order(I2I, picture((901, 300))), 50200, "aspect ratio"),
        (order(I2I, picture((4100, 3000))), 50200, "4096 * 4096"),
        (order(I2I, "bm90IGEgcGljdHVyZQ=="), 50215, ""),
        (order(I2I, "%%%"), 50215, ""),
        (order(I2I, RED, scale=2), 50200, "scale"),
        (order(V40, RED), 50200, "base64"),
        (order(INPAINT, RED), 50200, "at least 2"),
        (order(INPAINT, RED, RED), 50200, "single channel"),
        (
            order(INPAINT, RED, picture((200, 300), 255, "L", "PNG")),
            50200,
            "as large as",
        ),
        (order(INPAINT, RED, MASK, prompt=None), 50200, "prompt"),
        (order(OUTPAINT, RED, left=0.5), 50200, "left"),
        (order(UPSCALE, RED, resolution="2k"), 50200, "resolution"),
    ],
)
def test_wrong_pictures_are_refused(simulator, caller, body, code, words):
    reply = caller.call(SUBMIT, body)

    assert (reply.status, reply.code) == (400, code)
    assert words in reply.json["message"]
    assert simulator.ledger()["rows"] == []


@for_each(
    ("image", "words"),
    [
        ("data:image/jpeg;base64," + picture((14, 14)), "image"),
        ("data:image/jpeg;base64," + picture((400, 24)), "image"),
        ("data:image/jpeg;base64,AAAA", "image"),
        ("http://127.0.0.1:1/x.png", "Timeout while downloading url=http://127.0"),
        (RED, "image"),
    ],
)
def test_ark_refuses_wrong_pictures(simulator, caller, image, words):
    reply = caller.ark(**WORDS, image=[image])

    error = reply.json["error"]
    assert (reply.status, error["code"]) == (400, "InvalidParameter")
    assert error["param"] == "image"
    assert words in error["message"]
    assert simulator.ledger()["rows"] == []


def near(found: tuple, wanted: tuple) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(found, wanted, strict=True))


def test_only_what_is_masked_is_painted_anew():
    """The rest is the original; both pictures stand along the top, in order."""
    mask = Image.new("L", (900, 600), 0)
    mask.paste(255, (500, 300, 800, 550))
    code = base64.b64encode(encoded(mask, "PNG")).decode()
    red = picture((900, 600))

    with Simulator(**KEYS, duration=0) as simulator:
        caller = Caller(simulator.port)
        made = caller.call(SUBMIT, order(INPAINT, red, code, seed=1))
        task_id = made.json["data"]["task_id"]
        (url,) = caller.poll(task_id, req_key=INPAINT).json["data"]["image_urls"]
        made = Image.open(io.BytesIO(caller.get(url).body)).convert("RGB")

    assert made.size == (900, 600)
    assert near(made.getpixel((100, 500)), (254, 0, 0))
    assert not near(made.getpixel((650, 425)), (254, 0, 0))
    # The first numbered picture is red below its number, the mask black and white.
    assert near(made.getpixel((70, 80)), (254, 0, 0))
    assert near(made.getpixel((10 + 130 + 90, 95)), (255, 255, 255))


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


@for_each(("token", "code"), [("sts", 10000), ("", 100026)])
def test_session_token_is_required_when_configured(token, code):
    with Simulator(**KEYS, session_token="sts") as simulator:
        assert Caller(simulator.port, token=token).submit().code == code


def said_by(client: str, *arguments: str) -> str:
    """What one of the official packages says, in a process of its own: they warn."""
    path = str(Path(__file__).parent / client)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", path, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return done.stdout or done.stderr


def test_official_clients_are_understood():
    pictures = picture(), picture(mode="L", colour=0, kind="PNG")
    with Simulator(**KEYS, duration=0.0, plain=True) as simulator:
        port = str(simulator.port)
        keys = ACCESS_KEY, SECRET_KEY
        assert "done" in said_by("official_client.py", port, *keys, *pictures)
        told = said_by("official_ark_client.py", port, ARK_KEY)
        rows = simulator.ledger()["rows"]

    drawn, video = "1024x1024 1 http /9j/", "succeeded 87300 10"
    assert told == f"{drawn} {video} ArkRateLimitError"
    came = [[each["mode"] for each in row["inputs"]] for row in rows[:2]]
    assert came == [[], ["RGB", "L"]]
    assert [len(each["inputs"]) for each in rows[2:]] == [1, 0, 0]


V31 = "jimeng_t2i_v31"
V46 = "jimeng_seedream46_cvtob"
DONE = "[[slow 0]] 猫"
URLS = ["http://a/1.png"]


def test_unknown_action_is_refused(caller):
    reply = caller.call("CVDoNothing", {})

    error = reply.json["ResponseMetadata"]["Error"]
    assert (reply.status, error["CodeN"]) == (404, 100008)
    assert "CVDoNothing for version 2022-08-31" in error["Message"]


def test_poll_refuses_a_meta_without_producer(caller):
    """It stands in the text of req_json there."""
    wishes = {"return_url": True, "aigc_meta": {"propagate_id": "1"}}
    task_id = caller.accepted(DONE)

    assert caller.poll(task_id, req_json=json.dumps(wishes)).code == 50200


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


V45 = "doubao-seedream-4-5-251128"
V50_LITE = "doubao-seedream-5-0-260128"
V50_PRO = "doubao-seedream-5-0-pro-260628"
V50_FLASH = "doubao-seedream-5-0-flash-260915"
AUTO = {"sequential_image_generation": "auto"}


def test_wrong_key_is_refused(simulator, caller):
    """Nothing is entered, whatever was asked for; an empty key of its own is no key."""
    with Simulator(access_key=ACCESS_KEY, secret_key=SECRET_KEY) as keyless:
        there = Caller(keyless.port)
        replies = [there.ark(key=""), there.ark(), caller.ark(key="wrong")]
    replies.append(caller.ark(key=""))

    codes = {(each.status, each.json["error"]["code"]) for each in replies}
    assert codes == {(401, "AuthenticationError")}
    assert simulator.ledger()["rows"] == []


@for_each("model", [ARK_V30, "doubao-seededit-3-0-i2i-250628", "ep-1"])
def test_retired_and_unknown_models_are_not_found(caller, model):
    """The 3.0 family was shut down; that is said before anything else is."""
    replies = [caller.ark(model=model), caller.ark(None, model=model)]

    codes = {reply.json["error"]["code"] for reply in replies}
    assert codes == {"InvalidEndpointOrModel.NotFound"}
    assert [reply.status for reply in replies] == [404, 404]


@for_each(
    ("model", "fields", "param"),
    [
        (ARK_V40, {"seed": 7}, "seed"),
        (V45, {"guidance_scale": 2.5}, "guidance_scale"),
        (V50_PRO, AUTO, "sequential_image_generation"),
        (V50_FLASH, {"stream": True}, "stream"),
        (ARK_V40, {"output_format": "png"}, "output_format"),
        (V50_PRO, {"tools": [{"type": "web_search"}]}, "tools"),
        (V50_LITE, {"layer_decomposition": True}, "layer_decomposition"),
        (ARK_V40, {"watermark": "no"}, "watermark"),
        (ARK_V40, {"response_format": "base64"}, "response_format"),
        (
            ARK_V40,
            {**AUTO, "sequential_image_generation_options": {"max_images": 16}},
            "sequential_image_generation_options",
        ),
        (
            V45,
            {"optimize_prompt_options": {"mode": "fast"}},
            "optimize_prompt_options.mode",
        ),
        (ARK_V40, {"image": ["http://a/1.png"] * 15}, "image"),
        (ARK_V40, {"image": "1.png"}, "image"),
        (V50_PRO, {"image": ["http://a/1.png"] * 11}, "image"),
    ],
)
def test_parameters_that_a_model_does_not_take_are_refused(
    simulator, caller, model, fields, param
):
    reply = caller.ark(model=model, **{"size": "2K", **fields})

    error = reply.json["error"]
    assert (reply.status, error["code"]) == (400, "InvalidParameter")
    assert error["param"] == param
    assert f"`{param}`" in error["message"]
    assert simulator.ledger()["rows"] == []


@for_each(
    ("model", "size", "drawn"),
    [
        (ARK_V40, "1K", "1024x1024"),
        (ARK_V40, "2k", "2048x2048"),
        (ARK_V40, "1280x720", "1280x720"),
        (ARK_V40, None, "2048x2048"),
        (ARK_V40, "959x960", None),
        (ARK_V40, "4096x4097", None),
        (ARK_V40, "16400x1024", None),
        (ARK_V40, "3K", None),
        (ARK_V40, "1024*1024", None),
        (V45, "1024x1024", None),
        (V45, "1K", None),
        (V45, "2560x1440", "2560x1440"),
        (V50_LITE, "3K", "3072x3072"),
        (V50_PRO, "1.5K", "1536x1536"),
        (V50_PRO, "2560x1920", None),
        (V50_FLASH, "4K", None),
    ],
)
def test_sizes_depend_on_the_model(caller, model, size, drawn):
    reply = caller.ark(model=model, size=size)

    if drawn is None:
        assert reply.json["error"]["param"] == "size"
    else:
        assert reply.json["data"][0]["size"] == drawn


def test_group_is_billed_by_the_picture(simulator, caller):
    """As many as the model likes and were not refused, at most what was allowed."""
    options = {"sequential_image_generation_options": {"max_images": 3}}
    replies = [caller.ark(), caller.ark(**AUTO), caller.ark(**AUTO, **options)]

    counts = [len(reply.json["data"]) for reply in replies]
    assert counts == [1, 4, 3]
    assert replies[2].json["usage"] == {
        "generated_images": 3,
        "output_tokens": 3 * 4096,
        "total_tokens": 3 * 4096,
    }
    assert simulator.ledger()["billed"] == 8
    caller.ark(f"{DONE} [[partial]]", **AUTO)
    caller.ark(f"{DONE} [[partial]]")
    assert [row["images"] for row in simulator.ledger()["rows"]] == [1, 4, 3, 3, 0]
    assert simulator.ledger()["billed"] == 11


def test_calls_under_way_are_limited(simulator, caller):
    """Stopping does not wait for them, however long they take."""
    caller.control("settings", {"ark_limit": 1})
    waiting = threading.Thread(target=caller.ark, args=("[[slow 120]]",))
    waiting.start()
    wait_for(lambda: simulator.ledger()["rows"], PATIENCE)

    reply = caller.ark()
    simulator.stop()
    waiting.join()

    assert reply.json["error"]["code"] == "InflightBatchsizeExceeded"
