"""Bytes that came from elsewhere: are they a picture, and which."""

import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MIN_SIDE = 16  # pixels; less is a placeholder, not what was asked for
# Pixels of the longer side. The preview is what a dense screen shows of a thumbnail's
# place; a picture that is hardly larger than its thumbnail, or has alpha, has none.
THUMBNAIL_SIDE, PREVIEW_SIDE = 640, 1440
WORTH = 1.25  # of the thumbnail's side
MAX_SCANS = 100  # of a JPEG; progressive ones have about ten
MAX_CHUNKS = 50_000  # of a PNG; with the usual 8 kB each that is 400 MB
MAX_SEGMENTS = 5000  # of a JPEG; it has some dozens
# Bytes before a JPEG's first scan that belong to no segment: hardly any, and Pillow
# looks at them one by one, for seconds where there are megabytes. So it does with the
# contents of segments that it does not know.
MAX_FILL_BYTES = 64 * 1024
UNKNOWN_TO_PILLOW = frozenset(bytes([each]) for each in (0xC8, *range(0xF0, 0xFE)))
PNG = b"\x89PNG\r\n\x1a\n"
# A marker of a JPEG that is neither stuffing nor a restart within a scan. More bytes
# of FF may stand before it, and are not part of the pattern: over a run of them that
# leads nowhere it would be tried from each.
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
# Broken files make Pillow's decoders raise nearly anything of these.
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, Warning),
    *(LookupError, TypeError, ArithmeticError, struct.error),
)


@contextmanager
def translated() -> Iterator[None]:
    """
    Raises:
        PictureInvalid: whatever Pillow finds wrong with a file.
    """
    try:
        yield
    except PictureInvalid:
        raise
    except Pillow.DecompressionBombError as error:
        raise PictureInvalid("too many pixels", reason="pixels") from error
    except MemoryError as error:
        raise PictureInvalid("takes too much memory", reason="pixels") from error
    except BROKEN as error:
        raise PictureInvalid(f"cannot be decoded: {type(error).__name__}") from error


def look(content: bytes, most_pixels: int) -> tuple[dict[str, object], bytes]:
    """
    Decode *content* whole.

    What stands behind the end of the picture does not belong to it: an archive or a
    page could hide there, and the picture has been paid for.

    Returns:
        Where the picture ends, its sides, its content type and the bytes of its
        thumbnail; and thumbnail and preview, one after the other.

    Raises:
        PictureInvalid: it is not one JPEG, PNG or WebP picture, is cut short, has
            more than *most_pixels*, is smaller than `MIN_SIDE`, or was made to keep
            a decoder busy.
    """
    end = end_of(content)
    # Pillow warns of a bomb and goes on, which is why `check_sides` follows.
    file = io.BytesIO(content[:end])
    with translated(), Pillow.open(file, formats=list(TYPES)) as image:
        width, height = image.size
        check_sides(width, height, most_pixels)
        check_frames(image)
        kind = TYPES[str(image.format)]
        thumbnail, preview = _made_smaller(image)
    about = {"end": end, "width": width, "height": height, "content_type": kind}
    return {**about, "thumbnail": len(thumbnail)}, thumbnail + preview


def end_of(content: bytes) -> int:
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
    for _ in range(MAX_CHUNKS):
        size, name = content[at : at + 4], content[at + 4 : at + 8]
        at += 12 + int.from_bytes(size, "big")
        if at > len(content) or len(name) < 4:
            raise PictureInvalid("cut short", reason="truncated")
        if name == b"IEND":
            return at
    raise PictureInvalid(f"more than {MAX_CHUNKS} chunks")


def _end_of_jpeg(content: bytes) -> int:
    """Source: ITU-T T.81, annex B."""
    at, scans, fill = 2, 0, 0
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(content, at)
        if found is None:
            raise PictureInvalid("cut short", reason="truncated")
        skipped, at, marker = found.start() - at, found.end(), found[1]
        if marker == b"\xd9":
            return at
        stands_alone = marker in b"\x01\xd8"
        size = 0 if stands_alone else int.from_bytes(content[at : at + 2], "big")
        at += size
        if not scans:
            fill += skipped + (size if marker in UNKNOWN_TO_PILLOW else 0)
            if fill > MAX_FILL_BYTES:
                raise PictureInvalid(f"more than {MAX_FILL_BYTES} bytes of filling")
        scans += marker == b"\xda"
        # Each scan goes over all pixels, and one of a few bytes is enough.
        if scans > MAX_SCANS:
            raise PictureInvalid(f"more than {MAX_SCANS} scans")
    raise PictureInvalid(f"more than {MAX_SEGMENTS} segments")


def check_sides(width: int, height: int, most_pixels: int) -> None:
    if width * height > most_pixels:
        raise PictureInvalid(f"{width}x{height} is too large", reason="pixels")
    if min(width, height) < MIN_SIDE:
        raise PictureInvalid(f"{width}x{height} is no picture of use", reason="small")


def check_frames(image: Pillow.Image) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise PictureInvalid("has several frames", reason="animated")


def _made_smaller(image: Pillow.Image) -> tuple[bytes, bytes]:
    """Its thumbnail, and its preview or nothing."""
    image.load()
    small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    preview = b""
    if max(image.size) > WORTH * THUMBNAIL_SIDE and small.mode == "RGB":
        # As WebP it would take half of the bytes, and ten times the CPU.
        preview = _shrunk(small, PREVIEW_SIDE, "JPEG", quality=82)
    return _shrunk(small, THUMBNAIL_SIDE, "WEBP", quality=82, method=2), preview


def _shrunk(image: Pillow.Image, side: int, kind: str, **how: int) -> bytes:
    """Make *image* itself so small, and write it."""
    # Halved first where it is more than twice as large: half the time, and no
    # difference that can be seen.
    image.thumbnail((side, side), Pillow.Resampling.BICUBIC, reducing_gap=1.0)
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
