"""
The segments of a JPEG: marker, length, data.

XMP specification, part 3, 1.1.3
"""

from collections.abc import Iterator
from typing import BinaryIO

from jimeng.pictures.metadata import xmp
from jimeng.pictures.metadata.provenance import Provenance
from jimeng.pictures.metadata.splicing import HEAD, Part

XMP = b"http://ns.adobe.com/xap/1.0/\0"
APP0, APP1, APP11, APP15, COMMENT = 0xE0, 0xE1, 0xEB, 0xEF, 0xFE
MAX_SEGMENT_BYTES = 0xFFFF - 2


def segments(head: bytes) -> Iterator[tuple[int, int, int]]:
    """
    Marker, start and end offset of the segments before the tables; the last one has
    the marker 0 if the list is complete.
    """
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # any number of fill bytes
            at += 1
            continue
        last = at + 2 + int.from_bytes(head[at + 2 : at + 4])
        if not (APP0 <= marker <= APP15 or marker == COMMENT):
            yield 0, at, at
            return
        if last > len(head):
            return
        yield marker, at, last
        at = last


def parts(file: BinaryIO, size: int, provenance: Provenance) -> list[Part] | None:
    """The file with a packet after its first segments; None if that is impossible."""
    head = file.read(HEAD)
    at, begin, end, packet, is_whole = 2, 0, 0, b"", False
    for marker, first, last in segments(head):
        data = head[first + 4 : last]
        if marker == APP11:  # a C2PA manifest, which a change would invalidate
            return None
        is_exif = marker == APP1 and data.startswith(b"Exif\0")
        if first == at and (marker == APP0 or is_exif):
            at = last
        elif marker == APP1 and data.startswith(XMP):
            if end:
                return None  # ambiguous: two packets
            begin, end, packet = first, last, data[len(XMP) :]
        is_whole = marker == 0
    written = xmp.packet(provenance, packet) if is_whole else None
    if written is None or len(XMP) + len(written) > MAX_SEGMENT_BYTES:
        return None
    data = XMP + written
    ours = bytes([0xFF, APP1]) + (len(data) + 2).to_bytes(2) + data
    if not end:
        begin = end = at
    return [head[:begin], ours, head[end:], range(len(head), size)]


def packet_in(content: bytes) -> bytes:
    """The XMP packet; empty if there is none."""
    head = content[:HEAD]
    for marker, first, last in segments(head):
        if marker == APP1 and head.startswith(XMP, first + 4):
            return head[first + 4 + len(XMP) : last]
    return b""
