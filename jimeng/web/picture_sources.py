"""What a picture was made from, as its page shows it."""

from dataclasses import dataclass

from flask import url_for

from jimeng import auth, inputs, tasks
from jimeng.documents import Task
from jimeng.errors import ImageNotFound
from jimeng.errors.inputs import UploadNotFound


@dataclass(frozen=True)
class Source:
    """
    Attributes:
        small: The address of its thumbnail.
        whole: That of the picture.
        page: That of its own page; None for one that was given.
    """

    small: str
    whole: str
    page: str | None = None


def sources_of(task: Task) -> list[Source]:
    """Those that the viewer may see, in order; without the mask."""
    named = task.made_from or []
    found = map(source_of, named[: len(named) - bool(task.has_mask)])
    return [each for each in found if each is not None]


def source_of(named: dict) -> Source | None:
    """A picture that was drawn here, as long as it is shown, else what was given."""
    viewer = auth.viewer_of_page()
    try:
        if "picture" in named:
            image = tasks.find_picture(viewer, named["picture"])
            return Source(
                url_for("web.thumbnail", key=image.key),
                url_for("web.image", key=image.key, ext=image.suffix),
                url_for("web.picture", picture_id=image.id),
            )
    except ImageNotFound:
        pass  # its copy is here as long as the task
    try:
        made = inputs.find(viewer, named["input"])
    except UploadNotFound:
        return None
    small = url_for("web.given_thumbnail", upload_id=made.id)
    return Source(small, url_for("web.given_picture", upload_id=made.id))
