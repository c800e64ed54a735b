"""What a given picture says that it was made of."""

import io

from jimeng.pictures.metadata import jpeg, png, webp, xmp
from jimeng.pictures.metadata.made import Made


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
