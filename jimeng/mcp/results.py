"""Results of tools: text for models, thumbnails, and links to the full pictures."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from jimeng import tasks
from jimeng.documents import Image, Status
from jimeng.errors import ImageNotFound
from jimeng.pictures import shrink
from jimeng.schemas.tasks import TaskResult, link_of
from jimeng.tasks import TaskView

RESULT = TaskResult()
# Of the thumbnails of one result, before Base64: they fill the model's context.
MAX_THUMBNAILS_BYTES, MAX_THUMBNAIL_BYTES = 96_000, 64_000
THUMBNAIL_PIXELS = 512  # pixels
RECORD_FIELDS = ("task_id", "status", "message", "user_id", "created_at")
COST_FIELDS = ("cost", "cost_micros", "held_micros")
RESULT_FIELDS = ("images", "videos", "failed")
OPEN_FIELDS = ("phase", "progress", "position", "eta_seconds")
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TIME = {"type": "string", "format": "date-time"}
STATUS = {"type": "string", "enum": [*Status]}
OBJECT = {"type": "object"}


@dataclass(frozen=True)
class Result:
    """
    Attributes:
        structured: JSON for programs, and as text for models.
        pictures: Shown as thumbnails, and linked.
        is_error: The tool has failed.
    """

    structured: dict
    pictures: Sequence[Image] = field(default_factory=tuple)
    is_error: bool = False

    def content(self) -> dict:
        """The result of ``tools/call``."""
        said = json.dumps(self.structured, ensure_ascii=False)
        most = min(
            MAX_THUMBNAIL_BYTES, MAX_THUMBNAILS_BYTES // max(len(self.pictures), 1)
        )
        shown = [{"type": "text", "text": said}]
        shown += [part for each in self.pictures for part in image_content(each, most)]
        return {
            "content": [*shown, *map(link, self.pictures)],
            "structuredContent": self.structured,
            "isError": self.is_error,
        }


def refusal(message: str, **details: object) -> dict:
    """
    An error result, with a message that the model can act on, and details for programs.
    """
    found = {"content": [{"type": "text", "text": message}], "isError": True}
    return {**found, "_meta": details} if details else found


def image_content(picture: Image, most: int) -> list[dict]:
    """A thumbnail of at most *most* bytes; empty if the picture was just deleted."""
    try:
        _, thumbnail = tasks.open_image(None, picture.key, "thumbnail_id")
        whole = thumbnail.read()
    except ImageNotFound:
        return []
    content = shrink(whole, side=THUMBNAIL_PIXELS, most=most, user=picture.user_id)
    data = base64.b64encode(content).decode()
    return [{"type": "image", "data": data, "mimeType": "image/jpeg"}]


def link(picture: Image) -> dict:
    return {
        "type": "resource_link",
        "uri": link_of(picture),
        "name": f"{picture.id}.{picture.suffix}",
        "mimeType": picture.content_type,
        "size": picture.bytes,
    }


def record(view: TaskView) -> dict:
    """A task's record for models: request, status, and links to its pictures."""
    dumped = RESULT.dump(view)
    found = {
        name: dumped[name]
        for name in (*RECORD_FIELDS, *OPEN_FIELDS, *COST_FIELDS)
        if name in dumped
    }
    found |= {"prompt": view.task.prompt, "model": view.task.model}
    found |= {"metadata": dumped["metadata"]} if dumped["metadata"] else {}
    if "result" in dumped:
        result = dumped["result"]
        found |= {name: result[name] for name in RESULT_FIELDS if name in result}
    return {**found, "error": dumped["error"]} if "error" in dumped else found


def object_schema(properties: dict, *required: str) -> dict:
    """The JSON Schema of an object."""
    return {"type": "object", "properties": properties, "required": [*required]}


def array_schema(item: dict) -> dict:
    return {"type": "array", "items": item}


def page_schema(name: str, item: dict) -> dict:
    """The JSON Schema of a page of a list."""
    cursor = {"type": ["string", "null"]}
    return object_schema(
        {name: array_schema(item), "next_cursor": cursor}, name, "next_cursor"
    )


IMAGES = array_schema(
    object_schema({"url": TEXT, "width": WHOLE, "height": WHOLE}, "url")
)
VIDEOS = array_schema(
    object_schema(
        {
            "url": TEXT,
            "poster_url": TEXT,
            "width": WHOLE,
            "height": WHOLE,
            "duration": {"type": "number"},
            "has_audio": FLAG,
            "last_frame_url": {"type": ["string", "null"]},
        },
        "url",
    )
)
TASK = object_schema(
    {
        "task_id": TEXT,
        "status": STATUS,
        "message": TEXT,
        "user_id": TEXT,
        "created_at": TIME,
        "prompt": TEXT,
        "model": TEXT,
        "metadata": OBJECT,
        "phase": TEXT,
        "progress": WHOLE,
        "position": WHOLE,
        "eta_seconds": WHOLE,
        "cost": {"type": ["string", "null"]},
        "cost_micros": {"type": ["integer", "null"]},
        "held_micros": {"type": ["integer", "null"]},
        "images": IMAGES,
        "videos": VIDEOS,
        "failed": array_schema(OBJECT),
        "error": OBJECT,
        "joined": FLAG,
        "next": TEXT,
    },
    *(*RECORD_FIELDS, "prompt", "model"),
)
# Of a tool with ``dry_run``: one or the other.
TASK_OR_ESTIMATE = object_schema(
    {
        **TASK["properties"],
        "cost": {"type": ["string", "object", "null"]},
        "dry_run": FLAG,
        "provider": TEXT,
        "n": WHOLE,
        "width": {"type": ["integer", "null"]},
        "height": {"type": ["integer", "null"]},
        "estimate": OBJECT,
    },
    "model",
)
TASKS = page_schema("tasks", TASK)
MODELS = object_schema({"models": array_schema(OBJECT)}, "models")
BATCH = object_schema(
    {
        "batch_id": TEXT,
        "name": TEXT,
        "status": STATUS,
        "reason": TEXT,
        "count_of_prompts": WHOLE,
        "total_pictures": WHOLE,
        "eta_seconds": WHOLE,
        "pictures": OBJECT,
        "waits": OBJECT,
        "lacking": OBJECT,
        "failures": array_schema(OBJECT),
        "created_at": TIME,
        "images": IMAGES,
        "page": TEXT,
        "dry_run": FLAG,
        "repeated": WHOLE,
        "prompts": array_schema(TEXT),
        "model": TEXT,
        "n": WHOLE,
        "cost": {"type": ["object", "null"]},
        "estimate": OBJECT,
        "joined": FLAG,
        "message": TEXT,
        "next": TEXT,
    },
    "count_of_prompts",
)
COLLECTION = object_schema(
    {
        "id": TEXT,
        "name": TEXT,
        "pictures": WHOLE,
        "more_pictures": FLAG,
        "updated_at": TIME,
        "page": TEXT,
    },
    *("id", "name", "pictures", "page"),
)
COLLECTIONS = page_schema("collections", COLLECTION)
ADDED = object_schema(
    {"collection": COLLECTION, "added": WHOLE, "left_out": WHOLE},
    *("collection", "added", "left_out"),
)
