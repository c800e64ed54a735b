"""Pictures in the format that a client asks for."""

import tempfile
from typing import BinaryIO

from jimeng import jobs, pictures
from jimeng.documents import Image
from jimeng.errors import ImageNotFound

IN_MEMORY = 1024 * 1024  # bytes; what is larger goes to a file that has no name


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
        made = pictures.encode(content.read(), content_type, quality)
    # Of several none stays in memory until the others are made.
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes
    file.write(made)
    file.seek(0)
    return file, len(made)  # type: ignore[return-value]
