"""Looking through one's pictures: any filters, any words, page by page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from jimeng.documents import Collection, Image
from jimeng.documents.cursors import NEWEST_FIRST, Page, after, cut_page
from jimeng.documents.image import SHOWN, list_name
from jimeng.documents.principal import Principal
from jimeng.pictures.search_terms import fold, grams
from jimeng.tasks.queries import MAX_SEARCH_WORDS

UNSEEN = {"grams": 0, "lists": 0, "text": 0}  # what searches need, and nobody else
MAX_COUNTED = 500  # pictures; what has fewer is rare enough
# Pictures that are counted to be told; those of a search are read for it.
MAX_HITS, MAX_FOUND = 1000, 200


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """
    Which pictures; everything is optional.

    Attributes:
        q: Their prompts have all of these words, in either case.
        favourite: Only favourites.
        model: Only of this one.
        ratio: Only of this shape, by the name that `Image.ratio` has.
        since: Made at that moment or later.
        until: Made before that moment.
        collection: Only what is in the collection of that id.
    """

    q: str = ""
    favourite: bool = False
    model: str = ""
    ratio: str = ""
    since: datetime | None = None
    until: datetime | None = None
    collection: str = ""

    @property
    def narrows(self) -> bool:
        """Whether its list has fewer pictures than there are."""
        return self.favourite or bool(self.model or self.ratio)

    def where(self, user_id: str) -> dict:
        """
        The query that one index answers, whatever else the user has; with a collection
        it is that of the collection, or of the list, as `plan` finds.
        """
        name = list_name(favourite=self.favourite, model=self.model, ratio=self.ratio)
        where: dict = {"user_id": user_id, "lists": name}
        if self.collection:
            where["collections"] = self.collection
        between = {"$gte": self.since, "$lt": self.until}
        given = {sign: moment for sign, moment in between.items() if moment}
        return {**where, "created_at": given} if given else where


@dataclass(frozen=True)
class Hits:
    """How many pictures there are, and whether there are *more* than were counted."""

    n: int
    more: bool = False


def browse(
    principal: Principal, wanted: Wanted, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    The principal's own pictures; a page deep down costs what the first does.

    Args:
        cursor: The ``next_cursor`` of the page before.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    return browse_of(principal.user_id, wanted, cursor=cursor, limit=limit)


def browse_of(
    user_id: str, wanted: Wanted, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """`browse`, of a user whose pictures whoever asks may see."""
    index, parts = plan(user_id, wanted)
    if cursor is not None:
        parts.append(after(cursor, "created_at"))
    rows = Image.collection().find({"$and": parts}, UNSEEN).hint(index)
    return page_of(list(rows.sort(NEWEST_FIRST).limit(limit + 1)), limit, "created_at")


def pictures_in(
    collection: Collection, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    The pictures of a collection that whoever asks may see, newest first.

    Raises:
        Invalid: as `browse`.
    """
    wanted = Wanted(collection=collection.id)
    return browse_of(collection.user_id, wanted, cursor=cursor, limit=limit)


def hits(principal: Principal, wanted: Wanted) -> Hits:
    """Count what `browse` goes through, as far as that costs next to nothing."""
    return hits_of(principal.user_id, wanted)


def hits_of(user_id: str, wanted: Wanted) -> Hits:
    """`hits`, of a user whose pictures whoever asks may see."""
    index, parts = plan(user_id, wanted)
    most = MAX_FOUND if wanted.q.strip() else MAX_HITS
    n = count({"$and": parts}, index, most + 1)
    return Hits(min(n, most), n > most)


def plan(user_id: str, wanted: Wanted) -> tuple[str, list[dict]]:
    """
    The index to go by, and what must be true of a picture.

    What has to be true at once is looked for among the pictures of a list, of a
    collection, or with a certain pair of characters, whichever are fewest.
    """
    where = wanted.where(user_id)
    words = fold(wanted.q).split()[:MAX_SEARCH_WORDS]
    ways = ways_of(user_id, wanted)
    if not words:
        return fewest(ways), [where]
    # As they stand: pairs that a prompt has may be apart in it.
    parts = [where, *({"text": {"$regex": re.escape(word)}} for word in words)]
    pairs = [gram for word in words for gram in grams(word) if len(gram) == 2]
    some = sorted({*pairs, *(word for word in words if len(word) == 1)})[
        :MAX_SEARCH_WORDS
    ]
    counts = {
        gram: count({"user_id": user_id, "grams": gram}, "search") for gram in some
    }
    rarest = min(counts, key=lambda gram: counts[gram])
    index = fewest(ways)
    if count(ways[index], index) < counts[rarest]:
        return index, parts
    return "search", [*parts, {"grams": rarest}]


def ways_of(user_id: str, wanted: Wanted) -> dict[str, dict]:
    """Index -> as much of what is wanted as it answers by itself."""
    of_list = replace(wanted, collection="")
    ways = {"gallery": of_list.where(user_id)}
    if wanted.collection:
        among = {k: v for k, v in wanted.where(user_id).items() if k != "lists"}
        # Of what all pictures have in common a collection is never more.
        ways = {"collection": among} | (ways if of_list.narrows else {})
    return ways


def fewest(ways: dict[str, dict]) -> str:
    """The index by which the fewest pictures are looked at."""
    if len(ways) == 1:
        return next(iter(ways))
    return min(ways, key=lambda index: count(ways[index], index))


def count(where: dict, index: str, most: int = MAX_COUNTED) -> int:
    """How many pictures, up to so many that it does not matter any more."""
    return Image.collection().count_documents(where, hint=index, limit=most)


def page_of(rows: list[dict], limit: int, field: str) -> Page[Image]:
    """*rows* are one more than a page where there is a next one."""
    return cut_page(rows, limit, field).read(Image.read_all)


def pictures_of(principal: Principal, picture_ids: Iterable[str]) -> list[Image]:
    """Those of these pictures that are there for this principal, newest first."""
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    return Image.find_all(where, UNSEEN, sort=NEWEST_FIRST)


def has_pictures(principal: Principal) -> bool:
    """Whether there is any picture outside the trash."""
    where = Wanted().where(principal.user_id)
    return Image.collection().find_one(where, {"_id": 1}) is not None


def models_used(principal: Principal) -> list[str]:
    """The models that have made any of the principal's pictures."""
    found = Image.collection().distinct("model", {"user_id": principal.user_id})
    return sorted(model for model in found if model)
