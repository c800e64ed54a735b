"""
A kept picture in another format, for clients that ask for one.

It was decoded whole before it was kept (`inspection`). One at a time in a process: a
large picture takes a hundred megabytes while it is.
"""

import io
import tempfile
import threading
from typing import BinaryIO

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import BROKEN, TYPES

FORMATS = {content_type: name for name, content_type in TYPES.items()}
USUAL = 90  # of 100: the quality of JPEG and WebP, where none is asked for
FAST = 1  # of 9: PNG of a photograph hardly gets smaller by more
IN_MEMORY = 1024 * 1024  # bytes; what is larger goes to a file that has no name

# Of the side, and of 100: from good to small.
SHRINKING = ((1, 85), (1, 70), (1, 50), (0.75, 50), (0.5, 50), (0.25, 50))

_one_at_a_time = threading.Lock()


def encode(
    content: bytes, content_type: str, quality: int | None = None
) -> tuple[BinaryIO, int]:
    """
    Write a picture anew.

    Args:
        content_type: One that pictures are kept in.
        quality: 0 to 100, of JPEG and WebP.

    Returns:
        The new one, to be read from its beginning and closed, and its bytes.

    Raises:
        PictureInvalid: it cannot be decoded any more.
    """
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes
    name = FORMATS[content_type]
    options = {"compress_level": FAST} if name == "PNG" else {"quality": quality}
    if quality is None and name != "PNG":
        options["quality"] = USUAL
    try:
        file = io.BytesIO(content)
        with _one_at_a_time, Pillow.open(file, formats=[*TYPES]) as image:
            keeps_alpha = name != "JPEG" and "A" in image.getbands()
            image.convert("RGBA" if keeps_alpha else "RGB").save(out, name, **options)
    except BROKEN as error:
        out.close()
        raise PictureInvalid(f"cannot be encoded: {type(error).__name__}") from error
    size = out.tell()
    out.seek(0)
    return out, size  # type: ignore[return-value]


def shrink(thumbnail: bytes, *, side: int, most: int) -> bytes:
    """
    Write a thumbnail as a JPEG of at most so many bytes, however poor that makes it.

    Args:
        side: Pixels that neither side is longer than.

    Raises:
        PictureInvalid: it cannot be decoded any more.
    """
    try:
        with Pillow.open(io.BytesIO(thumbnail), formats=["WEBP"]) as image:
            small = Pillow.new("RGB", image.size, "white")
            small.paste(
                image, mask=image.getchannel("A") if "A" in image.mode else None
            )
    except BROKEN as error:
        raise PictureInvalid(f"cannot be shrunk: {type(error).__name__}") from error
    for share, quality in SHRINKING:
        small.thumbnail((int(side * share), int(side * share)))
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality)
        if out.tell() <= most:
            break
    return out.getvalue()
