"""All that a user has made, as one archive: pictures, and a record of the rest."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from itertools import chain
from typing import TypeVar

from jimeng.documents import Batch, Collection, Image, Input, SavedPrompt, Share, Task
from jimeng.documents.base import Stored
from jimeng.documents.cursors import NEWEST_FIRST, after, cursor_of
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.gallery.browsing import UNSEEN, Wanted
from jimeng.gallery.downloads import BATCH, Archive, plain_name, tasks_of
from jimeng.tasks.views import view_all

KEPT = {"hidden": {"$exists": False}, "file_id": {"$exists": True}}
FEW = 4  # records read at a time of those that may be large
# What is told of each record.
OF_TASK = (
    *("id", "status", "prompt", "input", "model", "provider", "width", "height", "n"),
    *("seed", "retried_from", "batch", "metadata", "created_at", "completed_at"),
)
OF_PROMPT = (
    *("id", "name", "prompt", "model", "size", "quality", "style", "n", "seed"),
    "created_at",
)
OF_BATCH = (
    *("id", "name", "prompts", "n", "made", "metadata", "created_at", "stopped"),
)
OF_COLLECTION = ("id", "name", "created_at")
OF_SHARE = ("kind", "id", "title", "prompts", "created_at", "expires_at")
Kind = TypeVar("Kind", bound=Stored)


def export(
    principal: Principal, zone: tzinfo, *, with_words: bool = False
) -> Iterator[bytes]:
    """
    The archive of all that is the principal's own and not in the trash, in pieces.

    Args:
        zone: Of the days that pictures are sorted by, and of the files' times.
        with_words: Whether each file says what it was made of.
    """
    archive, now = Archive(zone), datetime.now(UTC)
    mine, there = (
        {"user_id": principal.user_id},
        {"user_id": principal.user_id, **THERE},
    )
    yield from archive.add("tasks.json", now, in_lines(records(principal, zone)))
    if any(kind.find_one(mine) for kind in (Collection, Share)):
        yield from archive.add("collections.json", now, collections(principal, zone))
    if SavedPrompt.find_one(mine):
        prompts = (fields_of(each, OF_PROMPT) for each in all_of(SavedPrompt, mine))
        yield from archive.add("prompts.json", now, in_lines(prompts))
    if Batch.find_one(there):
        asked_at_once = (
            fields_of(each, OF_BATCH) | {"input": each.given}
            for each in all_of(Batch, there, FEW)
        )
        yield from archive.add("batches.json", now, in_lines(asked_at_once))
    where = Wanted().where(principal.user_id)
    for images in batches(Image, where):
        asked = tasks_of(principal if with_words else None, images)
        for image in images:
            name = file_name(image, zone)
            yield from archive.add_picture(name, image, asked.get(image.task_id))
    for given in all_of(Input, {**mine, **KEPT}):
        name = f"inputs/{given.id}.{given.suffix}"
        yield from archive.add_picture(name, given)
    yield from archive.close()


def file_name(image: Image, zone: tzinfo) -> str:
    """By day; the end of the task's id keeps equal prompts apart."""
    day = image.created_at.astimezone(zone).date()
    name = f"{plain_name(image.prompt)}-{image.task_id[-10:]}-{image.index + 1}"
    return f"{day}/{name}.{image.suffix}"


def batches(kind: type[Kind], where: dict, size: int = BATCH) -> Iterator[list[Kind]]:
    """
    All documents, newest first, some at a time. A cursor of MongoDB's would end while
    its reader waits for the network.
    """
    parts = [where]
    while True:
        rows = kind.collection().find({"$and": parts}, UNSEEN).sort(NEWEST_FIRST)
        batch = list(rows.limit(size))
        if batch:
            yield kind.read_all(batch)
        if len(batch) < size:
            return
        parts = [where, after(cursor_of(batch[-1], "created_at"), "created_at")]


def all_of(kind: type[Kind], where: dict, size: int = BATCH) -> Iterator[Kind]:
    """The documents of `batches`, one after the other."""
    return chain.from_iterable(batches(kind, where, size))


def in_lines(rows: Iterable[dict]) -> Iterator[bytes]:
    """A JSON array of these, one a line."""
    lead = "[\n"
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, default=datetime.isoformat)
        yield (lead + text).encode()
        lead = ",\n"
    yield b"[]\n" if lead == "[\n" else b"\n]\n"


def fields_of(document: Stored, names: Iterable[str]) -> dict:
    return {name: getattr(document, name) for name in names}


def records(principal: Principal, zone: tzinfo) -> Iterator[dict]:
    """The tasks, with the names of their files."""
    for some in batches(Task, {"user_id": principal.user_id, **THERE}):
        for each in view_all(principal, some):
            yield fields_of(each.task, OF_TASK) | {
                "made_from": each.task.made_from or [],
                "pictures": [file_name(image, zone) for image in each.images],
                "errors": [
                    {"code": error["code"], "charged": error["charged"]}
                    for error in each.errors
                ],
            }


def collections(principal: Principal, zone: tzinfo) -> Iterator[bytes]:
    """Collections with the names of their files, and what is shared."""
    mine = {"user_id": principal.user_id}

    def collected() -> Iterator[dict]:
        for each in all_of(Collection, mine):
            inside = Wanted(collection=each.id).where(principal.user_id)
            names = [file_name(image, zone) for image in all_of(Image, inside)]
            yield fields_of(each, OF_COLLECTION) | {"pictures": names}

    yield b'{"collections": '
    yield from in_lines(collected())
    yield b', "shares": '
    yield from in_lines(fields_of(each, OF_SHARE) for each in all_of(Share, mine))
    yield b"}\n"
