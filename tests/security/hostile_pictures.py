"""Files that are more, or less, than one picture."""

import io
import struct
import zlib
from zipfile import ZipFile

from PIL import Image as Pillow

from tests import given_pictures as given
from tests.conftest import png
from tests.given_pictures import animated, chunk, png_of

SCRIPT = b"<script>alert(document.domain)</script>"
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def encoded(kind: str, side: int = 64, **options: object) -> bytes:
    image = Pillow.linear_gradient("L").convert("RGB").resize((side, side))
    return given.encoded(image, kind, **options)


def archive() -> bytes:
    out = io.BytesIO()
    with ZipFile(out, "w") as file:
        file.writestr("payload.jar", b"x" * 500)
    return out.getvalue()


JPEG, PNG, WEBP = encoded("JPEG"), png(), encoded("WEBP")
SIGNATURE, HEAD = PNG[:8], PNG[8:33]


def huge_webp(side: int) -> bytes:
    """A lossless WebP of a few bytes whose head promises *side* by *side*."""
    content = bytearray(encoded("WEBP", 16, lossless=True))
    at = content.index(b"VP8L") + 9
    content[at : at + 4] = (side - 1 | side - 1 << 14).to_bytes(4, "little")
    return bytes(content)


def flat_webp(width: int, height: int) -> bytes:
    """A lossless WebP of one colour: some bytes, however large it is."""
    image = Pillow.new("RGB", (width, height), "teal")
    return given.encoded(image, "WEBP", lossless=True)


def scans(count: int) -> bytes:
    return refined(encoded("JPEG", 512, progressive=True), count)


def refined(content: bytes, count: int) -> bytes:
    """A progressive JPEG that refines the same coefficients again and again."""
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * count + b"\xff\xd9"


def gif_script() -> bytes:
    """A GIF whose first bytes are a name, and whose rest is a program."""
    return b"GIF89a/*" + bytes(100) + b"*/=1;alert(1)//"


def squeezed(byte: bytes) -> bytes:
    """Fifty million times a byte, as zlib: pressed once, and that repeated."""
    press = zlib.compressobj(9, wbits=-15)
    part = press.compress(byte * 10**6) + press.flush(zlib.Z_FULL_FLUSH)
    check = zlib.adler32(byte * 50_000_000)
    return b"\x78\xda" + part * 50 + b"\x03\0" + struct.pack(">I", check)


ZEROS = squeezed(b"\0")
TEXT = b"Comment\0\0" + squeezed(b"A")
PROFILE = b"icc\0\0" + ZEROS

FFS, UNREAD = b"\xff" * 2_000_000, b"\xff\xf0\xff\xfe" + bytes(65_532)
# Pictures that are whole, with megabytes before them that Pillow goes over one by one.
FILLED = {
    "JPEG with FFs before its head": JPEG[:2] + FFS + JPEG[2:],
    "JPEG with FFs before a second start": JPEG[:2] + FFS + b"\xd8" + JPEG[2:],
    "JPEG with junk before its head": JPEG[:20] + bytes(2_000_000) + JPEG[20:],
    "JPEG with segments that nobody reads": JPEG[:2] + UNREAD * 30 + JPEG[2:],
}
# Must be refused, and quickly.
REFUSED = {
    **FILLED,
    "PNG of 100000x100000": png_of(100_000, 100_000, ZEROS),
    "PNG of 2^31": png_of(2**31 - 1, 2**31 - 1, ZEROS),
    "PNG of 0x0": png_of(0, 0, b""),
    "PNG of 0x64": png_of(0, 64, zlib.compress(b"")),
    "PNG of one long line": png_of(2**31 - 1, 16, ZEROS),
    "PNG without rows": png_of(64, 64, b""),
    "PNG with too few rows": png_of(64, 64, zlib.compress(bytes(100))),
    "PNG with a false check": PNG[:40] + b"\xff" + PNG[41:],
    "PNG of a million chunks": SIGNATURE + HEAD + chunk(b"aaAa", b"") * 10**6,
    "PNG with a bomb of text": png_of(64, 64, ZEROS[:99], chunk(b"zTXt", TEXT)),
    "PNG with a bit of a profile": PNG[: -len(END)] + chunk(b"iCCP", b"\0") + END,
    "PNG without an end": PNG[: -len(END)],
    "PNG whose last chunk has no end": PNG[: -len(END)] + b"\xff\xff\xff\xffIEND",
    "WebP of 16383x16383": huge_webp(16_383),
    "WebP of 12000x12000": huge_webp(12_000),
    "JPEG of 1000 scans": scans(1000),
    "JPEG of FF": JPEG[:2] + b"\xff" * 1_000_000 + b"\0",
    "JPEG of FF after its head": JPEG[:-2] + b"\xff" * 1_000_000 + b"\0",
    "JPEG of a million segments": JPEG[:2] + b"\xff\xe0\x00\x02" * 10**6 + JPEG[2:],
    "JPEG of FFs between segments": JPEG[:2] + b"\xff" * 1_000_000 + b"\xd0" * 9,
    "JPEG without an end": JPEG[:-2],
    "JPEG of 65535x65535": JPEG.replace(b"\x00\x40\x00\x40\x03", b"\xff" * 4 + b"\x03"),
    **{f"half a {name}": data[: len(data) // 2] for name, data in {
        "JPEG": JPEG, "PNG": PNG, "WebP": WEBP}.items()},
    **{f"head of a {name}": data[:16] for name, data in {
        "JPEG": JPEG, "PNG": PNG, "WebP": WEBP}.items()},
    "animated PNG": animated("PNG"),
    "animated WebP": animated("WEBP"),
    "animated GIF": animated("GIF"),
    "several in one JPEG": animated("MPO"),
    "still GIF": encoded("GIF"),
    "GIF that is a script": gif_script(),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "SVG behind XML": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "a">]><svg/>',
    "page": b"<!doctype html>" + SCRIPT,
    "page before a PNG": SCRIPT + PNG,
    "archive before a JPEG": archive() + JPEG,
    "PDF": b"%PDF-1.7\n" + JPEG,
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "RIFF that is sound": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(64),
    "TIFF": encoded("TIFF"),
    "BMP": encoded("BMP"),
    "ICO": encoded("ICO"),
    "nothing": b"",
    "zero": b"\0",
    "zeros": bytes(100_000),
}  # fmt: skip

# A good picture with something behind its end, which must not be kept.
TRAILED = {
    f"{name} with {what}": (data, data + behind)
    for name, data in {"JPEG": JPEG, "PNG": PNG, "WebP": WEBP}.items()
    for what, behind in {
        "a page": SCRIPT,
        "an archive": archive(),
        "zeros": bytes(1_000_000),
        "itself": data,
    }.items()
}

# A good picture with something in it, which must stay harmless.
LACED = {
    "PNG": (SIGNATURE + HEAD + chunk(b"tEXt", b"a\0" + SCRIPT) + PNG[33:], "image/png"),
    "JPEG": (
        JPEG[:2] + b"\xff\xfe" + struct.pack(">H", len(SCRIPT) + 2) + SCRIPT + JPEG[2:],
        "image/jpeg",
    ),
    "WebP": (encoded("WEBP", exif=b"Exif\0\0" + SCRIPT), "image/webp"),
}
