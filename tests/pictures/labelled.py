"""Pictures with words in them, as the tests of metadata need them."""

import io
import random
import struct
import zlib
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from PIL import Image as Pillow

from jimeng.pictures.contents import InMemory
from jimeng.pictures.metadata import Provenance, write_into

SIZE = (96, 64)
MADE = Provenance(
    prompt='雨后的小巷 & <b>"猫"</b>\n第二行 🐱',
    style="ink",
    model="doubao-seedream-3.0-t2i",
    width=SIZE[0],
    height=SIZE[1],
    seed=42,
    created_at=datetime(2026, 3, 4, 4, 5, 6, tzinfo=UTC),
)
AIGC = '{"Label":"1","ContentProducer":"001191","ProduceID":"7f&lt;2"}'
# As the service labels its pictures, by GB 45438.
LABEL = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="uuid:7" '
    'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Another">'
    f"<TC260:AIGC>{AIGC}</TC260:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="w"?>'
).encode()
EXIF = Pillow.Exif()
EXIF[0x010E] = "as it was"
KINDS = {
    "png": ("image/png", "PNG", {}),
    "jpeg": ("image/jpeg", "JPEG", {"quality": 90}),
    "jpeg with Exif": ("image/jpeg", "JPEG", {"exif": EXIF}),
    "webp": ("image/webp", "WEBP", {"quality": 80}),
    "webp without loss": ("image/webp", "WEBP", {"lossless": True}),
    "webp with more": ("image/webp", "WEBP", {"icc_profile": b"p" * 131}),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def drawn(kind: str, *, alpha: bool = False, **more: object) -> tuple[bytes, str]:
    """A picture in which no two pixels are equal, and its type."""
    content_type, name, options = KINDS[kind]
    mode = "RGBA" if alpha else "RGB"
    noise = random.Random(1).randbytes(SIZE[0] * SIZE[1] * len(mode))
    out = io.BytesIO()
    Pillow.frombytes(mode, SIZE, noise).save(out, name, **options, **more)
    return out.getvalue(), content_type


def labelled(kind: str, packet: bytes = LABEL) -> tuple[bytes, str]:
    """The same with a packet of XMP."""
    content, content_type = drawn(kind)
    if content_type != "image/png":
        return drawn(kind, xmp=packet)
    text = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
    return content[:33] + chunk(b"iTXt", text) + content[33:], content_type


def chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def marked(content: bytes, content_type: str, made: Provenance = MADE) -> bytes:
    found = write_into(InMemory(content), content_type, made)
    whole = found.content.read()
    assert len(whole) == found.content.length
    assert bool(found.mark) == (whole != content)
    return whole


def opened(content: bytes) -> Pillow.Image:
    image = Pillow.open(io.BytesIO(content))
    image.load()
    return image


def description(content: bytes) -> dict[str, str]:
    """What other programs find in the packet of XMP: name -> text."""
    root = ElementTree.fromstring(opened(content).info["xmp"])
    assert (
        len({each.get(f"{RDF}about") for each in root.iter(f"{RDF}Description")}) == 1
    )
    return {
        name.partition("}")[2]: "".join(each.itertext())
        for each in root.iter(f"{RDF}Description")
        for name, each in [(inner.tag, inner) for inner in each]
    }
