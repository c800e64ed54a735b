"""Pictures in the format that a client asks for."""

from typing import BinaryIO

from jimeng import jobs, pictures
from jimeng.documents import Image
from jimeng.errors import ImageNotFound


def open_as(
    image: Image, content_type: str, quality: int | None = None
) -> tuple[BinaryIO, int]:
    """
    Open a picture that another function of `tasks` has given, as it is kept where
    that is what is asked for.

    Args:
        content_type: One that pictures are kept in.
        quality: 0 to 100, of JPEG and WebP; None for as it is, or as is usual.

    Returns:
        A file to be read and closed, and its bytes.

    Raises:
        ImageNotFound: its bytes are gone.
        PictureInvalid: as `pictures.encode`.
    """
    content = jobs.runtime().store.open(image.file_id)
    if content is None:
        raise ImageNotFound(f"bytes of picture {image.id}")
    if image.content_type == content_type and quality is None:
        return content, image.bytes
    with content:
        return pictures.encode(content.read(), content_type, quality)
