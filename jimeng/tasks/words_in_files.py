"""Pictures that are taken away, with what they were made of in their files."""

from collections.abc import Iterable
from typing import BinaryIO

from jimeng.documents import Image, Task
from jimeng.pictures.metadata import Made, Written, written_into
from jimeng.tasks.reading import find_all
from jimeng.tasks.retrying import wording
from jimeng.viewers import Viewer


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
