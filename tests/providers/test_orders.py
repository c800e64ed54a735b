"""What goes in with a submission, and the whole body that is sent."""

import base64
from dataclasses import replace

from replies import FOX, LINK, SWAN, assert_error, drawn, flat, http

from jimeng.providers import Expansion, ImageRequest, InputPicture
from tests.each import for_each

FIRST = InputPicture(b"\xff\xd8first", "image/jpeg", 800, 600, "https://here/in/1")
SECOND = InputPicture(b"\x89PNG2", "image/png", 500, 500, "https://here/in/2")
MASK = InputPicture(b"\x89PNGmask", "image/png", 800, 600)
WORDS = {"prompt": FOX.prompt}
SIZE = {"width": 1328, "height": 1024}


def b64(picture: InputPicture) -> str:
    return base64.b64encode(picture.data).decode()


V30, V40, V46 = "jimeng_t2i_v30", "jimeng_t2i_v40", "jimeng_seedream46_cvtob"
INPAINT = "jimeng_image2image_dream_inpaint"
OUTPAINT = "jimeng_img2img_seed3_painting_edit"
UPSCALE = "jimeng_i2i_seed3_tilesr_cvtob"
ONE = {"inputs": (FIRST,)}
SINGLE = {**WORDS, **SIZE, "force_single": True}
REWRITTEN = {**SINGLE, "seed": 7, "use_pre_llm": True}
WIDE, TALL = Expansion(left=0.3889, right=0.3889), Expansion(top=0.4)


def linked(*pictures: InputPicture) -> dict:
    return {"image_urls": [each.link for each in pictures]}


def coded(*pictures: InputPicture) -> dict:
    return {"binary_data_base64": [b64(each) for each in pictures]}


@for_each(
    ("req_key", "changes", "body"),
    [
        # Seeds and rewriting are the older models', and not of long prompts; one
        # picture is asked of all.
        (V30, {"prompt": "雪" * 120}, {**REWRITTEN, "prompt": "雪" * 120}),
        (
            V30,
            {"prompt": "雪" * 121},
            {**REWRITTEN, "prompt": "雪" * 121, "use_pre_llm": False},
        ),
        ("jimeng_t2i_v31", {}, REWRITTEN),
        (V40, {"seed": None}, SINGLE),
        (V46, {"seed": None}, SINGLE),
        # The float of 4.0 has two digits, and what is whole for 4.6 stays whole.
        (
            V40,
            {"inputs": (FIRST, SECOND), "strength": 0.333, "seed": None},
            {**SINGLE, "scale": 0.33, **linked(FIRST, SECOND)},
        ),
        (V40, {**ONE, "seed": None}, {**SINGLE, **linked(FIRST)}),
        (
            V46,
            {"inputs": (SECOND, FIRST), "strength": 0.5, "seed": None},
            {**SINGLE, "scale": 50, **linked(SECOND, FIRST)},
        ),
        (
            "jimeng_i2i_v30",
            {**ONE, "strength": 0.0},
            {**WORDS, **SIZE, "seed": 7, "scale": 0.0, **coded(FIRST)},
        ),
        (INPAINT, {**ONE, "mask": MASK}, {**WORDS, "seed": 7, **coded(FIRST, MASK)}),
        (
            INPAINT,
            {**ONE, "mask": MASK, "prompt": ""},
            {"prompt": "删除", "seed": 7, **coded(FIRST, MASK)},
        ),
        (
            OUTPAINT,
            {**ONE, "expand": WIDE},
            {**WORDS, "seed": 7, "left": 0.3889, "right": 0.3889, **coded(FIRST)},
        ),
        (
            OUTPAINT,
            {**ONE, "expand": TALL, "prompt": ""},
            {"seed": 7, "top": 0.4, **coded(FIRST)},
        ),
        (
            UPSCALE,
            {**ONE, "seed": None, "width": 4096, "height": 3072, "prompt": ""},
            {"resolution": "4k", **coded(FIRST)},
        ),
        (
            UPSCALE,
            {**ONE, "seed": None, "prompt": "", "strength": 0.5},
            {"resolution": "4k", "scale": 50, **coded(FIRST)},
        ),
    ],
)
def test_visual_is_sent_what_its_pages_say(provider, answering, req_key, changes, body):
    server = answering(http(200, flat(10000, {"task_id": "12"})))
    request = replace(FOX, **{"width": 1328, "height": 1024, **changes})

    provider(server).submit(replace(request, req_key=req_key))

    assert server.bodies == [{"req_key": req_key, **body}]


def test_ark_is_sent_data_urls_in_order(ark, answering):
    """What words call 图1 is the first; one picture stands in a list, too."""
    server = answering(http(200, drawn({"url": LINK})))
    key = "doubao-seedream-5-0-pro-260628"
    request = replace(SWAN, req_key=key, seed=None, inputs=(SECOND, FIRST))

    ark(server).submit(request)

    assert server.bodies == [
        {
            "model": key,
            "prompt": SWAN.prompt,
            "size": f"{SWAN.width}x{SWAN.height}",
            "response_format": "url",
            "watermark": False,
            "image": [
                f"data:image/png;base64,{b64(SECOND)}",
                f"data:image/jpeg;base64,{b64(FIRST)}",
            ],
        }
    ]


def test_body_that_is_too_large_was_refused(provider, ark, answering):
    """A proxy before the service says so in a page of its own: nothing was accepted."""
    server = answering(http(413, b"<html>413 Request Entity Too Large</html>"))
    order = replace(FOX, req_key="jimeng_i2i_v30", inputs=(FIRST,))

    assert_error(lambda: provider(server).submit(order), "input_refused")
    order = replace(SWAN, inputs=(FIRST,))
    assert_error(lambda: ark(server).submit(order), "input_refused")


def test_expansion_grows_each_side_by_its_shares():
    """A share is of the side that it lies along, and none of them is nothing."""
    assert WIDE.applied(1000, 1000) == (1778, 1000)
    assert Expansion(top=0.5, bottom=0.25).applied(640, 400) == (640, 700)
    assert (bool(WIDE), bool(Expansion())) == (True, False)


def test_pictures_have_time_to_be_sent():
    """
    As their bytes need in base64, which is made once, before anything is written of a
    submission; what travels as a link needs none. Neither shows in what is logged.
    """
    picture = InputPicture(bytes(3_000_000), "image/png", 8, 8)
    linked = replace(picture, data=b"secret", link="https://here/in/token")
    request = ImageRequest("key", "words", 8, 8, None)

    assert request.sending == 0
    assert replace(request, inputs=(picture,)).sending == 10 + 40
    assert replace(request, inputs=(picture,), mask=picture).sending == 10 + 80
    assert replace(request, inputs=(linked,)).sending == 0
    assert (linked.text, linked.text is linked.text) == ("c2VjcmV0", True)
    shown = repr(replace(request, inputs=(linked,), mask=linked))
    assert "secret" not in shown and "token" not in shown
