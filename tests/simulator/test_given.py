"""Orders with pictures: what is refused, and what can be seen in what is drawn."""

import base64
import io

from PIL import Image

from jimeng.local.simulator import Simulator
from jimeng.local.simulator.inputs import InputPicture, Order
from tests.each import for_each
from tests.given_pictures import encoded
from tests.simulator.caller import KEYS, SUBMIT, V40, Caller

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


def test_ledger_names_what_came_and_not_its_bytes(simulator, caller):
    caller.call(SUBMIT, order(INPAINT, RED, MASK))

    (row,) = simulator.ledger()["rows"]
    assert [(each["mode"], each["width"]) for each in row["inputs"]] == [
        *(("RGB", 300), ("L", 300))
    ]
    assert "given" not in row
    assert not any("picture" in each for each in row["inputs"])


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


def test_order_is_kept_as_it_came():
    picture = InputPicture("a", 1, 2, 3, "RGB", "x")
    order = Order("references", (picture,), None, 0.5, {})

    assert Order.loads(order.dumps()) == order
    assert Order().dumps() == ""
