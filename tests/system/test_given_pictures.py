"""Pictures go in, through all of the product, to the simulator and back."""

import io
import json
import os
import socket
import time
from pathlib import Path

import pytest
import requests
from PIL import Image as Pillow

from tests import given_pictures as given
from tests.inputs.test_going_in import data_url
from tests.waiting import wait_for

pytestmark = pytest.mark.system

USER = {"user_id": "user_pictures"}
MB = 2**20
LINE = 12_000_000 // 8  # bytes a second


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


def test_picture_becomes_another_and_knows_it(live_server):
    """A drawn one goes in by its link, and both say so."""
    first = ended(ask(live_server, prompt="一只猫"))
    (picture,) = first["result"]["images"]

    again = ended(
        ask(
            live_server,
            model="jimeng-i2i-3.0",
            prompt="变成冬天",
            images=[picture["url"]],
        )
    )

    assert again["status"] == "completed", again
    assert again["made_from"][0]["picture"] == f"{first['id']}_0"
    link = f"{live_server.url}/api/v1/tasks/{first['id']}"
    (known,) = requests.get(link, timeout=60).json()["data"]["result"]["images"]
    assert known["made_into"] == [again["id"]]


def noisy(size: int) -> bytes:
    """A JPEG of about so many bytes."""
    side = int((size / 1.35) ** 0.5)
    image = Pillow.effect_noise((side, side), 120).convert("RGB")
    return given.encoded(image, "JPEG", quality=97, subsampling=0)


def test_body_of_12_megabytes_on_a_slow_line_is_taken(live_server):
    """At 12 Mbit/s, in its own time; others are served meanwhile."""
    url = data_url(noisy(9_500_000))
    body = json.dumps(
        {**USER, "model": "jimeng-i2i-3.0", "prompt": "x", "images": [url]}
    ).encode()
    assert 11_000_000 < len(body) < 16_000_000
    head = (
        "POST /api/v1/ai/image/task HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{live_server.port}\r\n"
        "Content-Type: application/json\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", live_server.port)) as link:
        link.sendall(head.encode())
        for at in range(0, len(body), LINE // 4):
            link.sendall(body[at : at + LINE // 4])
            time.sleep(max(began + (at + LINE // 4) / LINE - time.monotonic(), 0))
            requests.get(f"{live_server.url}/health", timeout=60)
        answer = b"".join(iter(lambda: link.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 202 "), answer[:300]
    assert time.monotonic() - began > len(body) / LINE
    made = json.loads(answer.partition(b"\r\n\r\n")[2])["data"]
    found = ended(made["links"]["self"])
    assert found["status"] == "completed", found


def memory(server) -> int:
    """Bytes of all processes of the web server together."""
    total, group = 0, os.getpgid(server.web.pid)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("ascii").rpartition(")")[2].split()
            if int(stat[2]) == group:
                total += int((folder / "statm").read_text("ascii").split()[1]) * 4096
        except (OSError, ValueError):
            continue
    return total


def test_hostile_pictures_leave_the_server_as_it_was(live_server):
    """Each is refused with words, twenty times; memory stays flat."""
    contents = {name: make() for name, make in given.HOSTILE.items()}
    contents["40 MB"] = bytes(40 * MB)
    where = f"{live_server.url}/api/v1/uploads"
    upload(live_server, given.photo())

    def send_all(rounds: int) -> None:
        for number in range(rounds):
            for name, content in contents.items():
                data = {"user_id": f"user_hostile_{name}_{number}".replace(" ", "_")}
                try:
                    answer = requests.post(
                        where, data=data, files={"file": content}, timeout=30
                    )
                except requests.ConnectionError:
                    assert name == "40 MB"  # which is answered before it is read
                    continue
                assert answer.status_code == (413 if name == "40 MB" else 422), name
                assert answer.json()["message"]

    send_all(2)
    before = memory(live_server)
    send_all(10)

    assert memory(live_server) - before < 30 * MB
