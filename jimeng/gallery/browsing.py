"""Filtered and paginated queries of a user's pictures, with text search."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from jimeng.documents import Collection, Image, Task
from jimeng.documents.cursors import NEWEST_FIRST, Page, after, cut_page
from jimeng.documents.image import SHOWN, fold, grams, list_name
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.tasks.queries import MAX_SEARCH_WORDS

WITHOUT_SEARCH_FIELDS = {
    "grams": 0,
    "lists": 0,
    "text": 0,
}  # projection: fields of the search alone
# Name -> `Image.kind`. There are few videos among the pictures.
KINDS = {"images": None, "videos": VIDEO}
MAX_COUNTED = 500  # pictures; fewer matches are selective enough
# Counts shown to users stop here; a text search must read the documents to count them.
MAX_HITS, MAX_SEARCH_HITS = 1000, 200


PARTIAL = {"collection": "collections", "tag": "tags", "video": "kind"}


@dataclass(frozen=True, kw_only=True)
class PictureFilter:
    """
    A filter of pictures; all fields are optional.

    Attributes:
        q: Words that the prompt must contain, case-insensitively.
        favourite: Only favourites.
        model: Only of this model.
        ratio: Only of this aspect ratio, by the name in `Image.ratio`.
        since: Created at that time or later.
        until: Created before that time.
        collection: Only pictures in the collection of that id.
        tag: Only pictures with this tag.
        batch: Only pictures of the batch of that id.
        kind: Only ``images`` or ``videos``; both if empty.
    """

    q: str = ""
    favourite: bool = False
    model: str = ""
    ratio: str = ""
    since: datetime | None = None
    until: datetime | None = None
    collection: str = ""
    tag: str = ""
    batch: str = ""
    kind: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it selects by favourite, model or aspect ratio."""
        return self.favourite or bool(self.model or self.ratio)

    def where(self, user_id: str) -> dict:
        """
        The query, which one index answers however many pictures the user has; with a
        collection, a tag or videos alone, `plan` chooses between its index and that of
        the list.
        """
        name = list_name(favourite=self.favourite, model=self.model, ratio=self.ratio)
        where: dict = {"user_id": user_id, "lists": name}
        if self.collection:
            where["collections"] = self.collection
        if self.tag:
            where["tags"] = self.tag
        if self.kind:
            where["kind"] = KINDS[self.kind]
        between = {"$gte": self.since, "$lt": self.until}
        bounds = {sign: moment for sign, moment in between.items() if moment}
        return {**where, "created_at": bounds} if bounds else where


@dataclass(frozen=True)
class Hits:
    """
    Attributes:
        n: The number of pictures and videos.
        more: Whether there are more than were counted.
        kind: ``images`` or ``videos`` if only these were counted.
    """

    n: int
    more: bool = False
    kind: str = ""


def browse(
    principal: Principal,
    wanted: PictureFilter,
    *,
    cursor: str | None = None,
    limit: int = 60,
) -> Page[Image]:
    """
    List the principal's own pictures; every page costs the same.

    Args:
        cursor: The ``next_cursor`` of the previous page.

    Raises:
        Invalid: the cursor is malformed.
    """
    return browse_user(principal.user_id, wanted, cursor=cursor, limit=limit)


def browse_user(
    user_id: str, wanted: PictureFilter, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """`browse` for any user; the caller has checked access."""
    index, parts = plan(user_id, wanted)
    if cursor is not None:
        parts.append(after(cursor, "created_at"))
    rows = Image.collection().find({"$and": parts}, WITHOUT_SEARCH_FIELDS).hint(index)
    return page_of(list(rows.sort(NEWEST_FIRST).limit(limit + 1)), limit, "created_at")


def pictures_in(
    collection: Collection, *, cursor: str | None = None, limit: int = 60
) -> Page[Image]:
    """
    List the pictures of a collection, newest first; the caller has checked access.

    Raises:
        Invalid: as `browse`.
    """
    wanted = PictureFilter(collection=collection.id)
    return browse_user(collection.user_id, wanted, cursor=cursor, limit=limit)


def set_costs(images: Iterable[Image]) -> None:
    """Set what each has cost, as its task says: one query, however many they are."""
    found = list(images)
    ids = list({image.task_id for image in found})
    tasks = {
        task.id: task for task in Task.find_all({"_id": {"$in": ids}}, {"costs": 1})
    }
    for image in found:
        task = tasks.get(image.task_id)
        image.cost_micros = task.cost_of(image.index) if task else None


def hits(principal: Principal, wanted: PictureFilter) -> Hits:
    """Count the pictures of `browse`, up to a limit that keeps it cheap."""
    return hits_of_user(principal.user_id, wanted)


def hits_of_user(user_id: str, wanted: PictureFilter) -> Hits:
    """`hits` for any user; the caller has checked access."""
    index, parts = plan(user_id, wanted)
    most = MAX_SEARCH_HITS if wanted.q.strip() else MAX_HITS
    n = count({"$and": parts}, index, most + 1)
    return Hits(min(n, most), n > most, wanted.kind)


def plan(user_id: str, wanted: PictureFilter) -> tuple[str, list[dict]]:
    """
    Choose the index, and the conditions of the query.

    The index is that of the list, of the collection, or of the rarest pair of
    characters of the search words, whichever matches the fewest pictures.
    """
    where = wanted.where(user_id)
    if wanted.batch:
        tasks = Task.collection().find({"batch": wanted.batch}, {"_id": 1})
        return "task", [where, {"task_id": {"$in": [task["_id"] for task in tasks]}}]
    words = fold(wanted.q).split()[:MAX_SEARCH_WORDS]
    candidates = index_candidates(user_id, wanted)
    if not words:
        return most_selective(candidates), [where]
    # Match whole words too: a prompt may contain all their pairs in other places.
    parts = [where, *({"text": {"$regex": re.escape(word)}} for word in words)]
    pairs = [gram for word in words for gram in grams(word) if len(gram) == 2]
    search_grams = sorted({*pairs, *(word for word in words if len(word) == 1)})[
        :MAX_SEARCH_WORDS
    ]
    counts = {
        gram: count({"user_id": user_id, "grams": gram}, "search")
        for gram in search_grams
    }
    rarest = min(counts, key=lambda gram: counts[gram])
    index = most_selective(candidates)
    if count(candidates[index], index) < counts[rarest]:
        return index, parts
    return "search", [*parts, {"grams": rarest}]


def index_candidates(user_id: str, wanted: PictureFilter) -> dict[str, dict]:
    """Index -> the part of the query that it answers by itself."""
    of_list = replace(wanted, collection="", tag="", kind="")
    where = wanted.where(user_id)
    # None of these is larger than the list of all pictures.
    candidates = {
        index: {k: v for k, v in where.items() if k in {"user_id", field, "created_at"}}
        for index, field in PARTIAL.items()
        if where.get(field) is not None
    }
    if of_list.narrows or not candidates:
        candidates["gallery"] = of_list.where(user_id)
    return candidates


def most_selective(candidates: dict[str, dict]) -> str:
    """The index that matches the fewest pictures."""
    if len(candidates) == 1:
        return next(iter(candidates))
    return min(candidates, key=lambda index: count(candidates[index], index))


def count(where: dict, index: str, most: int = MAX_COUNTED) -> int:
    """Count matches, up to *most*."""
    return Image.collection().count_documents(where, hint=index, limit=most)


def page_of(rows: list[dict], limit: int, field: str) -> Page[Image]:
    """Cut *rows*, which are one more than a page if there is a next one."""
    return cut_page(rows, limit, field).read(Image.read_all)


def pictures_of(principal: Principal, picture_ids: Iterable[str]) -> list[Image]:
    """The pictures with these ids that the principal may see, newest first."""
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    return Image.find_all(where, WITHOUT_SEARCH_FIELDS, sort=NEWEST_FIRST)


def has_pictures(principal: Principal) -> bool:
    """Whether the principal has any picture outside the trash."""
    where = PictureFilter().where(principal.user_id)
    return Image.collection().find_one(where, {"_id": 1}) is not None


def has_videos(principal: Principal) -> bool:
    """Whether the principal has any video."""
    where = {"user_id": principal.user_id, "kind": VIDEO}
    return Image.collection().find_one(where, {"_id": 1}, hint="video") is not None


def models_used(principal: Principal) -> list[str]:
    """The models of the principal's pictures."""
    found = Image.collection().distinct("model", {"user_id": principal.user_id})
    return sorted(model for model in found if model)
