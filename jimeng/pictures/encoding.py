"""Convert stored pictures to another format or a smaller size."""

import io

from PIL import Image as Pillow

from jimeng.pictures.decoding import TYPES, translated

FORMATS = {content_type: name for name, content_type in TYPES.items()}
DEFAULT_QUALITY = 90  # of 100, for JPEG and WebP
FAST = 1  # of 9: more compression hardly shrinks the PNG of a photograph
# Share of the side, and quality: from good to small.
SHRINKING = ((1, 85), (1, 70), (1, 50), (0.75, 50), (0.5, 50), (0.25, 50))


def encode(
    content: bytes, content_type: str, quality: int | None = None
) -> tuple[dict[str, object], bytes]:
    """
    Re-encode a stored picture, which was validated before.

    Args:
        content_type: One of the types that pictures are stored in.
        quality: 0 to 100, for JPEG and WebP.

    Returns:
        An empty description, and the encoded bytes.

    Raises:
        PictureInvalid: it cannot be decoded.
    """
    name, out = FORMATS[content_type], io.BytesIO()
    options = {"quality": DEFAULT_QUALITY if quality is None else quality}
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
    Convert a thumbnail to a JPEG of at most *most* bytes, whatever the quality.

    Args:
        side: The limit of both sides, in pixels.

    Returns:
        As `encode`.

    Raises:
        PictureInvalid: it cannot be decoded.
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
