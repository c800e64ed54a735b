"""Validate and describe untrusted bytes as a picture, with thumbnail and preview."""

import io
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image as Pillow

from jimeng.errors import PictureInvalid

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
MIN_SIDE = 16  # pixels; a smaller picture is a placeholder
# Pixels of the longer side. High-density screens show the preview instead of the
# thumbnail; a picture hardly larger than its thumbnail, or with alpha, has no preview.
THUMBNAIL_SIDE, PREVIEW_SIDE = 640, 1440
MIN_PREVIEW_RATIO = 1.25  # of the picture's side to the thumbnail's
MAX_SCANS = 100  # of a JPEG; progressive ones have about ten
MAX_CHUNKS = 50_000  # of a PNG; with the usual 8 kB each that is 400 MB
MAX_SEGMENTS = 5000  # of a JPEG; usual are some dozens
# Bytes before a JPEG's first scan outside known segments: usually few. Pillow reads
# them one by one, which takes seconds for megabytes.
MAX_FILL_BYTES = 64 * 1024
UNKNOWN_TO_PILLOW = frozenset(bytes([each]) for each in (0xC8, *range(0xF0, 0xFE)))
PNG = b"\x89PNG\r\n\x1a\n"
# A marker of a JPEG that is neither stuffing nor a restart marker. Preceding fill bytes
# FF are not part of the pattern: a long run of them would cause quadratic backtracking.
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
# Errors that Pillow's decoders raise for broken files.
BROKEN = (
    *(OSError, ValueError, SyntaxError, EOFError, Warning),
    *(LookupError, TypeError, ArithmeticError, struct.error),
)


@contextmanager
def translated() -> Iterator[None]:
    """
    Translate Pillow's errors.

    Raises:
        PictureInvalid: Pillow cannot decode the file.
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


def describe(content: bytes, most_pixels: int) -> tuple[dict[str, object], bytes]:
    """
    Decode *content* completely.

    Bytes after the end of the picture are ignored rather than refused: an archive or a
    page could hide there, but the picture has been paid for.

    Returns:
        The offset of the picture's end, its size, its content type and the length of
        its thumbnail; and the concatenated thumbnail and preview.

    Raises:
        PictureInvalid: it is not a single JPEG, PNG or WebP picture, is truncated, has
            more than *most_pixels*, is smaller than `MIN_SIDE`, or is built to keep a
            decoder busy.
    """
    end = end_of(content)
    # Pillow only warns of a decompression bomb, so `check_sides` follows.
    file = io.BytesIO(content[:end])
    with translated(), Pillow.open(file, formats=list(TYPES)) as image:
        width, height = image.size
        check_sides(width, height, most_pixels)
        check_frames(image)
        kind = TYPES[str(image.format)]
        thumbnail, preview = _thumbnail_and_preview(image)
    about = {"end": end, "width": width, "height": height, "content_type": kind}
    return {**about, "thumbnail": len(thumbnail)}, thumbnail + preview


def end_of(content: bytes) -> int:
    """The offset of the picture's end in *content*, found without decoding."""
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
        # Each scan processes all pixels, even if it has only a few bytes.
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


def _thumbnail_and_preview(image: Pillow.Image) -> tuple[bytes, bytes]:
    """The thumbnail, and the preview or empty bytes."""
    image.load()
    small = image.convert("RGBA" if "A" in image.getbands() else "RGB")
    preview = b""
    if max(image.size) > MIN_PREVIEW_RATIO * THUMBNAIL_SIDE and small.mode == "RGB":
        # WebP would halve the size, at ten times the CPU time.
        preview = _shrunk(small, PREVIEW_SIDE, "JPEG", quality=82)
    return _shrunk(small, THUMBNAIL_SIDE, "WEBP", quality=82, method=2), preview


def _shrunk(image: Pillow.Image, side: int, kind: str, **how: int) -> bytes:
    """Shrink *image* in place, and encode it."""
    # `reducing_gap` reduces a larger picture by an integer factor first: half the time,
    # without a visible difference.
    image.thumbnail((side, side), Pillow.Resampling.BICUBIC, reducing_gap=1.0)
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
