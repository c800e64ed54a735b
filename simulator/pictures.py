"""Pictures of finished tasks, and the expiring links to them."""

import base64
import hmac
import io
import json
import math
import re
import threading
from functools import lru_cache
from urllib.parse import parse_qs, quote

from PIL import Image

from simulator.drawing import draw
from simulator.drawing.edits import apply
from simulator.drawing.marks import mark_logo
from simulator.inputs import Order
from simulator.ledger import Row

IMAGE = "/image/tos-cn-i-simulator/{}-{}~tplv-simulator-image.image"
VIDEO = "/video/tos-cn-v-simulator/{}-{}.mp4"
PATH = re.compile(
    r"/(?:image|video)/tos-cn-[iv]-simulator/([\w-]+)-(\d+)"
    r"(?:~tplv-simulator-image\.image|\.mp4)"
)
LAST_FRAME = 1  # the index of a video's last frame, which is a picture


class Links:
    """Signed links, which stay valid when the simulator restarts."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"links of the simulator", "sha256")

    def make(self, row: Row, index: int, expires: float) -> str:
        """Path and query of a link that is valid until Unix time *expires*."""
        is_video = row.video and index != LAST_FRAME
        path = (VIDEO if is_video else IMAGE).format(row.task_id, index)
        signature = quote(self._signature(path, str(int(expires))), safe="")
        query = f"rk3s=00000000&x-expires={int(expires)}&x-signature={signature}"
        return f"{path}?{query}"

    def open(self, path: str, query: str, now: float) -> tuple[str, int] | None:
        """The task's id and the picture's index; None if invalid or expired."""
        values = {name: found[0] for name, found in parse_qs(query).items()}
        found, expires = PATH.fullmatch(path), values.get("x-expires", "")
        sent, good = values.get("x-signature", ""), self._signature(path, expires)
        if not (found and hmac.compare_digest(sent.encode(), good.encode())):
            return None
        # The signature is valid, so the fields are well-formed.
        return (found[1], int(found[2])) if now < int(expires) else None

    def _signature(self, path: str, expires: str) -> str:
        digest = hmac.digest(self._key, f"{path}\n{expires}".encode(), "sha256")
        return base64.b64encode(digest[:20]).decode()


CACHED = 4  # pictures, so that a repeated download does not draw again
LARGEST = 2048 * 2048  # pixels; a larger picture is drawn smaller and enlarged
# One drawing at a time: drawing is bound by the CPU.
_drawing = threading.Lock()


def picture_of(row: Row, index: int, *, plain: bool) -> bytes:
    """
    Draw and encode a picture of *row*.

    Args:
        index: Its index among the pictures of the task.
        plain: Use a single colour.
    """
    wanted = ("", 0) if plain else (row.prompt, row.seed + index)
    size = (row.width, row.height)
    with _drawing:
        return encoded(*wanted, size, row.picture, row.mark, row.given, plain)


@lru_cache(maxsize=CACHED)
def encoded(
    prompt: str,
    seed: int,
    size: tuple[int, int],
    kind: str,
    mark: str,
    inputs: str,
    plain: bool,
) -> bytes:
    if plain:
        picture = Image.new("RGB", size, "#6d83a8")
    else:
        scale = min(1.0, math.sqrt(LARGEST / (size[0] * size[1])))
        picture = draw(prompt, seed, round(size[0] * scale), round(size[1] * scale))
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if inputs:
            picture = apply(picture, Order.loads(inputs), prompt)
    if mark:
        mark_logo(picture, json.loads(mark))
    out = io.BytesIO()
    # Level 1: the grain of the pictures does not compress better at higher levels.
    picture.save(out, kind, quality=90, compress_level=1)
    return out.getvalue()
