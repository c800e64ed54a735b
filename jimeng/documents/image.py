"""A stored output, a picture or a video, and by what galleries list and find it."""

import secrets
import unicodedata
from collections.abc import Mapping

from bson import ObjectId
from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    FloatField,
    IntField,
    ObjectIdField,
    StringField,
)

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import ListField
from jimeng.documents.kinds import VIDEO
from jimeng.documents.task import Task

SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
}
SHOWN = {"trashed_at": {"$exists": False}}
# The fields with the ids of its files; a later release may have others.
FILES = ("file_id", "thumbnail_id", "preview_id", "last_frame_id")
_LENGTHS = ("bytes", "thumbnail_bytes", "preview_bytes", "last_frame_bytes")
LENGTHS = dict(zip(FILES, _LENGTHS, strict=True))
GONE = "$$REMOVE"  # in `Image.change`: unset the field


def new_key() -> str:
    """Return 128 random bits: the link is the only credential for the picture."""
    return secrets.token_urlsafe(16)


def files_of(row: Mapping) -> list[ObjectId]:
    """Return the ids of a picture's stored files, as its record has them."""
    return [row[name] for name in FILES if row.get(name)]


def list_name(*, favourite: bool = False, model: str = "", ratio: str = "") -> str:
    """
    Return the name of the list of a user's pictures that match these filters; without
    arguments, of the list of all of them.
    """
    return f"{'*' if favourite else ''}|{model}|{ratio}"


def lists_of(model: str, ratio: str) -> list[str]:
    """Return the names of the lists that a new picture is in."""
    return [list_name(model=m, ratio=r) for m in ("", model) for r in ("", ratio)]


def _lists(mark: str) -> list[dict]:
    model, ratio = {"$ifNull": ["$model", ""]}, {"$ifNull": ["$ratio", ""]}
    return [
        {"$concat": [mark, "|", m, "|", r]} for m in ("", model) for r in ("", ratio)
    ]


# `lists_of` as an aggregation expression, from the record's current fields.
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


def search_fields(task: Task, ratio: str) -> dict:
    """
    The fields of an `Image` that lists and searches query.

    Args:
        ratio: Its nearest named aspect ratio.
    """
    text = fold(task.prompt)
    return {
        "prompt": written(task),
        "model": task.model,
        "ratio": ratio,
        "text": text,
        "grams": sorted(grams(text)),
    }


def written(task: Task) -> str:
    """The prompt as entered, without the appended text of a style."""
    prompt = task.input.get("prompt")
    return prompt if prompt and task.prompt.startswith(prompt) else task.prompt


def fold(text: str) -> str:
    """Normalise case and width of letters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Drop invisible characters: a regular expression of MongoDB cannot contain NUL.
    seen = (each if unicodedata.category(each)[0] != "C" else " " for each in folded)
    return " ".join("".join(seen).split())


def grams(text: str) -> set[str]:
    """The characters and pairs of adjacent characters of the words of a folded text."""
    words = text.split()
    pairs = (word[i : i + 2] for word in words for i in range(len(word) - 1))
    return {*"".join(words), *pairs}


class Image(Stored):
    """
    One picture or video, its bytes in the store.

    Attributes:
        kind: ``video``, or absent. The thumbnail and the preview of a video are those
            of its poster, the first key frame.
        id: The id of its generation, so that saving a picture twice stores it once.
        key: The secret part of its links.
        file_id: The id of the picture's file in the store.
        thumbnail_id: The id of its thumbnail, a WebP file.
        preview_id: The id of a larger thumbnail, for high-density screens; absent if
            the picture is small.
        last_frame_id: The id of a video's last frame, a picture; absent without one.
        duration_s: Of a video, in seconds.
        fps: Frames per second of a video.
        has_audio: Whether a video has sound.
        notes: What differs from the request: ``no_audio``, ``length_differs``,
            ``resolution_differs``.
        seed: The seed that was sent.
        prompt: The task's prompt as entered; copied, since it never changes.
        model: The task's model.
        ratio: The nearest named aspect ratio, or ``other``.
        text: The prompt with its style, normalized for search.
        grams: The characters and the bigrams of *text*, for the search index.
        lists: The names (`list_name`) of the lists that it is in. Each combination of
            filters is a list, so that the cost of a page does not depend on the number
            of other pictures.
        favourite: True, or absent.
        trashed_at: When it was moved to the trash; absent: it is shown.
        with_task: True if it is in the trash because its whole task is.
        collections: The ids of its collections; absent if there are none.
        tags: Its owner's tags for it, folded; absent if there are none. They are part
            of *text* and *grams*, so a search finds them.
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
    kind = StringField()
    last_frame_id = ObjectIdField()
    last_frame_bytes = IntField()
    duration_s = FloatField()
    fps = FloatField()
    has_audio = BooleanField()
    notes = ListField(StringField(), default=None)
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
    tags = ListField(StringField())

    # Not stored: the ids of the tasks that use it as an input; None if not looked up.
    made_into: tuple[str, ...] | None = None
    # Not stored: the cost in micro-yuan; None if unknown or not looked up.
    cost_micros: int | None = None

    meta = {
        "collection": "images",
        "indexes": [
            named_index("key", "key", unique=True),
            named_index("task", "task_id"),
            named_index("user_created", "user_id", "-created_at"),
            named_index("created", "created_at"),
            # Covering: what videos take is summed without documents.
            named_index(
                *("videos", "kind", "created_at", *_LENGTHS),
                partialFilterExpression={"kind": VIDEO},
            ),
            named_index("gallery", "user_id", "lists", "-created_at", "-_id"),
            named_index(
                *("collection", "user_id", "collections", "-created_at", "-_id"),
                having="collections",
            ),
            named_index(
                *("tag", "user_id", "tags", "-created_at", "-_id"), having="tags"
            ),
            named_index(
                *("video", "user_id", "kind", "-created_at", "-_id"), having="kind"
            ),
            named_index("models", "user_id", "model"),
            named_index("search", "user_id", "grams", "-created_at", "-_id"),
            named_index("trash", "user_id", "-trashed_at", "-_id", having="trashed_at"),
            named_index("trashed", "trashed_at", having="trashed_at"),
        ],
    }

    @property
    def is_video(self) -> bool:
        return self.kind == VIDEO

    @property
    def suffix(self) -> str:
        """The extension of its file name."""
        return SUFFIXES.get(self.content_type, "bin")  # as of a later release

    @property
    def path(self) -> str:
        """The path of its link."""
        return f"/{'v' if self.is_video else 'i'}/{self.key}.{self.suffix}"

    @property
    def poster_path(self) -> str:
        """The path of the largest still picture of a video."""
        return f"/i/{self.key}/{'preview.jpg' if self.preview_id else 'thumb.webp'}"

    @property
    def still_path(self) -> str:
        """The path of the picture itself, or of a video's poster."""
        return self.poster_path if self.is_video else self.path

    @property
    def last_frame_path(self) -> str | None:
        """The path of a video's last frame, if it is stored."""
        return f"/v/{self.key}/last_frame.png" if self.last_frame_id else None

    @property
    def input_part(self) -> str:
        """The name of the file that is used as an input: of a video its last frame."""
        return "last_frame_id" if self.is_video else "file_id"

    @staticmethod
    def changing(changes: Mapping[str, object]) -> list[dict]:
        """Build the update of fields that lists depend on, and of `lists` with them."""
        return [{"$set": dict(changes)}, {"$set": {"lists": LISTS}}]

    @classmethod
    def change(cls, where: Mapping[str, object], changes: Mapping[str, object]) -> int:
        """
        Change fields of the matching pictures, and update their lists with them.

        Returns:
            The number of matching pictures.
        """
        update = cls.changing(changes)
        return cls.collection().update_many(where, update).matched_count
