"""What a picture was made of, written into its file and read back; no pixel changes."""

import io
import random
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from jimeng.pictures.contents import InMemory
from jimeng.pictures.metadata import Provenance, read_back, write_into
from tests.deterministic import DETERMINISTIC
from tests.each import for_each
from tests.given_pictures import chunk

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


@every_kind
def test_words_are_in_the_file_and_no_pixel_changes(kind):
    """Pillow decodes the very same; nothing of the file is lost; XMP is well formed."""
    content, content_type = drawn(kind)

    whole = marked(content, content_type)

    before, after = opened(content), opened(whole)
    assert (after.mode, after.size) == (before.mode, before.size)
    assert after.tobytes() == before.tobytes()
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert after.getexif() == before.getexif()
    found = description(whole)
    assert found["description"] == MADE.prompt
    assert found["CreateDate"] == "2026-03-04T04:05:06Z"
    assert found["CreatorTool"] == "Jimeng"
    assert found["DigitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert read_back(whole) == replace(MADE, created_at=None)


def test_alpha_stays():
    """A file that had no place for words says in its new head that it has alpha."""
    content, content_type = drawn("webp without loss", alpha=True)

    whole = marked(content, content_type)

    assert opened(whole).mode == "RGBA"
    assert opened(whole).tobytes() == opened(content).tobytes()


def test_png_has_the_words_that_viewers_know():
    """The last line has three facts at least: with fewer it is taken for words."""
    content, content_type = drawn("png")

    text = opened(marked(content, content_type)).info

    assert text["parameters"] == (
        f"{MADE.prompt}\nSeed: 42, Size: 96x64, Model: doubao-seedream-3.0-t2i, "
        "Version: Jimeng"
    )
    assert text["Software"] == "Jimeng"
    seedless = marked(content, content_type, replace(MADE, seed=None))
    last = opened(seedless).info["parameters"].splitlines()[-1]
    assert last.count(": ") == 3


@every_kind
def test_label_of_the_service_stays_as_it_is(kind):
    """There is still one packet; what it said it says, and ours stands beside it."""
    content, content_type = labelled(kind)

    whole = marked(content, content_type)

    assert opened(whole).tobytes() == opened(content).tobytes()
    packet = opened(whole).info["xmp"]
    packet = packet if isinstance(packet, bytes) else packet.encode()
    assert f"<TC260:AIGC>{AIGC}</TC260:AIGC>".encode() in packet
    assert b'xmp:CreatorTool="Another"' in packet and b">Jimeng<" not in packet
    assert whole.count(b"<x:xmpmeta") == 1
    assert description(whole)["description"] == MADE.prompt
    assert read_back(whole).prompt == MADE.prompt


def test_packed_label_stays_too():
    """PNG may have it compressed."""
    content, content_type = drawn("png")
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(LABEL)
    content = content[:33] + chunk(b"iTXt", text) + content[33:]

    whole = marked(content, content_type)

    assert AIGC in opened(whole).info["xmp"].decode()
    assert read_back(whole).seed == 42


@every_kind
@for_each(
    "packet",
    [
        LABEL.decode().encode("utf-16"),
        LABEL.replace(b"</rdf:RDF>", b""),
        LABEL.replace(b"<x:xmpmeta", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x:xmpmeta"),
        LABEL.replace(b"1999/02/22-rdf-syntax-ns#", b"else"),
        LABEL.replace(b"</TC260:AIGC>", b" " * 70_000 + b"</TC260:AIGC>"),
    ],
)
def test_packet_that_cannot_be_added_to_is_left_alone(kind, packet):
    if len(packet) > 65_000 and "jpeg" in kind:
        packet = LABEL.replace(b"</TC260:AIGC>", b" " * 64_000 + b"</TC260:AIGC>")
    content, content_type = labelled(kind, packet)

    whole = marked(content, content_type)

    assert packet in whole
    assert whole.count(b"jimeng:Made") == 0
    assert opened(whole).tobytes() == opened(content).tobytes()


@for_each("kind", ["png", "jpeg", "webp with more"])
def test_what_is_signed_stays_signed(kind):
    """A manifest of C2PA counts the file's bytes."""
    content, content_type = drawn(kind)
    if kind == "png":
        content = content[:33] + chunk(b"caBX", b"jumb") + content[33:]
    elif kind == "jpeg":
        content = content[:2] + b"\xff\xeb\0\x06JPxx" + content[2:]
    else:
        body = content[12:] + b"C2PA\4\0\0\0jumb"
        content = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

    assert marked(content, content_type) == content


@settings(DETERMINISTIC, max_examples=60)
@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
    style=st.text(st.characters(exclude_categories=["Cs"]), max_size=64),
    seed=st.none() | st.integers(0, 2**32 - 1),
    kind=st.sampled_from(list(KINDS)),
)
def test_any_words_come_back(prompt, style, seed, kind):
    """Also those that XML cannot hold, and those that look like it."""
    made = replace(MADE, prompt=prompt, style=style, seed=seed)
    content, content_type = drawn(kind)

    whole = marked(content, content_type, made)

    assert read_back(whole) == replace(made, created_at=None)
    description(whole)  # well formed


def test_longest_prompt_fits_everywhere():
    """What people read of it is left out, where there is no room for both."""
    made = replace(MADE, prompt="图" * 10_000)

    for kind in KINDS:
        whole = marked(*drawn(kind), made)
        assert read_back(whole).prompt == made.prompt
        assert len(whole) - len(drawn(kind)[0]) < 100_000


@every_kind
def test_any_part_can_be_asked_for(kind):
    """From any byte on, in any pieces."""
    content, content_type = labelled(kind)
    whole = marked(content, content_type)
    found = write_into(InMemory(content), content_type, MADE).content

    for start in [0, 1, 33, 40, 700, len(content), len(whole) - 1, len(whole)]:
        for end in [start + 1, start + 50, len(whole), None]:
            assert found.read(start, end) == whole[start:end]


@every_kind
def test_broken_files_are_passed_on_or_read_as_nothing(kind):
    """Cut anywhere, or with any byte changed: no error, and nothing is lost."""
    content, content_type = labelled(kind)
    chance = random.Random(2)

    for _ in range(300):
        broken = bytearray(content[: chance.randint(0, len(content))])
        for _ in range(chance.randint(0, 4) if broken else 0):
            broken[chance.randrange(min(len(broken), 600))] = chance.randrange(256)
        whole = marked(bytes(broken), content_type)
        assert len(whole) >= len(broken)
        read_back(whole)
        read_back(bytes(broken))


def test_words_of_strangers_are_bounded():
    for none in (
        *("{}", "{", "[" * 5000, '["prompt"]', '{"prompt": ""}', '{"prompt": 1}'),
        *('{"prompt": "\\ud800"}', '{"prompt": "%s"}' % ("x" * 10_001)),
    ):
        assert Provenance.from_json(none) is None, none
    found = Provenance.from_json(
        '{"prompt": "<script>", "style": 1, "model": "%s", "size": "9999999x1",'
        ' "seed": -1}' % ("m" * 101)
    )

    assert found == Provenance("<script>")
    assert Provenance.from_json('{"prompt": "a", "seed": true}').seed is None


def test_bomb_in_a_text_is_not_unpacked():
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * 50_000_000)
    content, content_type = drawn("png")
    content = content[:33] + chunk(b"iTXt", text) + content[33:]

    assert read_back(content) is None
    assert b"jimeng:Made" not in marked(content, content_type)
