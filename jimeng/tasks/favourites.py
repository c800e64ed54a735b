"""Pictures that somebody wants to keep in sight."""

from collections.abc import Iterable

from jimeng.documents import Image
from jimeng.documents.image import GONE, SHOWN
from jimeng.viewers import Viewer


def set_favourite(viewer: Viewer, picture_ids: Iterable[str], wanted: bool) -> int:
    """
    Make pictures favourites, or favourites no more; return how many of them there
    are. Those in the trash, and others' pictures, are as if they had never been.
    """
    where = {"_id": {"$in": list(picture_ids)}, **viewer.filter(), **SHOWN}
    return Image.change(where, {"favourite": True if wanted else GONE})
