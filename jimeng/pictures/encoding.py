"""A kept picture in another format, or smaller, for clients that ask for that."""

import io

from PIL import Image as Pillow

from jimeng.pictures.decoding import TYPES, translated

FORMATS = {content_type: name for name, content_type in TYPES.items()}
USUAL = 90  # of 100: the quality of JPEG and WebP, where none is asked for
FAST = 1  # of 9: PNG of a photograph hardly gets smaller by more
# Of the side, and of 100: from good to small.
SHRINKING = ((1, 85), (1, 70), (1, 50), (0.75, 50), (0.5, 50), (0.25, 50))


def encode(
    content: bytes, content_type: str, quality: int | None = None
) -> tuple[dict[str, object], bytes]:
    """
    Write a picture anew; it was looked at before it was kept.

    Args:
        content_type: One that pictures are kept in.
        quality: 0 to 100, of JPEG and WebP.

    Returns:
        What there is to say of it, which is nothing, and its bytes.

    Raises:
        PictureInvalid: it cannot be decoded any more.
    """
    name, out = FORMATS[content_type], io.BytesIO()
    options = {"quality": USUAL if quality is None else quality}
    if name == "PNG":
        options = {"compress_level": FAST}
    with translated(), Pillow.open(io.BytesIO(content), formats=[*TYPES]) as image:
        keeps_alpha = name != "JPEG" and "A" in image.getbands()
        image.convert("RGBA" if keeps_alpha else "RGB").save(out, name, **options)
    return {}, out.getvalue()


def shrink(
    thumbnail: bytes, *, side: int, most: int
) -> tuple[dict[str, object], bytes]:
    """
    Write a thumbnail as a JPEG of at most so many bytes, however poor that makes it.

    Args:
        side: Pixels that neither side is longer than.

    Returns:
        As `encode`.

    Raises:
        PictureInvalid: it cannot be decoded any more.
    """
    with translated(), Pillow.open(io.BytesIO(thumbnail), formats=["WEBP"]) as image:
        small = Pillow.new("RGB", image.size, "white")
        small.paste(image, mask=image.getchannel("A") if "A" in image.mode else None)
    for share, quality in SHRINKING:
        small.thumbnail((int(side * share), int(side * share)))
        out = io.BytesIO()
        small.save(out, "JPEG", quality=quality)
        if out.tell() <= most:
            break
    return {}, out.getvalue()
