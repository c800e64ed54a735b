"""One picture: all there is to know of it, its neighbours, its link; favourites."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng.documents import Generation, Image, Task, cursors, indexes
from jimeng.documents.image import GONE, SHOWN, new_key
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery.browsing import Wanted, plan
from jimeng.tasks.audit import audited
from jimeng.tasks.queries import find

MAX_MADE = 24  # pictures that are named as made from one
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureRecord:
    """
    Attributes:
        image: The picture.
        task: What asked for it.
        generation: What made it; None if that is not kept any more.
        siblings: All pictures of the task that are there, in order.
        newer: The id of the next newer picture of those that are looked through, if
            there is one.
        older: The same, older.
    """

    image: Image
    task: Task
    generation: Generation | None
    siblings: list[Image]
    newer: str | None
    older: str | None


def find_picture(principal: Principal, picture_id: str) -> Image:
    """
    Look up one picture.

    Raises:
        ImageNotFound: no such picture, somebody else's, or one in the trash.
    """
    return principal.find(Image, picture_id, ImageNotFound, SHOWN)


def picture(
    principal: Principal, picture_id: str, among: Wanted | None = None
) -> PictureRecord:
    """
    All there is to know of a picture.

    Args:
        among: Which of its owner's are looked through; None: all of them.

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
        newer=beside(image, newer=True, among=among),
        older=beside(image, newer=False, among=among),
    )


def made_into(principal: Principal, image: Image) -> list[Image]:
    """The newest pictures that were drawn from *image*, of tasks that are there."""
    where: dict = {"made_from": {"$exists": True}, "made_from.picture": image.id}
    where |= {**principal.filter(), **THERE}
    newest: dict = {"sort": [("created_at", -1)], "limit": MAX_MADE}
    ids = Task.find_ids(where, **newest)
    return Image.find_all({"task_id": {"$in": ids}, **SHOWN}, **newest) if ids else []


def beside(image: Image, *, newer: bool, among: Wanted | None) -> str | None:
    """The id of the picture next to *image* among those of its owner."""
    index, parts = "user_created", [{"user_id": image.user_id, **SHOWN}]
    if among is not None:
        index, parts = plan(image.user_id, among)
    found = next_to(image, parts, index, newer=newer)
    return found and found.id


def next_to(
    image: Image, parts: list[dict], index: str, *, newer: bool
) -> Image | None:
    """The picture next to *image* among those that *parts* find by *index*."""
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
    Give a picture a new link; whoever has only the old one sees it no more.

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
    Make pictures favourites, or favourites no more; return how many of them there
    are. Those in the trash, and others' pictures, are as if they had never been.
    """
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    return Image.change(where, {"favourite": True if wanted else GONE})
