"""Tags: texts that users attach to pictures, to filter by and to search for."""

from collections import Counter
from collections.abc import Iterable

from pymongo import UpdateOne

from jimeng.documents import Image
from jimeng.documents.auditing import audited
from jimeng.documents.image import SHOWN, fold, grams
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid

MAX_TAGS = 20  # of a picture
MAX_TAG_CHARS = 40
MAX_OFFERED = 100  # tags that a filter offers
RECENT = 5000  # tagged pictures whose tags are offered
BREAK = "\n"  # in `Image.text`, between the prompt and the tags


def tag_of(text: str) -> str:
    """
    A tag as it is stored: case and width of letters do not matter.

    Raises:
        Invalid: it is empty or too long.
    """
    tag = fold(text)
    if not 0 < len(tag) <= MAX_TAG_CHARS:
        raise Invalid.field("tag", "invalid.tag", max=MAX_TAG_CHARS)
    return tag


@audited(Image, "pictures.tag")
def change_tags(
    principal: Principal, picture_ids: Iterable[str], tag: str, wanted: bool
) -> int:
    """
    Add a tag to pictures, or remove it; return how many have changed. Pictures in the
    trash, and those of other users, are ignored.

    Raises:
        Invalid: as `tag_of`, or a picture has as many tags as it may.
    """
    tag = tag_of(tag)
    where = {"_id": {"$in": list(picture_ids)}, **principal.filter(), **SHOWN}
    where["tags"] = {"$ne": tag} if wanted else tag
    found = Image.find_all(where, {"tags": 1, "text": 1})
    if wanted and any(len(image.tags) >= MAX_TAGS for image in found):
        raise Invalid.field("tag", "invalid.tags_many", max=MAX_TAGS)
    updates = []
    for image in found:
        tags = sorted({*image.tags, tag} - ({tag} if not wanted else set()))
        # Another request may have changed them meanwhile: then this one loses.
        same = {"tags": image.tags} if image.tags else {"tags.0": {"$exists": False}}
        updates.append(
            UpdateOne({"_id": image.id, **same}, update_of(image.text or "", tags))
        )
    if not updates:
        return 0
    return Image.collection().bulk_write(updates, ordered=False).modified_count


def update_of(text: str, tags: list[str]) -> dict:
    """The update that stores *tags*, and the search fields that follow from them."""
    said = BREAK.join(filter(None, [text.partition(BREAK)[0], " ".join(tags)]))
    searched = {"text": said, "grams": sorted(grams(said))}
    if tags:
        return {"$set": {**searched, "tags": tags}}
    return {"$set": searched, "$unset": {"tags": ""}}


def tags_used(principal: Principal) -> list[str]:
    """The tags of the principal's latest tagged pictures, most frequent first."""
    where = {"user_id": principal.user_id, "tags": {"$exists": True}, **SHOWN}
    rows = Image.collection().find(where, {"tags": 1}, hint="tag").limit(RECENT)
    counts = Counter(tag for row in rows for tag in set(row["tags"]))
    return [tag for tag, _ in counts.most_common(MAX_OFFERED)]


def counts_of(images: Iterable[Image]) -> list[tuple[str, int]]:
    """The tags of these pictures, each with how many of them have it."""
    counts = Counter(tag for image in images for tag in image.tags)
    return sorted(counts.items())
