"""
Normalise an input picture: upright, sRGB, 8 bits per channel, without metadata, and not
too large. Runs in the decoder process (see `decoder_process`).
"""

import io

from PIL import Image as Pillow
from PIL import ImageCms

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import (
    BROKEN,
    PNG,
    TYPES,
    check_frames,
    check_sides,
    end_of,
    translated,
)

MAX_SIDE = 4096  # pixels, of the stored picture
MAX_PIXELS = 40_000_000  # of the decoded picture
MAX_JPEG_PIXELS = 100_000_000  # a JPEG can be decoded at half its size or less
# Phones store two pictures in an MPO file; only the first one is read.
FORMATS = (*TYPES, "MPO")
UNSUPPORTED_SIGNATURES = (  # signature, and the reason of the refusal
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"%PDF", "pdf"),
)
HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
AVIF = frozenset({b"avif", b"avis"})
ORIENTATION = 0x0112  # of EXIF
ORIENTATIONS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}  # mode -> name in ICC profiles
SRGB = ImageCms.createProfile("sRGB")
JPEG_QUALITY = 92


def normalise(content: bytes) -> tuple[dict[str, object], bytes]:
    """
    Decode and normalise a JPEG, PNG or WebP picture.

    Returns:
        Its size, content type, whether any pixel is transparent, and its original
        size, upright (``given_width``, ``given_height``); and its bytes: PNG if a pixel
        is transparent, else JPEG.

    Raises:
        PictureInvalid: it has another format, is animated, broken or truncated, or has
            too many pixels.
    """
    end = end_of_input(content)
    file = io.BytesIO(content[:end])
    with translated(), Pillow.open(file, formats=list(FORMATS)) as image:
        original = image.size
        is_jpeg = image.format in ("JPEG", "MPO")
        check_sides(*original, MAX_JPEG_PIXELS if is_jpeg else MAX_PIXELS)
        if image.format != "MPO":
            check_frames(image)
        if is_jpeg:
            image.draft(None, (MAX_SIDE, MAX_SIDE))
        image.load()
        turned = orientation(image)
        plain = upright(coloured(image, original), turned)
    about, output = encoded(plain)
    across, down = original if turned < 5 else original[::-1]
    return {**about, "given_width": across, "given_height": down}, output


def end_of_input(content: bytes) -> int:
    """
    The offset of the picture's end in *content*.

    Raises:
        PictureInvalid: it has another format, named by the reason, or is truncated.
    """
    reason = next(
        (why for begin, why in UNSUPPORTED_SIGNATURES if content.startswith(begin)),
        None,
    )
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        reason = "heic" if brand in HEIC else "avif" if brand in AVIF else "video"
    elif b"<svg" in content[:1024].lower():
        reason = "svg"
    known = content.startswith((PNG, b"\xff\xd8\xff", b"RIFF"))
    if reason is None and not known:
        reason = "unknown"
    if reason is not None:
        raise PictureInvalid(f"{reason} of {len(content)} bytes", reason=reason)
    end = end_of(content)
    if end > len(content):
        raise PictureInvalid("cut short", reason="truncated")
    return end


def orientation(image: Pillow.Image) -> int:
    """
    The EXIF orientation of a loaded picture, 1 to 8; from 5 on it is rotated by 90°.
    """
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except (*BROKEN, MemoryError):  # the picture itself may be intact
        return 1
    return found if found in range(1, 9) else 1


def coloured(image: Pillow.Image, original: tuple[int, int]) -> Pillow.Image:
    """
    Convert to sRGB, with an alpha channel if it may be transparent. Resize first, since
    each conversion copies the picture.

    Args:
        original: The original size.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        # Pillow's own conversion clips nearly all values to white.
        image = image.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    has_alpha = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa")
    if has_alpha or "A" in image.getbands():
        whole = small(image.convert("RGBA"), original)
        plain = to_srgb(whole.convert("RGB"), profile)
        plain.putalpha(whole.getchannel("A"))
        return plain
    if image.mode not in SPACES:  # palette, bilevel, or rare modes
        image = image.convert("RGB")
    return to_srgb(small(image, original), profile)


def to_srgb(image: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """Convert to RGB by the ICC profile, if there is a usable one."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space.strip() == SPACES.get(image.mode):
                converted = ImageCms.profileToProfile(
                    image, source, SRGB, outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, *BROKEN, MemoryError):
            return image.convert("RGB")
    return image.convert("RGB")


def stored_size(width: int, height: int) -> tuple[int, int]:
    """The size that a picture of this size is stored with."""
    share = min(1, MAX_SIDE / max(width, height))
    return max(round(width * share), 1), max(round(height * share), 1)


def small(image: Pillow.Image, original: tuple[int, int]) -> Pillow.Image:
    sides = stored_size(*original)
    if sides == image.size:
        return image
    return image.resize(sides, Pillow.Resampling.LANCZOS)


def upright(image: Pillow.Image, turned: int) -> Pillow.Image:
    transposition = ORIENTATIONS.get(turned)
    return image if transposition is None else image.transpose(transposition)


def encoded(image: Pillow.Image) -> tuple[dict[str, object], bytes]:
    """Encode without metadata; return the description and the bytes."""
    out = io.BytesIO()
    is_clear = image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)
    if is_clear:
        kind = "PNG"
        bare(image).save(out, kind, compress_level=4)
    else:
        kind = "JPEG"
        bare(image.convert("RGB")).save(out, kind, quality=JPEG_QUALITY, subsampling=0)
    about = {"width": image.width, "height": image.height, "alpha": is_clear}
    return {**about, "content_type": TYPES[kind]}, out.getvalue()


def bare(image: Pillow.Image) -> Pillow.Image:
    """Clear ``info``, from which encoders write comments, profiles and times."""
    image.info.clear()
    return image
