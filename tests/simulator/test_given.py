"""Orders with pictures: what is refused, and what can be seen in what is drawn."""

import base64
import io
import json

import pytest
from PIL import Image

from jimeng.local.simulator import Simulator
from jimeng.local.simulator.inputs import InputPicture, Order
from tests.each import for_each
from tests.simulator.caller import (
    ACCESS_KEY,
    ARK_KEY,
    ARK_PATH,
    ARK_V40,
    SECRET_KEY,
    SUBMIT,
    V40,
    Caller,
)

I2I, INPAINT = "jimeng_i2i_v30", "jimeng_image2image_dream_inpaint"
OUTPAINT = "jimeng_img2img_seed3_painting_edit"
UPSCALE = "jimeng_i2i_seed3_tilesr_cvtob"
WORDS = {"prompt": "一只猫"}


def picture(size=(300, 200), colour: object = "red", mode="RGB", kind="JPEG") -> str:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


RED = picture()
MASK = picture(colour=255, mode="L", kind="PNG")


@for_each(
    ("body", "code", "words"),
    [
        ({"req_key": I2I, **WORDS}, 50200, "image_urls is required"),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": [RED, RED]},
            50200,
            "at most 1",
        ),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": [RED]}
            | {"image_urls": ["https://a/1"]},
            50200,
            "can not be used together",
        ),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": [picture((901, 300))]},
            50200,
            "aspect ratio",
        ),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": [picture((4100, 3000))]},
            50200,
            "4096 * 4096",
        ),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": ["bm90IGEgcGljdHVyZQ=="]},
            50215,
            "",
        ),
        ({"req_key": I2I, **WORDS, "binary_data_base64": ["%%%"]}, 50215, ""),
        (
            {"req_key": I2I, **WORDS, "binary_data_base64": [RED], "scale": 2},
            50200,
            "scale",
        ),
        ({"req_key": V40, **WORDS, "binary_data_base64": [RED]}, 50200, "base64"),
        (
            {"req_key": INPAINT, **WORDS, "binary_data_base64": [RED]},
            50200,
            "at least 2",
        ),
        (
            {"req_key": INPAINT, **WORDS, "binary_data_base64": [RED, RED]},
            50200,
            "single channel",
        ),
        (
            {"req_key": INPAINT, **WORDS}
            | {"binary_data_base64": [RED, picture((200, 300), 255, "L", "PNG")]},
            50200,
            "as large as",
        ),
        ({"req_key": INPAINT, "binary_data_base64": [RED, MASK]}, 50200, "prompt"),
        (
            {"req_key": OUTPAINT, "binary_data_base64": [RED], "left": 0.5},
            50200,
            "left",
        ),
        (
            {"req_key": UPSCALE, "binary_data_base64": [RED], "resolution": "2k"},
            50200,
            "resolution",
        ),
    ],
)
def test_wrong_pictures_are_refused(simulator, caller, body, code, words):
    """With the name of what is wrong, and nothing is entered."""
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
    """Bare base64 too; a link that gives nothing is named."""
    body = json.dumps({"model": ARK_V40, **WORDS, "image": [image]}).encode()
    key = {"Authorization": f"Bearer {ARK_KEY}", "Content-Type": "application/json"}

    reply = caller.send("POST", ARK_PATH, body, key)

    error = reply.json["error"]
    assert (reply.status, error["code"]) == (400, "InvalidParameter")
    assert error["param"] == "image"
    assert words in error["message"]
    assert simulator.ledger()["rows"] == []


def test_ledger_names_what_came_and_not_its_bytes(simulator, caller):
    """In its order, a mask last."""
    caller.call(
        SUBMIT, {"req_key": INPAINT, **WORDS, "binary_data_base64": [RED, MASK]}
    )

    (row,) = simulator.ledger()["rows"]
    assert [(each["mode"], each["width"]) for each in row["inputs"]] == [
        *(("RGB", 300), ("L", 300))
    ]
    assert "given" not in row
    assert not any("picture" in each for each in row["inputs"])


@pytest.fixture
def drawing():
    """A simulator that draws, and a client of it."""
    with Simulator(access_key=ACCESS_KEY, secret_key=SECRET_KEY, duration=0) as running:
        yield Caller(running.port), running


def drawn(drawing, **body) -> Image.Image:
    caller, _ = drawing
    task_id = caller.call(SUBMIT, body).json["data"]["task_id"]
    (url,) = caller.poll(task_id, req_key=body["req_key"]).json["data"]["image_urls"]
    return Image.open(io.BytesIO(caller.get(url).body)).convert("RGB")


def near(found: tuple, wanted: tuple) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(found, wanted, strict=True))


def test_only_what_is_masked_is_painted_anew(drawing):
    """The rest is the original; both pictures stand along the top, in order."""
    mask = Image.new("L", (900, 600), 0)
    mask.paste(255, (500, 300, 800, 550))
    out = io.BytesIO()
    mask.save(out, "PNG")
    code = base64.b64encode(out.getvalue()).decode()
    red = picture((900, 600))

    made = drawn(drawing, req_key=INPAINT, **WORDS, binary_data_base64=[red, code])

    assert made.size == (900, 600)
    assert near(made.getpixel((100, 500)), (254, 0, 0))
    assert not near(made.getpixel((650, 425)), (254, 0, 0))
    # The first numbered picture is red below its number, the mask black and white.
    assert near(made.getpixel((70, 80)), (254, 0, 0))
    assert near(made.getpixel((10 + 130 + 90, 95)), (255, 255, 255))


def test_enlarged_picture_has_the_length_of_its_word(drawing):
    """The longer side; the shorter keeps the shape."""
    made = drawn(drawing, req_key=UPSCALE, binary_data_base64=[picture((300, 200))])

    assert made.size == (4096, 2731)


def test_order_is_kept_as_it_came():
    """Through the file of the ledger and back."""
    order = Order(
        "references", (InputPicture("a", 1, 2, 3, "RGB", "x"),), None, 0.5, {}
    )

    assert Order.loads(order.dumps()) == order
    assert Order().dumps() == ""
