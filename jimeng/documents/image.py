"""A picture that is kept."""

import secrets
from collections.abc import Mapping

from bson import ObjectId
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    ObjectIdField,
    StringField,
)

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.decoding import ListField

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
SHOWN = {"trashed_at": {"$exists": False}}
# The fields that name its bytes; those of a release to come are not known here.
FILES = ("file_id", "thumbnail_id", "preview_id")
GONE = "$$REMOVE"  # in `Image.change`: the field is to be absent


def new_key() -> str:
    """128 random bits: who has the link may see the picture."""
    return secrets.token_urlsafe(16)


def files_of(row: Mapping) -> list[ObjectId]:
    """The ids of the bytes of a picture, as its record has them."""
    return [row[name] for name in FILES if row.get(name)]


def list_name(*, favourite: bool = False, model: str = "", ratio: str = "") -> str:
    """
    The list of a user's pictures that have these in common; without arguments the
    list of all of them.
    """
    return f"{'*' if favourite else ''}|{model}|{ratio}"


def lists_of(model: str, ratio: str) -> list[str]:
    """The lists that a new picture stands in."""
    return [list_name(model=m, ratio=r) for m in ("", model) for r in ("", ratio)]


def _lists(mark: str) -> list[dict]:
    model, ratio = {"$ifNull": ["$model", ""]}, {"$ifNull": ["$ratio", ""]}
    return [
        {"$concat": [mark, "|", m, "|", r]} for m in ("", model) for r in ("", ratio)
    ]


# `lists_of` for what the record says now, computed by MongoDB.
LISTS = {
    "$cond": [
        {"$ne": [{"$type": "$trashed_at"}, "missing"]},
        [],
        {
            "$setUnion": [
                _lists(""),
                {"$cond": [{"$eq": ["$favourite", True]}, _lists("*"), []]},
            ]
        },
    ]
}


class Image(Stored):
    """
    One picture, its bytes in the store.

    Attributes:
        id: That of the generation it came from, so that a picture saved twice
            is kept once.
        key: What its links are made of.
        file_id: The bytes, in the store.
        thumbnail_id: A WebP of it, in the store.
        preview_id: A larger one, for dense screens; absent where the picture is small.
        seed: The seed that was sent.
        prompt: As it was written; it never changes, so it is kept here too.
        model: That of the task.
        ratio: The nearest that has a name, or ``other``.
        text: The prompt with its style, in the form that searches compare.
        grams: The characters of *text*, and its pairs of neighbours.
        lists: Where it stands, by `list_name`: any choice of filters is one of
            them, so a page of one costs the same however many others there are.
        favourite: True, or absent.
        trashed_at: Since when it is in the trash; absent: it is shown.
        with_task: True where it is there because its whole task is.
        collections: The ids of those that it is in; absent where it is in none.
    """

    id = StringField(primary_key=True)
    task_id = StringField(required=True)
    user_id = StringField(required=True)
    index = IntField(required=True)
    key = StringField(default=new_key)
    file_id = ObjectIdField(required=True)
    thumbnail_id = ObjectIdField(required=True)
    thumbnail_bytes = IntField(required=True)
    preview_id = ObjectIdField()
    preview_bytes = IntField()
    width = IntField(required=True)  # pixels
    height = IntField(required=True)  # pixels
    bytes = IntField(required=True)
    content_type = StringField(required=True)
    sha256 = StringField(required=True)
    seed = IntField()
    created_at = DateTimeField(default=utcnow)
    prompt = StringField()
    model = StringField()
    ratio = StringField()
    text = StringField()
    grams = ListField(StringField())
    lists = ListField(StringField())
    favourite = BooleanField()
    trashed_at = DateTimeField()
    with_task = BooleanField()
    collections = ListField(StringField())

    # Not stored: the tasks that were made from it, where somebody has looked.
    made_into: tuple[str, ...] | None = None

    meta = {
        "collection": "images",
        "indexes": [
            named_index("key", "key", unique=True),
            named_index("task", "task_id"),
            named_index("user_created", "user_id", "-created_at"),
            named_index("created", "created_at"),
            named_index("gallery", "user_id", "lists", "-created_at", "-_id"),
            named_index(
                *("collection", "user_id", "collections", "-created_at", "-_id"),
                having="collections",
            ),
            named_index("models", "user_id", "model"),
            named_index("search", "user_id", "grams", "-created_at", "-_id"),
            named_index("trash", "user_id", "-trashed_at", "-_id", having="trashed_at"),
            named_index("trashed", "trashed_at", having="trashed_at"),
        ],
    }

    @property
    def suffix(self) -> str:
        """How the name of its file ends."""
        return SUFFIXES.get(self.content_type, "bin")  # a later release may keep others

    @staticmethod
    def changing(changes: Mapping[str, object]) -> list[dict]:
        """The update that changes what is shown of pictures, and where they stand."""
        return [{"$set": dict(changes)}, {"$set": {"lists": LISTS}}]

    @classmethod
    def change(cls, where: Mapping[str, object], changes: Mapping[str, object]) -> int:
        """
        Change what is shown of the pictures that match, and where they stand.

        Returns:
            How many matched.
        """
        update = cls.changing(changes)
        return cls.collection().update_many(where, update).matched_count
