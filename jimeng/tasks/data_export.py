"""All that a user has made, as one archive: the pictures, and a record of the tasks."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from jimeng.documents import Image, Input, Task
from jimeng.documents.cursors import after, cursor_of
from jimeng.documents.task import THERE
from jimeng.tasks.archive import Archive, plain_name
from jimeng.tasks.gallery import NEWEST_FIRST, UNSEEN, Wanted
from jimeng.tasks.views import view_all
from jimeng.viewers import Viewer

KEPT = {"hidden": {"$exists": False}, "file_id": {"$exists": True}}
BATCH = 100  # records read at a time: the reader of an archive may be slow


def export(viewer: Viewer, zone: tzinfo) -> Iterator[bytes]:
    """
    The archive of all that is the viewer's own and not in the trash, in pieces.

    Args:
        zone: Of the days that pictures are sorted by, and of the files' times.
    """
    archive = Archive(zone)
    yield from archive.add("tasks.json", datetime.now(UTC), records(viewer, zone))
    where = Wanted().where(viewer.user_id)
    for batch in batches(Image, where):
        for row in batch:
            image = Image.read(row)
            yield from archive.add_picture(file_name(image, zone), image)
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
    document: type[Image] | type[Task] | type[Input], where: dict
) -> Iterator[list[dict]]:
    """
    All rows, newest first, some at a time. A cursor of MongoDB's would end while
    its reader waits for the network.
    """
    parts = [where]
    while True:
        rows = document.collection().find({"$and": parts}, UNSEEN).sort(NEWEST_FIRST)
        batch = list(rows.limit(BATCH))
        if batch:
            yield batch
        if len(batch) < BATCH:
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
        "created_at": task.created_at,
        "completed_at": task.completed_at,
        "pictures": pictures,
        "errors": [{"code": e["code"], "charged": e["charged"]} for e in errors],
    }
    return json.dumps(shown, ensure_ascii=False, default=datetime.isoformat)
