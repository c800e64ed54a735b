"""Pictures to take away: in another format, with what they were made of in them."""

import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from jimeng import jobs, pictures
from jimeng.documents import Image, Task
from jimeng.errors import ImageNotFound
from jimeng.pictures.metadata import Made, Written, written_into
from jimeng.tasks.reading import find_all
from jimeng.tasks.retrying import wording
from jimeng.viewers import Viewer

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
        made = pictures.encode(
            content.read(), content_type, quality, user=image.user_id
        )
    # Of several none stays in memory until the others are made.
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes
    file.write(made)
    file.seek(0)
    return file, len(made)  # type: ignore[return-value]


def made_of(image: Image, task: Task) -> Made:
    """What a file says of its picture; nothing of whose it is."""
    words = wording(task)
    return Made(
        prompt=words.prompt,
        style=words.style or "",
        model=task.model,
        width=image.width,
        height=image.height,
        seed=image.seed,
        created_at=image.created_at,
        asked=f"{task.width}x{task.height}",
    )


def with_words(content: BinaryIO, image: Image, task: Task) -> Written:
    """
    A picture's bytes with what it was made of, to be read and closed.

    Args:
        content: The bytes as they are kept, at their beginning.
        task: What asked for it, which whoever gets the file may see.
    """
    try:
        made = made_of(image, task)
        return written_into(content, image.bytes, image.content_type, made)
    except BaseException:
        content.close()
        raise


def tasks_of(viewer: Viewer | None, images: Iterable[Image]) -> dict[str, Task]:
    """Id -> task, of those that asked for these and are there for the viewer."""
    if viewer is None:
        return {}
    ids = {image.task_id for image in images}
    return {task.id: task for task in find_all(viewer, ids)}
