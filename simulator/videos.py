"""Videos of finished tasks: what was ordered, and the files behind their links."""

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from simulator.ledger import Row
from simulator.video_clip import FPS, Clip
from simulator.visual_responses import Answer

CACHED = 32  # videos
MAX_ENCODING_S = 300.0
START = (
    "import sys; sys.path[:] = sys.argv[1:];"
    " from simulator.video_encoder import main; main()"
)
BOX = 8  # bytes of the head of a box in an MP4 file
HUGE_BYTES = 2 * 1024**3
BOMB_SIDE = 4608  # pixels; a frame has more of them than any model makes
TEXT = b"This is a text file, whatever its name says.\n" * 40
RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class VideoOrder:
    """
    What a video is to be; in a `Row` as JSON.

    Attributes:
        resolution: Such as ``720p``.
        ratio: Such as ``16:9``.
        frames: Their number.
        audio: Whether it has sound.
        roles: The role of each input picture, in order.
        tokens: The tokens billed on Ark.
        tag: The ``safety_identifier`` as sent.
        expires_after: Seconds from acceptance until it is given up.
        asked: The body as sent, without ``content``.
    """

    resolution: str
    ratio: str
    frames: int
    audio: bool
    roles: tuple[str, ...] = ()
    tokens: int = 0
    tag: str = ""
    expires_after: int = 0
    asked: Mapping[str, object] = field(default_factory=dict)

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "VideoOrder":
        found = json.loads(text)
        return cls(**{**found, "roles": tuple(found["roles"])})

    @property
    def seconds(self) -> int:
        return (self.frames - 1) // FPS


class Encoder:
    """Encodes one video at a time, each in a process, and remembers the latest."""

    def __init__(self) -> None:
        self._encoding, self._guard = threading.Lock(), threading.Lock()
        self._known: OrderedDict[str, bytes] = OrderedDict()

    def file_of(self, clip: Clip) -> bytes:
        """
        Raises:
            subprocess.SubprocessError: the process failed.
        """
        text = clip.dumps()
        if found := self._find(text):
            return found
        with self._encoding:
            return self._find(text) or self._encode(text)

    def _find(self, text: str) -> bytes | None:
        with self._guard:
            if text in self._known:
                self._known.move_to_end(text)
            return self._known.get(text)

    def _encode(self, text: str) -> bytes:
        done = subprocess.run(  # noqa: S603 - the command is ours
            [sys.executable, "-c", START, *sys.path],
            input=text.encode(),
            stdout=subprocess.PIPE,
            timeout=MAX_ENCODING_S,
            check=True,
        )
        with self._guard:
            self._known[text] = done.stdout
            if len(self._known) > CACHED:
                self._known.popitem(last=False)
        return done.stdout


encoder = Encoder()


def clip_of(row: Row, *, plain: bool) -> Clip:
    order = VideoOrder.loads(row.video)
    return Clip(
        prompt="" if plain else row.prompt,
        seed=0 if plain else row.seed,
        width=row.width,
        height=row.height,
        frames=order.frames,
        inputs="" if plain else row.given,
        roles=() if plain else order.roles,
        plain=plain,
        tracks="video audio" if order.audio else "video",
    )


def still_of(row: Row, *, plain: bool) -> Answer:
    """The last frame as a picture."""
    clip = replace(clip_of(row, plain=plain), still=True, tracks="video")
    return Answer(200, encoder.file_of(clip), "image/png")


def file_of(row: Row, *, plain: bool, kind: str, size: int) -> Answer:
    """
    The whole file behind the link of a video.

    Args:
        plain: Use a single colour.
        kind: The fault to inject into the content, or ``""``.
        size: Pad the video to that many bytes.
    """
    if kind == "not_a_video":
        return tagged(TEXT, kind)
    clip = clip_of(row, plain=plain)
    changes: dict[str, dict[str, Any]] = {
        "changed": {"seed": clip.seed + 1},
        "silent": {"tracks": "video"},
        "audio_only": {"tracks": "audio"},
        "wrong_length": {"frames": clip.frames // 2},
        "wrong_resolution": {
            "width": clip.width // 4 * 2,
            "height": clip.height // 4 * 2,
        },
        "bomb": {"width": BOMB_SIDE, "height": BOMB_SIDE, "frames": 1, "plain": True},
    }
    clip = replace(clip, **changes.get(kind, {}))
    data = encoder.file_of(clip)
    if kind == "truncated_video":
        data = data[: len(data) // 2]
    zeros = (HUGE_BYTES if kind == "huge" else size) - len(data) - BOX
    if zeros < 0:
        return tagged(data, clip.dumps())
    # A box of this type is skipped by players.
    head = (BOX + zeros).to_bytes(4, "big") + b"free"
    return tagged(data + head, clip.dumps(), zeros)


def tagged(data: bytes, name: str, zeros: int = 0) -> Answer:
    """The file of that *name*, with an ETag."""
    tag = hashlib.sha256(f"{name} {len(data)} {zeros}".encode()).hexdigest()[:32]
    return Answer(200, data, "video/mp4", (("ETag", f'"{tag}"'),), zeros=zeros)


def ranged(whole: Answer, headers: Mapping[str, str], kind: str) -> Answer:
    """
    The requested range of *whole*, or all of it.

    Args:
        headers: Of the request: lower-case name -> value.
        kind: The fault to inject, or ``""``.
    """
    ((_, tag),) = whole.headers
    named = () if kind == "no_etag" else whole.headers
    if kind == "no_range":
        return replace(whole, headers=named)
    named = (*named, ("Accept-Ranges", "bytes"))
    found = RANGE.fullmatch(headers.get("range", ""))
    is_same = headers.get("if-range", tag) == tag
    if not found or not any(found.groups()) or not is_same:
        return replace(whole, headers=named)
    total = whole.length
    first, last = (int(each) if each else None for each in found.groups())
    if first is None:
        first, last = max(0, total - (last or 0)), total - 1
    last = total - 1 if last is None else min(last, total - 1)
    if first > last:
        named = (*named, ("Content-Range", f"bytes */{total}"))
        return Answer(416, b"", "text/plain", named, code=416)
    body = whole.body[first : last + 1]
    named = (*named, ("Content-Range", f"bytes {first}-{last}/{total}"))
    zeros = last + 1 - first - len(body)
    return replace(whole, status=206, body=body, zeros=zeros, headers=named)
