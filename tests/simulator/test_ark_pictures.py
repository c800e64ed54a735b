"""What Ark draws: links, bytes, marks and groups, and what they cost."""

import io
import threading
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from tests.each import for_each
from tests.simulator.caller import ARK_V40, PATIENCE
from tests.waiting import wait_for

V45 = "doubao-seedream-4-5-251128"
V50_PRO = "doubao-seedream-5-0-pro-260628"
DONE = "[[slow 0]] 猫"
AUTO = {"sequential_image_generation": "auto"}


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
    """For a day, in the format asked for, and signed."""
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
    """As many as the model likes, at most what was allowed; tokens by the area."""
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


def test_inputs_leave_less_room_for_a_group(caller):
    """Fifteen together."""
    reply = caller.ark(image=["http://a/1.png"] * 13, **AUTO)

    assert len(reply.json["data"]) == 2


def test_refused_picture_of_a_group_is_not_billed(simulator, caller):
    """The others come, and are."""
    caller.ark(f"{DONE} [[partial]]", **AUTO)
    caller.ark(f"{DONE} [[partial]]")

    assert [row["images"] for row in simulator.ledger()["rows"]] == [3, 0]
    assert simulator.ledger()["billed"] == 3


def test_refused_output_is_entered_and_not_billed(simulator, caller):
    """It had to be drawn to be refused."""
    caller.ark(f"{DONE} [[OutputImageSensitiveContentDetected.DeepFake]]")

    (row,) = simulator.ledger()["rows"]
    assert row["outcome"] == "OutputImageSensitiveContentDetected.DeepFake"
    assert simulator.ledger()["billed"] == 0


def test_pictures_a_minute_are_limited(clock, caller):
    """Of one model; a minute later there is room again."""
    caller.control("settings", {"ark_per_minute": 2})
    codes = [caller.ark().status for _ in range(3)]
    reply = caller.ark()
    other = caller.ark(model=V45, size="2K").status
    clock.now += 60

    assert codes == [200, 200, 429]
    assert reply.json["error"]["code"] == "ModelAccountIpmRateLimitExceeded"
    assert (other, caller.ark().status) == (200, 200)


def test_calls_under_way_are_limited(simulator, caller):
    """Beyond the limit the account is told so, and not billed."""
    caller.control("settings", {"ark_limit": 1})
    waiting = threading.Thread(target=caller.ark, args=("[[slow 60]]",))
    waiting.start()
    wait_for(lambda: simulator.ledger()["rows"], PATIENCE)

    reply = caller.ark()
    simulator.stop()
    waiting.join()

    assert reply.json["error"]["code"] == "InflightBatchsizeExceeded"
