"""
A picture that somebody gives, made what all pictures that go in are: upright, in sRGB,
8 bits a channel, without a word about where it is from, and not too large.

It runs in the process that decodes (see `process`).
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

MAX_SIDE = 4096  # pixels, of what is kept
MAX_PIXELS = 40_000_000  # that are decoded,
# and of a JPEG, which can be decoded at a half or less of its size.
MAX_OF_JPEG = 100_000_000
# Phones write two pictures of one moment into a file; the first is the one that is
# meant. What is read of it ends where the first does.
FORMATS = (*TYPES, "MPO")
OTHERS = (  # what people also have, by how it begins: the reason why it is not taken
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
    (b"%PDF", "pdf"),
)
HEIC = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
AVIF = frozenset({b"avif", b"avis"})
ORIENTATION = 0x0112  # of EXIF
TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}  # mode -> as ICC profiles say it
SRGB = ImageCms.createProfile("sRGB")
JPEG_QUALITY = 92


def normalise(content: bytes) -> tuple[dict[str, object], bytes]:
    """
    Decode a JPEG, PNG or WebP picture and make it plain.

    Returns:
        Its sides, content type, whether any of it is transparent, and the sides that
        it had, upright (``given_width``, ``given_height``); and its bytes: PNG where a
        pixel is transparent, else JPEG.

    Raises:
        PictureInvalid: it is none of these, is animated, broken or cut short, or has
            too many pixels.
    """
    end = end_of_given(content)
    file = io.BytesIO(content[:end])
    with translated(), Pillow.open(file, formats=list(FORMATS)) as image:
        given = image.size
        is_jpeg = image.format in ("JPEG", "MPO")
        check_sides(*given, MAX_OF_JPEG if is_jpeg else MAX_PIXELS)
        if image.format != "MPO":
            check_frames(image)
        if is_jpeg:
            image.draft(None, (MAX_SIDE, MAX_SIDE))
        image.load()
        turned = orientation(image)
        plain = upright(coloured(image, given), turned)
    about, made = encoded(plain)
    across, down = given if turned < 5 else given[::-1]
    return {**about, "given_width": across, "given_height": down}, made


def end_of_given(content: bytes) -> int:
    """
    Where the picture ends in *content*.

    Raises:
        PictureInvalid: it is something else, as the reason says, or cut short.
    """
    reason = next((why for begin, why in OTHERS if content.startswith(begin)), None)
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
    """Of a loaded picture: 1 to 8, as in EXIF; from 5 on it lies on its side."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    except (*BROKEN, MemoryError):  # the picture may be whole all the same
        return 1
    return found if found in range(1, 9) else 1


def coloured(image: Pillow.Image, given: tuple[int, int]) -> Pillow.Image:
    """
    The same in sRGB, with an alpha channel where it may be transparent; small before
    anything else, since all that follows takes a copy.

    Args:
        given: The sides that it came with.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I", "F")):
        # Pillow's own conversion takes all that is not nearly black for white.
        image = image.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    has_alpha = "transparency" in image.info or image.mode in ("LA", "La", "PA", "RGBa")
    if has_alpha or "A" in image.getbands():
        whole = small(image.convert("RGBA"), given)
        plain = to_srgb(whole.convert("RGB"), profile)
        plain.putalpha(whole.getchannel("A"))
        return plain
    if image.mode not in SPACES:  # a palette, two colours, or what is rare
        image = image.convert("RGB")
    return to_srgb(small(image, given), profile)


def to_srgb(image: Pillow.Image, profile: bytes | None) -> Pillow.Image:
    """RGB by the profile, if there is one that is of use."""
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if given.profile.xcolor_space.strip() == SPACES.get(image.mode):
                made = ImageCms.profileToProfile(image, given, SRGB, outputMode="RGB")
                if made is not None:
                    return made
        except (ImageCms.PyCMSError, *BROKEN, MemoryError):
            return image.convert("RGB")
    return image.convert("RGB")


def made_small(width: int, height: int) -> tuple[int, int]:
    """The sides that a picture of these is kept with."""
    share = min(1, MAX_SIDE / max(width, height))
    return max(round(width * share), 1), max(round(height * share), 1)


def small(image: Pillow.Image, given: tuple[int, int]) -> Pillow.Image:
    sides = made_small(*given)
    if sides == image.size:
        return image
    return image.resize(sides, Pillow.Resampling.LANCZOS)


def upright(image: Pillow.Image, turned: int) -> Pillow.Image:
    turn = TURNS.get(turned)
    return image if turn is None else image.transpose(turn)


def encoded(image: Pillow.Image) -> tuple[dict[str, object], bytes]:
    """The picture in bytes that say nothing else, and what they are."""
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
    """Encoders write down what they find in ``info``: comments, profiles, times."""
    image.info.clear()
    return image
