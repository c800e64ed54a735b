"""One picture: details, neighbours, link, and favourites."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng.documents import Generation, Image, Task, cursors, indexes
from jimeng.documents.auditing import audited
from jimeng.documents.image import GONE, SHOWN, new_key
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery.browsing import PictureFilter, plan
from jimeng.tasks.queries import find

MAX_FAMILY = 40  # tasks that are shown with one
MAX_DEPTH = 8  # edits of edits that are followed back
MAX_CLIPS = 60  # that are joined
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureRecord:
    """
    Attributes:
        image: The picture.
        task: Its task.
        generation: Its generation; None if that was deleted.
        siblings: All existing pictures of the task, in order.
        newer: The id of the next newer picture within the filter, if there is one.
        older: The id of the next older one.
    """

    image: Image
    task: Task
    generation: Generation | None
    siblings: list[Image]
    newer: str | None
    older: str | None


def find_picture(principal: Principal, picture_id: str) -> Image:
    """
    Find one picture.

    Raises:
        ImageNotFound: no such picture, another user's, or in the trash.
    """
    return principal.find(Image, picture_id, ImageNotFound, SHOWN)


def picture(
    principal: Principal, picture_id: str, among: PictureFilter | None = None
) -> PictureRecord:
    """
    Load a picture with its details.

    Args:
        among: The filter for its neighbours; None for all its owner's pictures.

    Raises:
        ImageNotFound: as in `find_picture`.
    """
    image = find_picture(principal, picture_id)
    try:
        task = find(principal, image.task_id)
    except TaskNotFound as error:
        raise ImageNotFound(f"picture {picture_id[:80]!r} of no task") from error
    siblings = Image.find_all({"task_id": task.id, **SHOWN}, sort=[("index", 1)])
    return PictureRecord(
        image,
        task,
        Generation.find_one({"_id": image.id}),
        siblings,
        newer=neighbour_id(image, newer=True, among=among),
        older=neighbour_id(image, newer=False, among=among),
    )


def source_id(task: Task) -> str | None:
    """The picture that the task is an edit of; None for a composition or an upload."""
    return source(task).get("picture")


def source(task: Task) -> dict:
    """The reference of the only input that the task is an edit of; else empty."""
    named = task.made_from or []
    sources = named[: len(named) - bool(task.has_mask)]
    return sources[0] if len(sources) == 1 else {}


def source_task(principal: Principal, task: Task) -> Task | None:
    """The task of the picture that *task* is an edit of, while that picture exists."""
    try:
        image = find_picture(principal, source_id(task) or "")
        return find(principal, image.task_id)
    except (ImageNotFound, TaskNotFound):
        return None


def clips_up_to(principal: Principal, video: Image) -> list[Image]:
    """
    The clips that end in *video*, each of which continues the one before, as far as
    they exist; at most `MAX_CLIPS`.
    """
    found = [video]
    while len(found) < MAX_CLIPS:
        try:
            before = clip_before(principal, find(principal, found[0].task_id))
        except TaskNotFound:
            break
        if before is None or before.id in {each.id for each in found}:
            break
        found.insert(0, before)
    return found


def clip_before(principal: Principal, task: Task) -> Image | None:
    """The video that the task's video continues, while it exists."""
    source_video = source_id(task)
    if source_video is None:
        return None
    try:
        found = find_picture(principal, source_video)
    except ImageNotFound:
        return None
    return found if found.is_video else None


def family(principal: Principal, task: Task) -> list[Task]:
    """
    A task, those that it was edited from, and all that were edited from their pictures,
    oldest first; at most about `MAX_FAMILY`.
    """
    for _ in range(MAX_DEPTH):
        task = source_task(principal, task) or task
    found = level = {task.id: task}
    while level and len(found) < MAX_FAMILY:
        ids = [name for each in level.values() for name in each.generation_ids]
        where: dict = {
            "made_from": {"$exists": True},
            "made_from.picture": {"$in": ids},
        }
        where |= {**principal.filter(), **THERE}
        newest: dict = {"sort": [("created_at", -1)], "limit": MAX_FAMILY}
        edits = Task.find_all(where, **newest)
        level = {each.id: each for each in edits if each.id not in found}
        found = found | level
    return sorted(found.values(), key=lambda each: each.created_at)


def neighbour_id(
    image: Image, *, newer: bool, among: PictureFilter | None
) -> str | None:
    """The id of the neighbour of *image* among its owner's pictures."""
    index, parts = "user_created", [{"user_id": image.user_id, **SHOWN}]
    if among is not None:
        index, parts = plan(image.user_id, among)
    found = neighbour(image, parts, index, newer=newer)
    return found and found.id


def neighbour(
    image: Image, parts: list[dict], index: str, *, newer: bool
) -> Image | None:
    """The neighbour of *image* among the pictures that *parts* select by *index*."""
    sign, order = ("$gt", 1) if newer else ("$lt", -1)
    beyond = cursors.beyond(image.created_at, image.id, "created_at", sign)
    row = Image.collection().find_one(
        {"$and": [*parts, beyond]},
        {"created_at": 1},
        sort=[("created_at", order), ("_id", order)],
        hint=index,
    )
    return None if row is None else Image.read(row)


@audited(Image, "pictures.link")
def replace_link(principal: Principal, picture_id: str) -> Image:
    """
    Replace a picture's public link; the old one stops working.

    Raises:
        ImageNotFound: as in `find_picture`.
    """
    indexes.require(indexes.LINKS, fresh=True)
    new = {"$set": {"key": new_key()}}
    found = principal.change(Image, picture_id, new, ImageNotFound, SHOWN)
    Task.touch([found.task_id])
    log.info("link replaced picture=%s user=%s", found.id, principal.user_id)
    return found


@audited(Image, "pictures.favourite")
def set_favourite(
    principal: Principal, picture_ids: Iterable[str], wanted: bool
) -> int:
    """
    Mark or unmark pictures as favourites; return their number. Pictures in the trash,
    and those of other users, are ignored.
    """
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    return Image.change(where, {"favourite": True if wanted else GONE})
