"""Bytes that came from elsewhere: are they a picture, and which."""

import hashlib
import io
import re
import struct
from dataclasses import dataclass

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MAX_PIXELS = 40_000_000  # the largest that a model draws is below 17 million
MIN_SIDE = 16  # pixels; less is a placeholder, not what was asked for
THUMBNAIL_SIDE = 640  # pixels of the longer side
MOST_SCANS = 100  # of a JPEG; progressive ones have about ten
MOST_CHUNKS = 50_000  # of a PNG; with the usual 8 kB each that is 400 MB
PNG = b"\x89PNG\r\n\x1a\n"
# A marker of a JPEG that is neither stuffing nor a restart within a scan.
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
# Broken files make Pillow's decoders raise nearly anything of these.
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, Warning),
    *(LookupError, TypeError, ArithmeticError, struct.error),
)


@dataclass(frozen=True)
class Picture:
    """
    A picture that was decoded to its last row.

    Attributes:
        content: The encoded bytes, as they came, up to the picture's end.
        width: Pixels.
        height: Pixels.
        content_type: Of *content*.
        sha256: Hexadecimal, of *content*.
        thumbnail: The same, small, as WebP.
    """

    content: bytes
    width: int
    height: int
    content_type: str
    sha256: str
    thumbnail: bytes


def inspect(content: bytes) -> Picture:
    """
    Decode *content* whole and describe it.

    What stands behind the end of the picture is cut off: an archive or a page could
    hide there, and the picture has been paid for.

    Raises:
        PictureInvalid: it is not one JPEG, PNG or WebP picture, is cut short,
            has more than `MAX_PIXELS`, is smaller than `MIN_SIDE`, or was made to
            keep a decoder busy.
    """
    content = content[: _end(content)]
    try:
        # Pillow warns of a bomb and goes on, which is why `_check` follows. Warnings
        # are not made errors here: that would be for all threads, and for good where
        # two of them overlap.
        with Pillow.open(io.BytesIO(content), formats=list(TYPES)) as image:
            width, height = image.size
            _check(image, width, height)
            kind = TYPES[str(image.format)]
            thumbnail = _thumbnail(image)
    except PictureInvalid:
        raise
    except BROKEN as error:
        raise PictureInvalid(f"cannot be decoded: {type(error).__name__}") from error
    except Pillow.DecompressionBombError as error:
        raise PictureInvalid("too many pixels") from error
    digest = hashlib.sha256(content).hexdigest()
    return Picture(content, width, height, kind, digest, thumbnail)


def _end(content: bytes) -> int:
    """Where the picture ends in *content*; found without decoding."""
    if content.startswith(PNG):
        return _end_of_png(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _end_of_jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        size = int.from_bytes(content[4:8], "little")
        return 8 + size + size % 2
    raise PictureInvalid("neither JPEG nor PNG nor WebP" if content else "no bytes")


def _end_of_png(content: bytes) -> int:
    """Source: https://www.w3.org/TR/png-3/#5Chunk-layout"""
    at = len(PNG)
    for _ in range(MOST_CHUNKS):
        size, name = content[at : at + 4], content[at + 4 : at + 8]
        at += 12 + int.from_bytes(size, "big")
        if at > len(content) or len(name) < 4:
            raise PictureInvalid("cut short")
        if name == b"IEND":
            return at
    raise PictureInvalid(f"more than {MOST_CHUNKS} chunks")


def _end_of_jpeg(content: bytes) -> int:
    """Source: ITU-T T.81, annex B."""
    at, scans = 2, 0
    while found := MARKER.search(content, at):
        at, marker = found.end(), found[1]
        if marker == b"\xd9":
            return at
        if marker in b"\x01\xd8":  # these two stand alone
            continue
        at += int.from_bytes(content[at : at + 2], "big")
        scans += marker == b"\xda"
        # Each scan goes over all pixels, and one of a few bytes is enough.
        if scans > MOST_SCANS:
            raise PictureInvalid(f"more than {MOST_SCANS} scans")
    raise PictureInvalid("cut short")


def _check(image: Pillow.Image, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureInvalid(f"{width}x{height} is too large")
    if min(width, height) < MIN_SIDE:
        raise PictureInvalid(f"{width}x{height} is no picture of use")
    if getattr(image, "n_frames", 1) > 1:
        raise PictureInvalid("has several frames")


def _thumbnail(image: Pillow.Image) -> bytes:
    image.load()
    small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Pillow.Resampling.BICUBIC)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=82, method=2)
    return out.getvalue()
