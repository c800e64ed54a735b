"""Write provenance into picture files, and read it back."""

import hashlib
import io
from dataclasses import dataclass

from jimeng.pictures.contents import Content, SeekableContent
from jimeng.pictures.metadata import jpeg, png, webp, xmp
from jimeng.pictures.metadata.provenance import Provenance
from jimeng.pictures.metadata.splicing import HEAD, Spliced

FORMATS = {"image/png": png.parts, "image/jpeg": jpeg.parts, "image/webp": webp.parts}


@dataclass(frozen=True)
class Written:
    """
    Attributes:
        content: The file.
        mark: A fingerprint of the written metadata, for ETags; empty if nothing was
            written.
    """

    content: Content
    mark: str = ""


def write_into(content: Content, content_type: str, provenance: Provenance) -> Written:
    """
    Add *provenance* to a picture file, or return it unchanged if that is impossible:
    signed or unparsable files are not touched. At most `png.HEAD` is read now, the rest
    on demand.

    Args:
        content: The file.
        content_type: Its type.
    """
    find_parts = FORMATS.get(content_type)
    file = io.BufferedReader(SeekableContent(content), HEAD)
    parts = find_parts(file, content.length, provenance) if find_parts else None
    if not parts:
        return Written(content)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else b"")
    return Written(Spliced(content, parts), digest.hexdigest()[:12])


def read_back(content: bytes) -> Provenance | None:
    """
    Read the provenance from any bytes; None if there is none. The result is untrusted:
    anybody can write it.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return xmp.read(png.packet_in(content))
    if content.startswith(b"\xff\xd8"):
        return xmp.read(jpeg.packet_in(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return xmp.read(webp.packet_in(io.BytesIO(content), len(content)))
    return None
