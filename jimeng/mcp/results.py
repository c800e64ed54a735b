"""What tools give back: text for models, pictures small, links to the whole ones."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from jimeng import tasks
from jimeng.documents import Image, Status
from jimeng.errors import ImageNotFound
from jimeng.pictures import shrink
from jimeng.schemas.task_responses import TaskResult, picture_link
from jimeng.tasks import TaskView

RESULT = TaskResult()
# Bytes of the small pictures of one result, before Base64: it fills a model's memory,
# and nobody asked for it to be large.
MAX_FOR_ALL, MAX_FOR_ONE = 96_000, 64_000
SIDE = 512  # pixels
KEPT = ("task_id", "status", "message", "created_at")
WHILE_OPEN = ("phase", "progress", "position", "eta_seconds")
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
TIME = {"type": "string", "format": "date-time"}
STATUS = {"type": "string", "enum": [*Status]}
OBJECT = {"type": "object"}


@dataclass(frozen=True)
class Result:
    """
    Attributes:
        structured: For programs, and as text for models.
        pictures: To be shown, and linked.
        is_error: The tool has not done what it is for.
    """

    structured: dict
    pictures: Sequence[Image] = field(default_factory=tuple)
    is_error: bool = False

    def content(self) -> dict:
        """As ``tools/call`` answers."""
        said = json.dumps(self.structured, ensure_ascii=False)
        most = min(MAX_FOR_ONE, MAX_FOR_ALL // max(len(self.pictures), 1))
        shown = [{"type": "text", "text": said}]
        shown += [part for each in self.pictures for part in small(each, most)]
        return {
            "content": [*shown, *map(link, self.pictures)],
            "structuredContent": self.structured,
            "isError": self.is_error,
        }


def refusal(words: str) -> dict:
    """What a model is told that must do something else."""
    return {"content": [{"type": "text", "text": words}], "isError": True}


def small(picture: Image, most: int) -> list[dict]:
    """The picture in at most so many bytes; nothing where it has just gone."""
    try:
        _, thumbnail = tasks.open_image(None, picture.key, "thumbnail_id")
    except ImageNotFound:
        return []
    with thumbnail:
        content = shrink(thumbnail.read(), side=SIDE, most=most, user=picture.user_id)
    data = base64.b64encode(content).decode()
    return [{"type": "image", "data": data, "mimeType": "image/jpeg"}]


def link(picture: Image) -> dict:
    return {
        "type": "resource_link",
        "uri": picture_link(picture),
        "name": f"{picture.id}.{picture.suffix}",
        "mimeType": picture.content_type,
        "size": picture.bytes,
    }


def record(view: TaskView) -> dict:
    """A task as models need it: what it is, how it stands, where its pictures are."""
    told = RESULT.dump(view)
    found = {name: told[name] for name in (*KEPT, *WHILE_OPEN) if name in told}
    found |= {"prompt": view.task.prompt, "model": view.task.model}
    found |= {"metadata": told["metadata"]} if told["metadata"] else {}
    if "result" in told:
        found |= {name: told["result"][name] for name in ("images", "failed")}
    return {**found, "error": told["error"]} if "error" in told else found


def form(properties: dict, *required: str) -> dict:
    """An object of these, as JSON Schema has it."""
    return {"type": "object", "properties": properties, "required": [*required]}


def many(item: dict) -> dict:
    return {"type": "array", "items": item}


def page(name: str, item: dict) -> dict:
    """Some of a list, and where the next ones begin."""
    cursor = {"type": ["string", "null"]}
    return form({name: many(item), "next_cursor": cursor}, name, "next_cursor")


IMAGES = many(form({"url": TEXT, "width": WHOLE, "height": WHOLE}, "url"))
TASK = form(
    {
        "task_id": TEXT,
        "status": STATUS,
        "message": TEXT,
        "created_at": TIME,
        "prompt": TEXT,
        "model": TEXT,
        "metadata": OBJECT,
        "phase": TEXT,
        "progress": WHOLE,
        "position": WHOLE,
        "eta_seconds": WHOLE,
        "images": IMAGES,
        "failed": many(OBJECT),
        "error": OBJECT,
        "joined": FLAG,
        "next": TEXT,
    },
    *(*KEPT, "prompt", "model"),
)
TASKS = page("tasks", TASK)
MODELS = form({"models": many(OBJECT)}, "models")
BATCH = form(
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
        "failures": many(OBJECT),
        "created_at": TIME,
        "images": IMAGES,
        "page": TEXT,
        "dry_run": FLAG,
        "repeated": WHOLE,
        "prompts": many(TEXT),
        "model": TEXT,
        "n": WHOLE,
        "cost": {"type": ["object", "null"]},
        "joined": FLAG,
        "message": TEXT,
        "next": TEXT,
    },
    "count_of_prompts",
)
COLLECTION = form(
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
COLLECTIONS = page("collections", COLLECTION)
ADDED = form(
    {"collection": COLLECTION, "added": WHOLE, "left_out": WHOLE},
    *("collection", "added", "left_out"),
)
