"""Pictures go in, through all of the product, to the simulator and back."""

import io

import pytest
import requests
from PIL import Image as Pillow

from tests import given_pictures as given
from tests.waiting import wait_for

pytestmark = pytest.mark.system

USER = {"user_id": "user_pictures"}


def upload(server, content: bytes) -> str:
    answer = requests.post(
        f"{server.url}/api/v1/uploads", data=USER, files={"file": content}, timeout=60
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]["id"]


def ask(server, **fields: object) -> str:
    body = {**USER, **fields}
    where = f"{server.url}/api/v1/ai/image/task"
    answer = requests.post(where, json=body, timeout=60)
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]["links"]["self"]


def ended(link: str) -> dict:
    def look() -> dict | None:
        found = requests.get(link, timeout=60).json()["data"]
        is_open = found["status"] in {"pending", "processing"}
        return None if is_open else found

    return wait_for(look, what="the task has ended")


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "jimeng-i2i-3.0", "prompt": "变成冬天", "strength": 0.6},
        {"model": "jimeng-inpaint", "prompt": "一个红气球", "mask": True},
        {"model": "jimeng-inpaint", "mask": True},
        {"model": "jimeng-outpaint", "expand": {"left": 0.25, "right": 0.25}},
        {"model": "jimeng-upscale"},
    ],
    ids=["i2i", "inpaint", "erase", "outpaint", "upscale"],
)
def test_each_model_draws_from_a_picture(live_server, fields):
    """Fitted as its provider takes it, and the answer is as large as was said."""
    photo = upload(live_server, given.photo(6))
    if fields.get("mask"):
        mask = given.clear(400, 300)
        fields = {**fields, "mask": upload(live_server, mask)}

    found = ended(ask(live_server, images=[photo], **fields))

    assert found["status"] == "completed", found
    (picture,) = found["result"]["images"]
    content = requests.get(picture["url"], timeout=30).content
    image = Pillow.open(io.BytesIO(content))
    assert image.size == (picture["width"], picture["height"])
    if fields["model"] != "jimeng-i2i-3.0":
        assert image.size == (found["width"], found["height"])
    assert [each["upload"] for each in found["made_from"]][0] == photo
