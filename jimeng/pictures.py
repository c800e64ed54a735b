"""Bytes that came from elsewhere: are they a picture, and which."""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
MAX_PIXELS = 40_000_000  # the largest that a model draws is below 17 million
MIN_SIDE = 16  # pixels; less is a placeholder, not what was asked for
THUMBNAIL_SIDE = 640  # pixels of the longer side


@dataclass(frozen=True)
class Picture:
    """
    A picture that was decoded to its last row.

    Attributes:
        content: The encoded bytes, as they came.
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

    Raises:
        PictureInvalid: it is not one JPEG, PNG or WebP picture, is cut short,
            has more than `MAX_PIXELS` or is smaller than `MIN_SIDE`.
    """
    if not content:
        raise PictureInvalid("no bytes")
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
    # Broken files make Pillow's decoders raise nearly anything of these.
    except (OSError, ValueError, SyntaxError, EOFError, Warning) as error:
        raise PictureInvalid(f"cannot be decoded: {type(error).__name__}") from error
    except Pillow.DecompressionBombError as error:
        raise PictureInvalid("too many pixels") from error
    digest = hashlib.sha256(content).hexdigest()
    return Picture(content, width, height, kind, digest, thumbnail)


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
