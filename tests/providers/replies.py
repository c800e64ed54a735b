"""What Ark and Visual say, in small, and what is asked of them."""

import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from jimeng.errors import ProviderError
from jimeng.providers import (
    MODELS,
    ImageRequest,
    InputPicture,
    Model,
    VideoParameters,
)
from jimeng.providers.models.video_validation import resolve_video


def http(status: int, body: bytes, *headers: str) -> bytes:
    """Put an answer together."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def reset(connection: socket.socket) -> None:
    """Close so that the other side sees a reset and not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# Nobody can tell what such an answer of success means.
UNREADABLE = [b"<html></html>", b"", b"[]", b"{}", b"[" * 200_000, b"\xff\xfe\xfd"]
API_KEY = "ark-EXAMPLE-1234567890"
SWAN = ImageRequest(
    req_key="doubao-seedream-4-0-250828",
    prompt="湖上的天鹅",
    width=2048,
    height=1152,
    seed=None,
)
LINK = "https://ark.example/picture_0.jpeg?X-Tos-Expires=86400&X-Tos-Signature=0"

# The retired model with seeds, as an operator's file adds it.
SEEDED = replace(
    next(model for model in MODELS if model.provider == "volcengine_ark"),
    id="doubao-seedream-3.0-t2i",
    req_key="doubao-seedream-3-0-t2i-250415",
    aliases=(),
    takes_seed=True,
    draws_groups=False,
    extra={"guidance_scale": 2.5},
)


def drawn(*pictures, billed=1):
    """An answer of success; each picture a dict."""
    told = {
        "model": SWAN.req_key,
        "created": 1735787045,
        "data": list(pictures),
        "usage": {"generated_images": billed, "output_tokens": 9216},
    }
    return json.dumps(told).encode()


def failed(code, message="words. Request id: 0217example", param=""):
    """An answer of failure."""
    error = {"code": code, "message": message, "param": param, "type": "Kind"}
    return json.dumps({"error": error}).encode()


ACCESS_KEY, SECRET_KEY = "AKEXAMPLE12345", "SECRETEXAMPLE12345"
FOX = ImageRequest(
    req_key="jimeng_t2i_v30", prompt="雪地里的狐狸", width=1328, height=1024, seed=7
)


def flat(code, data=None, message="words"):
    """An answer of the service."""
    told = {"code": code, "data": data, "message": message, "request_id": "R1"}
    return json.dumps(told).encode()


def gateway(number, name="Name", message="words"):
    """An answer of the gateway before the service."""
    error = {"CodeN": number, "Code": name, "Message": message}
    return json.dumps(
        {"ResponseMetadata": {"RequestId": "R2", "Error": error}}
    ).encode()


def state(status, **data):
    data = {"binary_data_base64": None, "image_urls": None, **data}
    return flat(10000, {"status": status, **data})


def error_of(call) -> ProviderError:
    """What *call* raises."""
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def assert_error(call, code, **expected):
    """Compare what *call* raises; what *expected* leaves out is off, and free."""
    known = {
        **{"transient": False, "maybe_accepted": False, "new_seed": False},
        **{"charged": "no", **expected},
    }
    error = error_of(call)
    assert error.code == code
    assert {name: getattr(error, name) for name in known} == known


def assert_unknown(call):
    """It may have been accepted, so it is never sent again."""
    assert_error(call, "submit_unknown", maybe_accepted=True, charged="unknown")


ROLES = {
    "text-to-video": (),
    "first-frame": ("first_frame",),
    "first-and-last-frame": ("first_frame", "last_frame"),
    "references": ("reference", "reference"),
    "camera": ("first_frame",),
}
PICTURES = (
    InputPicture(b"first", "image/jpeg", 800, 800),
    InputPicture(b"second", "image/png", 800, 800),
)


def video_request(
    model: Model,
    mode: str = "text-to-video",
    *,
    prompt: str = "海浪",
    seed: int | None = None,
    tag: str = "",
    pictures: Sequence[InputPicture] = PICTURES,
    **asked: object,
) -> ImageRequest:
    """
    Args:
        mode: Decides how many of *pictures* are sent, and their roles.
        asked: Fields of `VideoParameters`.
    """
    roles = ROLES[mode]
    if mode == "camera":
        asked.setdefault("camera", model.video.cameras[-1])
    sent = tuple(pictures[: len(roles)])
    sizes = [(each.width, each.height) for each in sent]
    video = resolve_video(
        model, VideoParameters(roles=roles, **asked), prompt=prompt, pictures=len(sizes)
    )
    width, height = model.video.size_of(video, sizes[0] if sizes else None)
    return ImageRequest(
        req_key=model.video.req_keys.get(mode, model.req_key),
        prompt=prompt,
        width=width,
        height=height,
        seed=seed,
        inputs=sent,
        video=video,
        tag=tag,
    )
