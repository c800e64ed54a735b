"""Bytes that pass for a picture, or nearly."""

import io
import struct
import zlib

from PIL import Image as Pillow

from tests.conftest import png

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>'
PAGE = b"<html><body>Service is being upgraded</body></html>"


def animated(kind: str) -> bytes:
    frames = [Pillow.new("RGB", (64, 64), colour) for colour in ("teal", "plum")]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few kilobytes that would be gigabytes once decoded."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(chunk, *zip(*chunks, strict=True)))


def chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def smaller_bomb() -> bytes:
    """A whole PNG with more pixels than any model draws."""
    out = io.BytesIO()
    Pillow.new("1", (7_000, 6_000)).save(out, "PNG")
    return out.getvalue()


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Pillow.linear_gradient("L").resize((width, height)).save(out, "JPEG")
    return out.getvalue()


UNFIT = {
    "page": PAGE,
    "no bytes": b"",
    "1x1": png(1, 1),
    "cut PNG": png(640, 480)[:-60],
    "cut JPEG": jpeg(640, 480)[:-200],
    "animated WebP": animated("WEBP"),
    "animated PNG": animated("PNG"),
    "several in one JPEG": animated("MPO"),
    "GIF": animated("GIF"),
    "SVG": SVG,
    "bomb": bomb(),
    "smaller bomb": smaller_bomb(),
    "head only": png()[:30],
}
