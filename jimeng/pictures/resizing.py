"""
A picture that goes in, made to fit what a model takes: smaller, never cropped.

It runs in the process that decodes (see `process`).
"""

import io

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import TYPES, translated

QUALITIES = (92, 88, 82, 75, 68)  # of a JPEG, before its sides are made smaller
STEP = 0.85  # of both sides, each time
SMALLEST = 64  # pixels of the longer side: what is still too large then is refused
OPAQUE = 128  # of 255: what is clearer is to be painted anew


def fit(
    content: bytes, *, side: int, pixels: int, most: int, exact: bool
) -> tuple[dict[str, object], bytes]:
    """
    Make a picture that `normalising` has made plain smaller: the quality of a JPEG
    first, then the sides.

    Args:
        side: Pixels of the longer side at most.
        pixels: Width times height at most.
        most: Bytes of what is made.
        exact: Its sides must stay: they are the point.

    Raises:
        PictureInvalid: it cannot be made to fit.
    """
    with opened(content) as image:
        kind = str(image.format)
        wanted = within(image.size, side, pixels)
        if exact and wanted != image.size:
            raise PictureInvalid("its sides must stay", reason="large")
        if wanted == image.size and len(content) <= most:
            return about(image, kind), content
        while max(wanted) >= SMALLEST:
            small = resized(image, wanted)
            for quality in QUALITIES if kind == "JPEG" else QUALITIES[:1]:
                made = encoded(small, kind, quality)
                if len(made) <= most:
                    return about(small, kind), made
            if exact:
                break
            wanted = (max(round(wanted[0] * STEP), 1), max(round(wanted[1] * STEP), 1))
    raise PictureInvalid(f"cannot be made {most} bytes", reason="large")


def fit_mask(
    content: bytes, *, width: int, height: int
) -> tuple[dict[str, object], bytes]:
    """
    Make a mask of what is clear: one channel of these sides, 0 keeps, 255 repaints.

    Raises:
        PictureInvalid: nothing of it is clear.
    """
    with opened(content) as image:
        if "A" not in image.getbands():
            raise PictureInvalid("nothing of it is clear", reason="opaque")
        mask = image.getchannel("A").point(lambda alpha: 255 * (alpha < OPAQUE))
        if mask.getextrema() == (0, 0):
            raise PictureInvalid("nothing of it is clear", reason="opaque")
        made = mask.resize((width, height), Pillow.Resampling.NEAREST)
        return about(made, "PNG"), encoded(made, "PNG", 0)


def opened(content: bytes) -> Pillow.Image:
    """
    Raises:
        PictureInvalid: it is not what `normalising` has made.
    """
    with translated():
        image = Pillow.open(io.BytesIO(content), formats=["JPEG", "PNG"])
        image.load()
        return image


def within(size: tuple[int, int], side: int, pixels: int) -> tuple[int, int]:
    """The sides of *size* in the same shape, as large as these limits allow."""
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
