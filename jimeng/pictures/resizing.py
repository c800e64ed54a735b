"""
Resize an input picture to a model's limits; never crop it. Runs in the decoder process
(see `decoder_process`).
"""

import io

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import TYPES, translated

QUALITIES = (92, 88, 82, 75, 68)  # of a JPEG, tried before its size is reduced
STEP = 0.85  # factor of both sides in each step
MIN_SIDE_PX = 64  # of the longer side: a picture that is still too large is refused
MIN_OPAQUE_ALPHA = 128  # of 255: more transparent pixels are repainted


def fit(
    content: bytes, *, side: int, pixels: int, most: int, exact: bool
) -> tuple[dict[str, object], bytes]:
    """
    Shrink a normalised picture to the limits: reduce the quality of a JPEG first, then
    the size.

    Args:
        side: Maximum of the longer side, in pixels.
        pixels: Maximum of width times height.
        most: Maximum of encoded bytes.
        exact: Keep the size in pixels.

    Raises:
        PictureInvalid: it cannot be shrunk enough.
    """
    with opened(content) as image:
        kind = str(image.format)
        wanted = fit_size(image.size, side, pixels)
        if exact and wanted != image.size:
            raise PictureInvalid("its sides must stay", reason="large")
        if wanted == image.size and len(content) <= most:
            return about(image, kind), content
        while max(wanted) >= MIN_SIDE_PX:
            small = resized(image, wanted)
            for quality in QUALITIES if kind == "JPEG" else QUALITIES[:1]:
                output = encoded(small, kind, quality)
                if len(output) <= most:
                    return about(small, kind), output
            if exact:
                break
            wanted = (max(round(wanted[0] * STEP), 1), max(round(wanted[1] * STEP), 1))
    raise PictureInvalid(f"cannot be reduced to {most} bytes", reason="large")


def fit_mask(
    content: bytes, *, width: int, height: int
) -> tuple[dict[str, object], bytes]:
    """
    Make a mask from the transparent pixels: one channel of this size; 0 keeps, 255
    repaints.

    Raises:
        PictureInvalid: no pixel is transparent.
    """
    with opened(content) as image:
        if "A" not in image.getbands():
            raise PictureInvalid("nothing of it is clear", reason="opaque")
        mask = image.getchannel("A").point(
            lambda alpha: 255 * (alpha < MIN_OPAQUE_ALPHA)
        )
        if mask.getextrema() == (0, 0):
            raise PictureInvalid("nothing of it is clear", reason="opaque")
        resized = mask.resize((width, height), Pillow.Resampling.NEAREST)
        return about(resized, "PNG"), encoded(resized, "PNG", 0)


def opened(content: bytes) -> Pillow.Image:
    """
    Open a normalised picture.

    Raises:
        PictureInvalid: it cannot be decoded.
    """
    with translated():
        image = Pillow.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        image.load()
        return image


def fit_size(size: tuple[int, int], side: int, pixels: int) -> tuple[int, int]:
    """The largest size within these limits, with the same aspect ratio."""
    width, height = size
    share = min(1.0, side / max(size), (pixels / (width * height)) ** 0.5)
    if share == 1.0:
        return size
    return max(int(width * share), 1), max(int(height * share), 1)


def resized(image: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    if size == image.size:
        return image
    return image.resize(size, Pillow.Resampling.LANCZOS)


def encoded(image: Pillow.Image, kind: str, quality: int) -> bytes:
    out = io.BytesIO()
    if kind == "JPEG":
        image.save(out, kind, quality=quality, subsampling=0)
    else:
        image.save(out, kind, compress_level=6)
    return out.getvalue()


def about(image: Pillow.Image, kind: str) -> dict[str, object]:
    sides = {"width": image.width, "height": image.height}
    return {**sides, "content_type": TYPES[kind]}
