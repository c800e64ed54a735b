"""Shares as visitors see them, who have the link and nothing else."""

from dataclasses import dataclass

from jimeng import pictures
from jimeng.documents import Collection, Image, Share, utcnow
from jimeng.documents.cursors import Page, cursor_of
from jimeng.documents.image import FILES, SHOWN
from jimeng.documents.share import Shared
from jimeng.errors.collections import ShareNotFound
from jimeng.gallery.browsing import (
    WITHOUT_SEARCH_FIELDS,
    Hits,
    PictureFilter,
    hits_of_user,
    pictures_in,
)
from jimeng.gallery.picture_details import neighbour
from jimeng.gallery.shares import name_of, time_of
from jimeng.pictures.contents import Content
from jimeng.tasks.queries import file_of

MAX_CARD_BYTES = 300_000  # messengers do not load larger previews


@dataclass(frozen=True)
class Visit:
    """
    An open share, as seen by a visitor.

    Attributes:
        collection: The shared collection; None for a single picture.
    """

    share: Share
    collection: Collection | None

    @property
    def title(self) -> str:
        """The page's title; empty if there is none."""
        return self.share.title or (self.collection.name if self.collection else "")

    @property
    def where(self) -> dict:
        """The query of all pictures that it shows."""
        where = {"user_id": self.share.user_id, **SHOWN}
        if self.collection is None:
            return {"_id": self.share.id, **where}
        return {**where, "collections": self.collection.id}

    def prompt(self, image: Image) -> str:
        """A picture's prompt, if the owner shares prompts; else empty."""
        return (image.prompt or "") if self.share.prompts else ""

    @property
    def hits(self) -> Hits:
        if self.collection is None:
            return Hits(1)
        return hits_of_user(
            self.share.user_id, PictureFilter(collection=self.collection.id)
        )


def visit(token: str) -> Visit:
    """
    Open a share by its link.

    Raises:
        ShareNotFound: it has ended or never existed, or its target is gone.
    """
    share = Share.find_one({"token": token})
    if share is None or share.has_ended(utcnow()):
        raise ShareNotFound("no share under that link")
    if share.kind != Shared.COLLECTION.value:
        return Visit(share, None)
    where = {"_id": share.id, "user_id": share.user_id}
    collection = Collection.find_one(where)
    if collection is None:
        raise ShareNotFound(f"share {share.id} of nothing")
    return Visit(share, collection)


def open_page(
    seen: Visit, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    The pictures of a share, newest first.

    Args:
        cursor: The name of the last picture of the previous page: the cursors of other
                lists reveal ids and times.

    Raises:
        ShareNotFound: its single picture is gone, or no picture has that name.
    """
    if seen.collection is None:
        image = Image.find_one(seen.where)
        if image is None:
            raise ShareNotFound(f"share {seen.share.id} of nothing")
        return Page([image])
    last = None
    if cursor is not None:
        image = picture_by_name(seen, cursor)
        row = {"_id": image.id, "created_at": image.created_at}
        last = cursor_of(row, "created_at")
    found = pictures_in(seen.collection, cursor=last, limit=limit)
    more = found.next_cursor and name_of(seen.share, found.rows[-1])
    return Page(found.rows, more or None)


def picture_by_name(seen: Visit, name: str) -> Image:
    """
    Find the picture of that name.

    Raises:
        ShareNotFound: the share has no such picture, or no longer.
    """
    moment = time_of(seen.share, name)
    where = {**seen.where, "created_at": moment}
    for image in Image.find_all(where, WITHOUT_SEARCH_FIELDS) if moment else ():
        if name_of(seen.share, image) == name:
            return image
    raise ShareNotFound(f"no such picture in share {seen.share.id}")


def neighbours(seen: Visit, image: Image) -> tuple[str | None, str | None]:
    """The names of the neighbours of *image*: the newer and the older one."""
    if seen.collection is None:
        return None, None
    newer, older = (
        neighbour(image, [seen.where], "collection", newer=newer)
        for newer in (True, False)
    )
    return newer and name_of(seen.share, newer), older and name_of(seen.share, older)


def content(image: Image, part: str = FILES[0]) -> Content:
    """
    A file of a picture.

    Raises:
        ShareNotFound: it has none, now or when it is read.
    """
    return file_of(image, part, missing=ShareNotFound)


def card(image: Image) -> bytes:
    """
    Render the preview card, a JPEG, of a picture that has no preview.

    Raises:
        ShareNotFound: its file is gone.
        PictureInvalid: it cannot be decoded.
    """
    return pictures.shrink(
        content(image, "thumbnail_id").read(),
        side=pictures.THUMBNAIL_SIDE,
        most=MAX_CARD_BYTES,
        user=f"visitors of {image.user_id}",
        max_waiting=pictures.MAX_WAITING,
    )


def card_size(image: Image) -> tuple[int, int]:
    """Width and height of a picture's preview card."""
    side = pictures.PREVIEW_SIDE if image.preview_id else pictures.THUMBNAIL_SIDE
    share = min(1, side / max(image.width, image.height, 1))
    return max(1, round(image.width * share)), max(1, round(image.height * share))
