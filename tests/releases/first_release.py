"""Documents as the first release of all wrote them, field by field, and its indexes."""

from datetime import UTC, datetime, timedelta

from bson import ObjectId
from gridfs import GridFSBucket
from pymongo.database import Database

from tests.conftest import png

LONG_AGO = datetime(2026, 1, 31, 12, tzinfo=UTC)
LANE = "volcengine_jimeng:jimeng_t2i_v30"
COMMON = {
    "lane": LANE,
    "provider": "volcengine_jimeng",
    "req_key": "jimeng_t2i_v30",
    "width": 512,
    "height": 512,
}


def id_of(number: int) -> str:
    return f"volcengine_img_{number:030}"


def task(number: int, prompt: str, user_id: str = "ada", **more: object) -> dict:
    """A task of one picture, which waits unless *more* says otherwise."""
    at = LONG_AGO + timedelta(seconds=number)
    return {
        "_id": id_of(number),
        "user_id": user_id,
        "type": "image",
        "input": {"prompt": prompt, "user_id": user_id},
        "prompt": prompt,
        "model": "doubao-seedream-3.0-t2i",
        **COMMON,
        "n": 1,
        "seed": number,
        "seed_given": False,
        "status": "pending",
        "open": True,
        "outcomes": {},
        "first_answer": {"position": 1, "eta_seconds": 12},
        "created_at": at,
        "updated_at": at,
        **more,
    }


def generation(of: dict, **more: object) -> dict:
    """Its picture, in the line."""
    return {
        "_id": f"{of['_id']}_0",
        "task_id": of["_id"],
        "index": 0,
        "user_id": of["user_id"],
        **COMMON,
        "prompt": of["prompt"],
        "seed": of["seed"],
        "seed_given": False,
        "state": "queued",
        "turn": of["seed"],
        "waiting": True,
        "remote_ids": [],
        "urls": [],
        "attempts": 0,
        "resent": False,
        "polls": 0,
        "faults": 0,
        "late": False,
        "late_looks": 0,
        "floor": 0,
        "charged": "no",
        "error": {},
        "created_at": of["created_at"],
        **more,
    }


def finished(number: int, prompt: str, files: tuple[ObjectId, ObjectId]) -> list[dict]:
    """Task, generation and image of a picture that is kept."""
    made = task(number, prompt, status="completed", outcomes={"0": {"state": "done"}})
    del made["open"]
    made["completed_at"] = made["created_at"] + timedelta(seconds=9)
    done = {
        "state": "done",
        "charged": "yes",
        "remote_ids": [f"remote-{number}"],
        "ended_at": made["completed_at"],
        "attempts": 1,
    }
    row = generation(made, **done)
    del row["waiting"]
    image = {
        "_id": row["_id"],
        "task_id": made["_id"],
        "user_id": made["user_id"],
        "index": 0,
        "key": f"key-{number:018}",
        "file_id": files[0],
        "thumbnail_id": files[1],
        "thumbnail_bytes": 100,
        "width": 1328,
        "height": 1328,
        "bytes": len(png()),
        "content_type": "image/png",
        "sha256": "0" * 64,
        "seed": number,
        "created_at": made["completed_at"],
    }
    return [made, row, image]


def keep(database: Database, numbers: range, prompt: str = "旧图 {}") -> None:
    """Put finished tasks into *database*; they share the bytes of one picture."""
    bucket = GridFSBucket(database, "pictures")
    files = tuple(bucket.upload_from_stream("old", png()) for _ in range(2))
    rows = [finished(n, prompt.format(n), files) for n in numbers]
    names = ("tasks", "generations", "images")
    for name, documents in zip(names, zip(*rows, strict=True), strict=True):
        database[name].insert_many(documents)


def line_up(database: Database, numbers: range) -> list[str]:
    """Put tasks that wait into *database*, and return their ids."""
    made = [task(n, f"在等 {n}") for n in numbers]
    database.tasks.insert_many(made)
    database.generations.insert_many([generation(each) for each in made])
    line = {"last": numbers[-1], "pending": len(numbers)}
    database.lines.update_one({"_id": f"{LANE}|ada"}, {"$set": line}, upsert=True)
    return [each["_id"] for each in made]
