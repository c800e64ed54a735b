"""Results of tools: text for models, thumbnails, and links to the full pictures."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jimeng import tasks
from jimeng.documents import Image
from jimeng.errors import ImageNotFound
from jimeng.mcp.arguments import DESCRIBE
from jimeng.pictures import shrink
from jimeng.schemas.batches import BatchEstimate, BatchRecord
from jimeng.schemas.collections import CollectionRecord
from jimeng.schemas.fields import Reply
from jimeng.schemas.model_responses import EstimateRecord
from jimeng.schemas.tasks import Pictures, TaskResult, link_of
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
OBJECT = {"type": "object"}
BATCH_FIELDS = (
    *("batch_id", "name", "status", "reason", "count_of_prompts", "eta_seconds"),
    *("pictures", "waits", "lacking", "failures", "created_at"),
)
ESTIMATE_FIELDS = (
    *("dry_run", "model", "n", "count_of_prompts", "repeated", "cost", "estimate"),
)
COLLECTION_FIELDS = ("id", "name", "pictures", "more_pictures", "updated_at")
TEXTS = ("description", "examples", "shown")


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
        _, thumbnail = tasks.open_image(picture.key, "thumbnail_id")
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


def fields_of(schema: type[Reply], *names: str) -> dict:
    """The JSON Schemas of these fields of a response of the REST API."""
    found = DESCRIBE.schema2jsonschema(schema(only=names))["properties"]
    return {name: without_texts(each) for name, each in found.items()}


def without_texts(schema: Any) -> Any:
    """A JSON Schema without descriptions, which models need not read."""
    if isinstance(schema, list):
        return [without_texts(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {k: without_texts(v) for k, v in schema.items() if k not in TEXTS}


TASK = object_schema(
    {
        **fields_of(TaskResult, *RECORD_FIELDS, *OPEN_FIELDS, *COST_FIELDS),
        **fields_of(TaskResult, "metadata", "error"),
        **fields_of(Pictures, *RESULT_FIELDS),
        **{"prompt": TEXT, "model": TEXT, "joined": FLAG, "next": TEXT},
    },
    *(*RECORD_FIELDS, "prompt", "model"),
)
# Of a tool with ``dry_run``: one or the other.
TASK_OR_ESTIMATE = object_schema(
    {
        **fields_of(EstimateRecord, "dry_run", "provider", "n", "estimate"),
        **fields_of(EstimateRecord, "width", "height"),
        **TASK["properties"],
        "cost": {"type": ["string", "object", "null"]},
    },
    "model",
)
TASKS = page_schema("tasks", TASK)
MODELS = object_schema({"models": array_schema(OBJECT)}, "models")
BATCH = object_schema(
    {
        **fields_of(BatchEstimate, *ESTIMATE_FIELDS, "prompts"),
        **fields_of(BatchRecord, *BATCH_FIELDS),
        "images": array_schema(object_schema({"id": TEXT, "url": TEXT}, "id", "url")),
        **{"total_pictures": WHOLE, "page": TEXT, "next": TEXT},
        **{"joined": FLAG, "message": TEXT},
    },
    "count_of_prompts",
)
COLLECTION = object_schema(
    {**fields_of(CollectionRecord, *COLLECTION_FIELDS), "page": TEXT},
    *("id", "name", "pictures", "page"),
)
COLLECTIONS = page_schema("collections", COLLECTION)
ADDED = object_schema(
    {"collection": COLLECTION, "added": WHOLE, "left_out": WHOLE},
    *("collection", "added", "left_out"),
)
