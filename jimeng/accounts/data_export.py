"""Export a user's data as one archive: pictures, inputs, and JSON of the rest."""

import json
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import chain
from typing import TypeVar

from jimeng.documents import Batch, Collection, Image, Input, SavedPrompt, Share, Task
from jimeng.documents.base import Stored
from jimeng.documents.cursors import NEWEST_FIRST, after, cursor_of
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.gallery.browsing import WITHOUT_SEARCH_FIELDS, PictureFilter
from jimeng.gallery.downloads import BATCH, Archive, file_name_of, tasks_of
from jimeng.tasks.queries import view_all

WITH_FILE = {"hidden": {"$exists": False}, "file_id": {"$exists": True}}
LARGE_BATCH = 4  # records of a query whose documents may be large
# The exported fields of each kind of record.
TASK_FIELDS = (
    *("id", "status", "prompt", "input", "model", "provider", "width", "height", "n"),
    *("seed", "retried_from", "batch", "metadata", "created_at", "completed_at"),
)
PROMPT_FIELDS = (
    *("id", "name", "prompt", "model", "size", "quality", "style", "n", "seed"),
    "created_at",
)
BATCH_FIELDS = (
    *("id", "name", "prompts", "n", "made", "metadata", "created_at", "stopped"),
)
COLLECTION_FIELDS = ("id", "name", "created_at")
SHARE_FIELDS = ("kind", "id", "title", "prompts", "created_at", "expires_at")
Kind = TypeVar("Kind", bound=Stored)


def export(
    principal: Principal, zone: tzinfo, *, with_prompts: bool = False
) -> Generator[bytes, None, None]:
    """
    Stream the archive of everything that the principal owns, without the trash.

    Args:
        zone: For the days in file names, and the files' times.
        with_prompts: Whether each picture's metadata includes its prompt.
    """
    archive, now = Archive(zone), datetime.now(UTC)
    mine, there = (
        {"user_id": principal.user_id},
        {"user_id": principal.user_id, **THERE},
    )
    yield from archive.add("tasks.json", now, json_array(records(principal, zone)))
    if any(kind.find_one(mine) for kind in (Collection, Share)):
        yield from archive.add("collections.json", now, collections(principal, zone))
    if SavedPrompt.find_one(mine):
        prompts = (fields_of(each, PROMPT_FIELDS) for each in all_of(SavedPrompt, mine))
        yield from archive.add("prompts.json", now, json_array(prompts))
    if Batch.find_one(there):
        all_batches = (
            fields_of(each, BATCH_FIELDS) | {"input": each.given}
            for each in all_of(Batch, there, LARGE_BATCH)
        )
        yield from archive.add("batches.json", now, json_array(all_batches))
    where = PictureFilter().where(principal.user_id)
    for images in batches(Image, where):
        asked = tasks_of(principal if with_prompts else None, images)
        for image in images:
            name = file_name(image, zone)
            yield from archive.add_picture(name, image, asked.get(image.task_id))
    for stored_input in all_of(Input, {**mine, **WITH_FILE}):
        name = f"inputs/{stored_input.id}.{stored_input.suffix}"
        yield from archive.add_picture(name, stored_input)
    yield from archive.close()


def file_name(image: Image, zone: tzinfo) -> str:
    """Return a path by day; the end of the task's id distinguishes equal prompts."""
    day = image.created_at.astimezone(zone).date()
    name = f"{file_name_of(image.prompt)}-{image.task_id[-10:]}-{image.index + 1}"
    return f"{day}/{name}.{image.suffix}"


def batches(kind: type[Kind], where: dict, size: int = BATCH) -> Iterator[list[Kind]]:
    """
    Yield all documents, newest first, in batches by range queries: a MongoDB cursor
    would time out while a slow client reads.
    """
    parts = [where]
    while True:
        rows = (
            kind.collection()
            .find({"$and": parts}, WITHOUT_SEARCH_FIELDS)
            .sort(NEWEST_FIRST)
        )
        batch = list(rows.limit(size))
        if batch:
            yield kind.read_all(batch)
        if len(batch) < size:
            return
        parts = [where, after(cursor_of(batch[-1], "created_at"), "created_at")]


def all_of(kind: type[Kind], where: dict, size: int = BATCH) -> Iterator[Kind]:
    """Yield the documents of `batches`, one by one."""
    return chain.from_iterable(batches(kind, where, size))


def json_array(rows: Iterable[dict]) -> Iterator[bytes]:
    """Stream a JSON array, one row per line."""
    lead = "[\n"
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, default=datetime.isoformat)
        yield (lead + text).encode()
        lead = ",\n"
    yield b"[]\n" if lead == "[\n" else b"\n]\n"


def fields_of(document: Stored, names: Iterable[str]) -> dict:
    return {name: getattr(document, name) for name in names}


def records(principal: Principal, zone: tzinfo) -> Iterator[dict]:
    """Yield the tasks' records, with the names of their picture files."""
    for some in batches(Task, {"user_id": principal.user_id, **THERE}):
        for each in view_all(principal, some):
            yield fields_of(each.task, TASK_FIELDS) | {
                "made_from": each.task.made_from or [],
                "pictures": [file_name(image, zone) for image in each.images],
                "cost_micros": each.task.cost_micros,
                **({"video": each.task.video} if each.task.video else {}),
                "errors": [
                    {"code": error["code"], "charged": error["charged"]}
                    for error in each.errors
                ],
            }


def collections(principal: Principal, zone: tzinfo) -> Iterator[bytes]:
    """Stream JSON of collections, with the names of their picture files, and shares."""
    mine = {"user_id": principal.user_id}

    def collected() -> Iterator[dict]:
        for each in all_of(Collection, mine):
            inside = PictureFilter(collection=each.id).where(principal.user_id)
            names = [file_name(image, zone) for image in all_of(Image, inside)]
            yield fields_of(each, COLLECTION_FIELDS) | {"pictures": names}

    yield b'{"collections": '
    yield from json_array(collected())
    yield b', "shares": '
    yield from json_array(fields_of(each, SHARE_FIELDS) for each in all_of(Share, mine))
    yield b"}\n"
