"""
The chunks of a WebP: type, length, data, and a padding byte if the length is odd.

https://developers.google.com/speed/webp/docs/riff_container
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from jimeng.pictures.metadata import xmp
from jimeng.pictures.metadata.provenance import Provenance
from jimeng.pictures.metadata.splicing import Part

HEADER_BYTES = 12
MAX_CHUNKS = 64  # a still picture has six
HAS_XMP, HAS_ALPHA = 0x04, 0x10
KNOWN = {b"VP8 ", b"VP8L", b"VP8X"}


def chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end offset of each chunk, including padding."""
    at = HEADER_BYTES
    for _ in range(MAX_CHUNKS):
        if at + 8 > end:
            return
        file.seek(at)
        begins = file.read(8)
        if len(begins) < 8:
            return
        kind, length = struct.unpack("<4sI", begins)
        last = at + 8 + length + length % 2
        if last > end:
            return
        yield kind, at, last
        at = last


def parts(file: BinaryIO, size: int, provenance: Provenance) -> list[Part] | None:
    """The file with a packet as its last chunk; None if that is impossible."""
    begins = file.read(HEADER_BYTES)
    end = 8 + int.from_bytes(begins[4:8], "little")
    if end > size or end % 2:
        return None
    found = list(chunks(file, end))
    kinds = [kind for kind, _, _ in found]
    if not found or found[-1][2] != end or kinds[0] not in KNOWN or b"C2PA" in kinds:
        return None
    there = [each for each in found if each[0] == b"XMP "]
    if len(there) > 1:
        return None
    written = xmp.packet(provenance, data_of(file, *there[0][1:]) if there else b"")
    header = extended(file, found[0], provenance)
    if written is None or header is None:
        return None
    remaining: list[Part] = [
        range(first, last)
        for kind, first, last in found
        if kind not in {b"XMP ", b"VP8X"}
    ]
    body = [header, *remaining, chunk(b"XMP ", written)]
    total = 4 + sum(map(len, body))
    return [b"RIFF" + total.to_bytes(4, "little") + b"WEBP", *body, range(end, size)]


def extended(
    file: BinaryIO, first: tuple[bytes, int, int], provenance: Provenance
) -> bytes | None:
    """The VP8X header chunk with the XMP flag, created if the file has none."""
    kind, begin, last = first
    data = data_of(file, begin, min(last, begin + 18))
    if kind == b"VP8X":
        if len(data) != 10:
            return None
        return chunk(kind, bytes([data[0] | HAS_XMP]) + data[1:])
    sides = (provenance.width, provenance.height)
    if not all(0 < side <= 1 << 24 for side in sides):
        return None
    # A lossless bitstream has its own alpha flag.
    alpha = kind == b"VP8L" and len(data) > 4 and data[4] & HAS_ALPHA
    flags = HAS_XMP | (HAS_ALPHA if alpha else 0)
    small = b"".join((side - 1).to_bytes(3, "little") for side in sides)
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + small)


def data_of(file: BinaryIO, first: int, last: int) -> bytes:
    """The data of a chunk, truncated if too long."""
    file.seek(first + 4)
    length = int.from_bytes(file.read(4), "little")
    return file.read(min(length, last - first - 8, xmp.MAX_READ_BYTES + 1))


def chunk(kind: bytes, data: bytes) -> bytes:
    return kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2)


def packet_in(file: BinaryIO, size: int) -> bytes:
    """The XMP packet; empty if there is none."""
    for kind, first, last in chunks(file, size):
        if kind == b"XMP ":
            return data_of(file, first, last)
    return b""
