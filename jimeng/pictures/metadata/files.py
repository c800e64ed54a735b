"""What a picture was made of, in its file: written on its way out, and read back."""

import hashlib
import io
from dataclasses import dataclass
from typing import BinaryIO

from jimeng.pictures.metadata import jpeg, png, webp, xmp
from jimeng.pictures.metadata.provenance import Made
from jimeng.pictures.metadata.splicing import Spliced

FORMATS = {"image/png": png.parts, "image/jpeg": jpeg.parts, "image/webp": webp.parts}


@dataclass(frozen=True)
class Written:
    """
    Attributes:
        content: To be read, sought in, and closed.
        bytes: How many it has.
        mark: What tells it from others of the same picture; empty where nothing was
            written.
    """

    content: BinaryIO
    bytes: int
    mark: str = ""


def written_into(
    content: BinaryIO, size: int, content_type: str, made: Made
) -> Written:
    """
    The same picture with *made* in it, or as it is where that has no place in it: what
    is signed stays signed, and what cannot be understood is left alone.

    At most `png.HEAD` of it is read now, the rest when it is asked for.

    Args:
        content: A file that can be sought in, at its beginning.
        size: Its bytes.
        content_type: What it is.
    """
    find_parts = FORMATS.get(content_type)
    parts = find_parts(content, size, made) if find_parts else None
    if not parts:
        content.seek(0)
        return Written(content, size)
    spliced = Spliced(content, parts)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else b"")
    return Written(spliced, spliced.length, digest.hexdigest()[:12])  # type: ignore[arg-type]


def read_back(content: bytes) -> Made | None:
    """
    What `written_into` has written, or somebody who knows how; None if nothing.

    Any bytes may come.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return xmp.read(png.packet_in(content))
    if content.startswith(b"\xff\xd8"):
        return xmp.read(jpeg.packet_in(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return xmp.read(webp.packet_in(io.BytesIO(content), len(content)))
    return None
