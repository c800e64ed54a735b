"""Small videos, real ones, and files that only claim to be."""

import functools
import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from tempfile import NamedTemporaryFile

import av
from PIL import Image as Pillow

from tests.given_pictures import chunk

FPS = 24
RATE = 8000  # samples per second


@functools.cache
def mp4(
    width: int = 64,
    height: int = 48,
    *,
    frames: int = 24,
    audio: bool = False,
    colour: str = "teal",
    faststart: bool = True,
) -> bytes:
    """A real video of one colour."""
    options = {"movflags": "faststart"} if faststart else {}
    # The index is moved to the front by opening the file by its name once more.
    with NamedTemporaryFile(suffix=".mp4") as out:
        with av.open(out.name, "w", format="mp4", options=options) as container:
            video = container.add_stream("libx264", rate=FPS, options={"threads": "1"})
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
            sound = (
                container.add_stream("aac", rate=RATE, layout="mono") if audio else None
            )
            image = Pillow.new("RGB", (width, height), colour)
            frame = av.VideoFrame.from_image(image)
            for number in range(frames):
                frame.pts = number
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            if sound:
                add_silence(container, sound, frames / FPS)
        return Path(out.name).read_bytes()


def level_of(number: int) -> int:
    """How light a frame of `fading` is."""
    return 20 + 4 * number


@functools.cache
def fading(frames: int = 48) -> bytes:
    """A video that gets lighter with each frame, with a key frame in 24."""
    options = {"threads": "1", "g": "24", "bf": "2", "crf": "4"}
    with NamedTemporaryFile(suffix=".mp4") as out:
        with av.open(
            out.name, "w", format="mp4", options={"movflags": "faststart"}
        ) as container:
            video = container.add_stream("libx264", rate=FPS, options=options)
            video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
            for number in range(frames):
                image = Pillow.new("RGB", (128, 96), (level_of(number),) * 3)
                frame = av.VideoFrame.from_image(image)
                frame.pts = number
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        return Path(out.name).read_bytes()


def add_silence(container, sound, seconds: float) -> None:
    silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
    silence.sample_rate = RATE
    silence.planes[0].update(bytes(4 * 1024))
    for number in range(max(1, int(seconds * RATE) // 1024)):
        silence.pts = number * 1024
        container.mux(sound.encode(silence))
    container.mux(sound.encode(None))


@functools.cache
def song() -> bytes:
    """Sound alone."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        add_silence(
            container, container.add_stream("aac", rate=RATE, layout="mono"), 1.0
        )
    return out.getvalue()


@functools.cache
def huge(side: int = 20_000, *, is_said: bool = True) -> bytes:
    """
    A few kilobytes that are a frame of 400 million pixels.

    Args:
        is_said: Whether the file's head says so, or only the frame's.
    """
    head = struct.pack(">II5B", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side * (side // 8 + 1)), 9)
    body = [chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    frame = b"\x89PNG\r\n\x1a\n" + b"".join(body)
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as container:
        video = container.add_stream("png", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "monob"
        packet = av.Packet(frame)
        packet.stream, packet.time_base = video, Fraction(1, FPS)
        packet.pts = packet.dts = 0
        packet.is_keyframe = True
        container.mux(packet)
    content = bytearray(out.getvalue())
    if is_said:
        struct.pack_into(">HH", content, content.index(b"png ") + 28, side, side)
    return bytes(content)


def endless(samples: int) -> bytes:
    """A video whose index lists so many frames, of a byte each."""
    content = bytearray(mp4())
    at = content.index(b"stsz") + 8
    struct.pack_into(">II", content, at, 1, samples)
    at = content.index(b"stsc") + 8
    struct.pack_into(">IIII", content, at, 1, 1, samples, 1)
    at = content.index(b"stts") + 8
    struct.pack_into(">III", content, at, 1, samples, 1)
    return bytes(content)


def cut(content: bytes, share: float = 0.6) -> bytes:
    """As of a server that says less than it has."""
    return content[: int(len(content) * share)]
