"""Pictures as people give them, and what nobody should."""

import io
import struct
import zlib

from PIL import Image as Pillow

RED, BLUE = (220, 20, 20), (20, 20, 220)
ORIENTATION, GPS = 0x0112, 0x8825


def halves(width: int, height: int) -> Pillow.Image:
    """Red above, blue below."""
    image = Pillow.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width, height // 2))
    return image


def encoded(image: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photo(turned: int = 6) -> bytes:
    """A JPEG that lies as EXIF says, and knows where it was taken."""
    image = halves(400, 300)
    back = {
        3: Pillow.Transpose.ROTATE_180,
        6: Pillow.Transpose.ROTATE_90,
        8: Pillow.Transpose.ROTATE_270,
    }
    exif = image.getexif()
    exif[ORIENTATION] = turned
    exif[0x010F] = "Maker of cameras"
    exif.get_ifd(GPS).update({1: "N", 2: (39.0, 54.0, 20.0), 3: "E", 4: (116.0, 23, 5)})
    lying = image.transpose(back[turned])
    return encoded(lying, "JPEG", exif=exif, quality=95, comment=b"private words")


def mpo() -> bytes:
    """Two pictures of one moment in a file, as phones write them."""
    second = Pillow.new("RGB", (320, 240), "green")
    return encoded(
        halves(320, 240), "MPO", save_all=True, append_images=[second], quality=95
    )


def cmyk() -> bytes:
    """What printers' programs write."""
    return encoded(halves(200, 160).convert("CMYK"), "JPEG", quality=95)


def deep() -> bytes:
    """A 16-bit grey PNG, from black to white, which is easily taken for white."""
    image = Pillow.new("I;16", (256, 64))
    for x in range(256):
        image.paste(x * 257, (x, 0, x + 1, 64))
    return encoded(image, "PNG")


def clear(width: int = 64, height: int = 64) -> bytes:
    """A PNG with a hole that is clear, and soft at its edge."""
    image = halves(width, height).convert("RGBA")
    alpha = Pillow.new("L", (width, height), 255)
    alpha.paste(100, (width // 4 - 2, height // 4 - 2, width // 2 + 2, height // 2 + 2))
    alpha.paste(0, (width // 4, height // 4, width // 2, height // 2))
    image.putalpha(alpha)
    return encoded(image, "PNG")


def chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def png_of(width: int, height: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG whose head promises a size, with these bytes as rows."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = [chunk(b"IHDR", head), *more, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def immense() -> bytes:
    """A PNG of 50,000 by 50,000 pixels in a few megabytes, all of them there."""
    packer = zlib.compressobj(9)
    row = bytes(150_001)
    rows = b"".join(packer.compress(row) for _ in range(2000)) + packer.flush()
    return png_of(50_000, 50_000, rows)


def animated(kind: str) -> bytes:
    frames = [Pillow.new("RGB", (64, 64), colour) for colour in ("teal", "plum")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def truncated() -> bytes:
    whole = encoded(halves(400, 300), "JPEG")
    return whole[: len(whole) // 2]


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
AVIF = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(64)
# What is refused: the reason, and what it is.
HOSTILE = {
    "pixels": immense,
    "truncated": truncated,
    "svg": lambda: SVG,
    "heic": lambda: HEIC,
    "avif": lambda: AVIF,
    "gif": lambda: animated("GIF"),
    "animated": lambda: animated("PNG"),
    "unknown": lambda: b"no picture at all" * 10,
    "small": lambda: encoded(halves(8, 8), "PNG"),
    "tiff": lambda: encoded(halves(64, 64), "TIFF"),
    "bmp": lambda: encoded(halves(64, 64), "BMP"),
    "pdf": lambda: b"%PDF-1.7\n" + bytes(64),
    "video": lambda: b"\0\0\0\x18ftypmp42" + bytes(64),
    "broken": lambda: png_of(64, 64, b"rubbish"),  # no rows
}
