"""
The chunks of a PNG: length, type, data, check sum.

https://www.w3.org/TR/png-3/#11textinfo
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from jimeng.pictures.metadata import xmp
from jimeng.pictures.metadata.provenance import SOFTWARE, Made, plain
from jimeng.pictures.metadata.splicing import HEAD, Part

TAIL = 64 * 1024  # bytes of the end that are looked at
BEGINS = 8  # bytes of the signature
XMP = b"XML:com.adobe.xmp"
SIGNED = b"caBX"  # a manifest of C2PA


def chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, first and last byte (exclusive) of those that begin there."""
    at = BEGINS
    while at + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        yield kind, at, at + 12 + length
        at += 12 + length


def parts(file: BinaryIO, size: int, made: Made) -> list[Part] | None:
    """The file with the words in front of its pixels; None where there is no place."""
    head = file.read(HEAD)
    at = begin = end = 0
    has_pixels, packet = False, b""
    for kind, first, last in chunks(head):
        has_pixels = has_pixels or kind == b"IDAT"
        if kind == SIGNED or last > size:
            return None
        if last > len(head):
            break
        if kind == b"IHDR" and first == BEGINS:
            at = last
        elif is_packet(head, kind, first):
            if end:
                return None  # which of them counts nobody knows
            begin, end = first, last
            packet = text_of(head[first + 8 : last - 4])
    if not at or not has_pixels:
        return None
    ours = words(made)
    written = None
    if packet or not (end or hidden(file, size)):
        written = xmp.packet(made, packet)
    if written is None:
        begin = end = at  # what is there stays as it is
    else:
        ours += chunk(b"iTXt", XMP + b"\0\0\0\0\0" + written)
    begin, end = (begin, end) if end else (at, at)
    return [head[:at], ours, head[at:begin], head[end:], range(len(head), size)]


def is_packet(head: bytes, kind: bytes, first: int) -> bool:
    return kind == b"iTXt" and head.startswith(XMP + b"\0", first + 8)


def hidden(file: BinaryIO, size: int) -> bool:
    """Whether there is a packet behind the pixels, where hardly anybody puts one."""
    if size <= HEAD:
        return False
    here = file.tell()
    file.seek(max(size - TAIL, here))
    found = b"iTXt" + XMP in file.read(TAIL)
    file.seek(here)
    return found


def text_of(data: bytes) -> bytes:
    """The text of an ``iTXt``; empty if it cannot be had."""
    rest = data.partition(b"\0")[2]
    packed, rest = rest[:1], rest[2:]
    text = rest.partition(b"\0")[2].partition(b"\0")[2]
    if packed != b"\1":
        return text
    packer = zlib.decompressobj()
    try:
        text = packer.decompress(text, xmp.MAX_READ)
    except zlib.error:
        return b""
    return text if packer.eof else b""


def words(made: Made) -> bytes:
    """
    For programs that know no XMP: as ``parameters`` in the manner of those that many
    viewers read, and the names that the standard has.
    """
    seed = [] if made.seed is None else [f"Seed: {made.seed}"]
    facts = [
        *seed,
        f"Size: {made.size}",
        f"Model: {made.model}",
        f"Version: {SOFTWARE}",
    ]
    text = plain(f"{made.prompt}\n{', '.join(facts)}").encode()
    return (
        chunk(b"iTXt", b"parameters\0\0\0\0\0" + text)
        + chunk(b"tEXt", b"Software\0" + SOFTWARE.encode())
        + chunk(b"tEXt", b"Creation Time\0" + made.moment.encode())
    )


def chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def packet_in(content: bytes) -> bytes:
    """The packet of XMP; empty if there is none."""
    head = content[:HEAD]
    for kind, first, last in chunks(head):
        if is_packet(head, kind, first) and last <= len(head):
            return text_of(head[first + 8 : last - 4])
    return b""
