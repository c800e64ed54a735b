"""
The chunks of a PNG: length, type, data, check sum.

https://www.w3.org/TR/png-3/#11textinfo
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from jimeng.pictures.metadata import xmp
from jimeng.pictures.metadata.provenance import SOFTWARE, Provenance, plain
from jimeng.pictures.metadata.splicing import HEAD, Part

TAIL_BYTES = 64 * 1024  # at the end of a file that are searched
SIGNATURE_BYTES = 8
XMP = b"XML:com.adobe.xmp"
SIGNED = b"caBX"  # a C2PA manifest


def chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end offset of the chunks that begin in *head*."""
    at = SIGNATURE_BYTES
    while at + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        yield kind, at, at + 12 + length
        at += 12 + length


def parts(file: BinaryIO, size: int, provenance: Provenance) -> list[Part] | None:
    """The file with metadata before its pixels; None if that is impossible."""
    head = file.read(HEAD)
    at = begin = end = 0
    has_pixels, packet = False, b""
    for kind, first, last in chunks(head):
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == SIGNED or last > size:
            return None
        if last > len(head):
            break
        if kind == b"IHDR" and first == SIGNATURE_BYTES:
            at = last
        elif is_packet(head, kind, first):
            if end:
                return None  # ambiguous: two packets
            begin, end = first, last
            packet = text_of(head[first + 8 : last - 4])
    if not at or not has_pixels:
        return None
    ours = text_chunks(provenance)
    written = None
    if packet or not (end or has_late_packet(file, size)):
        written = xmp.packet(provenance, packet)
    if written is None:
        begin = end = at  # keep the existing packet
    else:
        ours += chunk(b"iTXt", XMP + b"\0\0\0\0\0" + written)
    begin, end = (begin, end) if end else (at, at)
    return [head[:at], ours, head[at:begin], head[end:], range(len(head), size)]


def is_packet(head: bytes, kind: bytes, first: int) -> bool:
    return kind == b"iTXt" and head.startswith(XMP + b"\0", first + 8)


def has_late_packet(file: BinaryIO, size: int) -> bool:
    """Whether there is a packet after the pixels, which is rare."""
    if size <= HEAD:
        return False
    here = file.tell()
    file.seek(max(size - TAIL_BYTES, here))
    found = b"iTXt" + XMP in file.read(TAIL_BYTES)
    file.seek(here)
    return found


def text_of(data: bytes) -> bytes:
    """The text of an ``iTXt`` chunk; empty if it cannot be decompressed."""
    rest = data.partition(b"\0")[2]
    packed, rest = rest[:1], rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    if packed != b"\1":
        return text
    packer = zlib.decompressobj()
    try:
        text = packer.decompress(text, xmp.MAX_READ_BYTES)
    except zlib.error:
        return b""
    return text if packer.eof else b""


def text_chunks(provenance: Provenance) -> bytes:
    """
    Text chunks for programs without XMP: ``parameters`` in the de facto format of AI
    image tools, and the keywords of the standard.
    """
    seed = [] if provenance.seed is None else [f"Seed: {provenance.seed}"]
    facts = [
        *seed,
        f"Size: {provenance.size}",
        f"Model: {provenance.model}",
        f"Version: {SOFTWARE}",
    ]
    text = plain(f"{provenance.prompt}\n{', '.join(facts)}").encode()
    return (
        chunk(b"iTXt", b"parameters\0\0\0\0\0" + text)
        + chunk(b"tEXt", b"Software\0" + SOFTWARE.encode())
        + chunk(b"tEXt", b"Creation Time\0" + provenance.moment.encode())
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def packet_in(content: bytes) -> bytes:
    """The XMP packet; empty if there is none."""
    head = content[:HEAD]
    for kind, first, last in chunks(head):
        if is_packet(head, kind, first) and last <= len(head):
            return text_of(head[first + 8 : last - 4])
    return b""
