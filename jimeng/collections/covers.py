"""Collections as they are shown: how many pictures, and the newest of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from jimeng.documents import Collection, Image
from jimeng.tasks import Wanted
from jimeng.tasks.gallery import Hits, browse_of, hits_of


@dataclass(frozen=True)
class Overview:
    """
    Attributes:
        hits: How many pictures there are in it outside the trash, as far as counted.
        cover: The newest of them.
    """

    collection: Collection
    hits: Hits
    cover: Image | None


def overview(collections: Sequence[Collection]) -> list[Overview]:
    """What is to be seen of each, at a cost that is bounded for each."""
    return [overview_of(each) for each in collections]


def overview_of(collection: Collection) -> Overview:
    wanted = Wanted(collection=collection.id)
    found = browse_of(collection.user_id, wanted, limit=1).rows
    hits = hits_of(collection.user_id, wanted) if found else Hits(0)
    return Overview(collection, hits, found[0] if found else None)
