"""All that a user has made, as one archive: pictures, and a record of the rest."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from jimeng.documents import Batch, Collection, Image, Input, SavedPrompt, Share, Task
from jimeng.documents.base import Stored
from jimeng.documents.cursors import after, cursor_of
from jimeng.documents.task import THERE
from jimeng.tasks.archive import BATCH, Archive, plain_name
from jimeng.tasks.files import tasks_of
from jimeng.tasks.gallery import NEWEST_FIRST, UNSEEN, Wanted
from jimeng.tasks.views import view_all
from jimeng.viewers import Viewer

KEPT = {"hidden": {"$exists": False}, "file_id": {"$exists": True}}
FEW = 4  # records read at a time of those that may be large


def export(
    viewer: Viewer, zone: tzinfo, *, with_words: bool = False
) -> Iterator[bytes]:
    """
    The archive of all that is the viewer's own and not in the trash, in pieces.

    Args:
        zone: Of the days that pictures are sorted by, and of the files' times.
        with_words: Whether each file says what it was made of.
    """
    archive = Archive(zone)
    yield from archive.add("tasks.json", datetime.now(UTC), records(viewer, zone))
    mine = {"user_id": viewer.user_id}
    if any(kind.find_one(mine) for kind in (Collection, Share)):
        named = collections(viewer, zone)
        yield from archive.add("collections.json", datetime.now(UTC), named)
    if SavedPrompt.find_one(mine):
        yield from archive.add("prompts.json", datetime.now(UTC), prompts(viewer))
    if Batch.find_one({**mine, **THERE}):
        asked_for = asked_at_once(viewer)
        yield from archive.add("batches.json", datetime.now(UTC), asked_for)
    where = Wanted().where(viewer.user_id)
    for batch in batches(Image, where):
        images = [Image.read(row) for row in batch]
        asked = tasks_of(viewer if with_words else None, images)
        for image in images:
            name = file_name(image, zone)
            yield from archive.add_picture(name, image, asked.get(image.task_id))
    for batch in batches(Input, {"user_id": viewer.user_id, **KEPT}):
        for row in batch:
            given = Input.read(row)
            name = f"inputs/{given.id}.{given.suffix}"
            yield from archive.add_picture(name, given)
    yield from archive.close()


def file_name(image: Image, zone: tzinfo) -> str:
    """By day; the end of the task's id keeps equal prompts apart."""
    day = image.created_at.astimezone(zone).date()
    name = f"{plain_name(image.prompt)}-{image.task_id[-10:]}-{image.index + 1}"
    return f"{day}/{name}.{image.suffix}"


def batches(
    document: type[Stored], where: dict, size: int = BATCH
) -> Iterator[list[dict]]:
    """
    All rows, newest first, some at a time. A cursor of MongoDB's would end while
    its reader waits for the network.
    """
    parts = [where]
    while True:
        rows = document.collection().find({"$and": parts}, UNSEEN).sort(NEWEST_FIRST)
        batch = list(rows.limit(size))
        if batch:
            yield batch
        if len(batch) < size:
            return
        parts = [where, after(cursor_of(batch[-1], "created_at"), "created_at")]


def records(viewer: Viewer, zone: tzinfo) -> Iterator[bytes]:
    """The tasks as a JSON array, one a line."""
    yield b"["
    lead = "\n"
    for batch in batches(Task, {"user_id": viewer.user_id, **THERE}):
        found = Task.read_all(batch)
        lines = []
        for each in view_all(viewer, found):
            names = [file_name(image, zone) for image in each.images]
            lines.append(lead + record(each.task, names, each.errors))
            lead = ",\n"
        yield "".join(lines).encode()
    yield b"\n]\n"


def collections(viewer: Viewer, zone: tzinfo) -> Iterator[bytes]:
    """Collections with the names of their files, and what is shared, one a line."""
    mine = {"user_id": viewer.user_id}
    yield b'{"collections": ['
    lead = "\n"
    for batch in batches(Collection, mine):
        for each in Collection.read_all(batch):
            where = Wanted(collection=each.id).where(viewer.user_id)
            rows = (row for some in batches(Image, where) for row in some)
            shown = {
                "id": each.id,
                "name": each.name,
                "created_at": each.created_at,
                "pictures": [file_name(Image.read(row), zone) for row in rows],
            }
            yield (lead + in_json(shown)).encode()
            lead = ",\n"
    yield b'\n],\n"shares": ['
    lead = "\n"
    for batch in batches(Share, mine):
        for share in Share.read_all(batch):
            names = ("kind", "id", "title", "prompts", "created_at", "expires_at")
            shown = {name: getattr(share, name) for name in names}
            yield (lead + in_json(shown)).encode()
            lead = ",\n"
    yield b"\n]}\n"


def prompts(viewer: Viewer) -> Iterator[bytes]:
    """The prompts that are kept under a name as a JSON array, one a line."""
    names = ("id", "name", "prompt", "model", "size", "quality", "style", "n", "seed")
    yield b"["
    lead = "\n"
    for batch in batches(SavedPrompt, {"user_id": viewer.user_id}):
        for each in SavedPrompt.read_all(batch):
            shown = {name: getattr(each, name) for name in (*names, "created_at")}
            yield (lead + in_json(shown)).encode()
            lead = ",\n"
    yield b"\n]\n"


def asked_at_once(viewer: Viewer) -> Iterator[bytes]:
    """The batches as a JSON array, one a line, with all prompts."""
    yield b"["
    lead = "\n"
    for rows in batches(Batch, {"user_id": viewer.user_id, **THERE}, FEW):
        for each in Batch.read_all(rows):
            shown = {
                **{"id": each.id, "name": each.name, "prompts": each.prompts},
                **{"input": each.given, "n": each.n, "made": each.made},
                **{"created_at": each.created_at, "stopped": each.stopped},
            }
            yield (lead + in_json(shown)).encode()
            lead = ",\n"
    yield b"\n]\n"


def record(task: Task, pictures: list[str], errors: list[dict]) -> str:
    shown = {
        "id": task.id,
        "status": task.status,
        "prompt": task.prompt,
        "input": task.input,
        "model": task.model,
        "provider": task.provider,
        "width": task.width,
        "height": task.height,
        "n": task.n,
        "seed": task.seed,
        "made_from": task.made_from or [],
        "retried_from": task.retried_from,
        "batch": task.batch,
        "created_at": task.created_at,
        "completed_at": task.completed_at,
        "pictures": pictures,
        "errors": [{"code": e["code"], "charged": e["charged"]} for e in errors],
    }
    return in_json(shown)


def in_json(shown: dict) -> str:
    return json.dumps(shown, ensure_ascii=False, default=datetime.isoformat)
