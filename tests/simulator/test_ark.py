"""Ark: who is let in, what each model takes, what it draws, and what that costs."""

import io
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from jimeng.local.simulator import Simulator
from tests.each import for_each
from tests.simulator.caller import (
    ACCESS_KEY,
    ARK_KEY,
    ARK_V30,
    ARK_V40,
    KEYS,
    PATIENCE,
    SECRET_KEY,
    Caller,
)
from tests.waiting import PATIENCE_S, wait_for

OFFICIAL_CLIENT = Path(__file__).parent / "official_ark_client.py"
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


def test_official_client_is_understood():
    with Simulator(**KEYS, duration=0.0, plain=True) as simulator:
        command = [sys.executable, "-W", "ignore", str(OFFICIAL_CLIENT)]
        done = subprocess.run(
            [*command, str(simulator.port), ARK_KEY],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        came = [len(each["inputs"]) for each in simulator.ledger()["rows"]]

    pictures, video = "1024x1024 1 http /9j/", "succeeded 87300 10"
    assert done.stdout == f"{pictures} {video} ArkRateLimitError", done.stderr
    assert came == [1, 0, 0]


DONE = "[[slow 0]] 猫"


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture


@for_each(
    ("model", "fields", "kind"),
    [
        (ARK_V40, {}, "JPEG"),
        (V50_PRO, {}, "JPEG"),
        (V50_PRO, {"output_format": "png"}, "PNG"),
    ],
)
def test_link_leads_to_the_picture(clock, caller, model, fields, kind):
    reply = caller.ark(model=model, **fields)
    url = reply.json["data"][0]["url"]
    expires = parse_qs(urlsplit(url).query)["x-expires"][0]

    picture = opened(caller.get(url).body)
    assert (picture.format, picture.size) == (kind, (1024, 1024))
    assert int(expires) == clock.now + 86400
    assert caller.get(url.replace(expires, f"9{expires}")).status == 403
    clock.now += 86400
    assert caller.get(url).status == 403


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


def test_pictures_a_minute_are_limited(clock, caller):
    caller.control("settings", {"ark_per_minute": 2})
    codes = [caller.ark().status for _ in range(3)]
    reply = caller.ark()
    other = caller.ark(model=V45, size="2K").status
    clock.now += 60

    assert codes == [200, 200, 429]
    assert reply.json["error"]["code"] == "ModelAccountIpmRateLimitExceeded"
    assert (other, caller.ark().status) == (200, 200)


def test_calls_under_way_are_limited(simulator, caller):
    caller.control("settings", {"ark_limit": 1})
    waiting = threading.Thread(target=caller.ark, args=("[[slow 60]]",))
    waiting.start()
    wait_for(lambda: simulator.ledger()["rows"], PATIENCE)

    reply = caller.ark()
    simulator.stop()
    waiting.join()

    assert reply.json["error"]["code"] == "InflightBatchsizeExceeded"
