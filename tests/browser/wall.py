"""Drawn pictures in the gallery of a server's guest, as if they had been asked for."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache

import mongoengine
from bson import ObjectId

from jimeng import documents
from jimeng.config import Config
from jimeng.documents import Collection, Image, Share, Task, utcnow
from jimeng.pictures import Picture, inspect
from jimeng.pictures.stores.gridfs import GridFSStore
from simulator.drawing import draw
from tests.browser.making import await_idle
from tests.hung import image_of, task_of
from tests.system.stack import Stack

OLD, NEW = "doubao-seedream-3.0-t2i", "doubao-seedream-4.0"
SCENES = [  # prompt, pixels, model
    ("雨后的江南小巷，青石板上一只黑猫，水墨淡彩", (1328, 1328), OLD),
    ("极光下的雪山与湖泊，一艘小船", (1664, 936), NEW),
    ("A lighthouse by the sea at dusk, long exposure", (936, 1664), OLD),
    ("樱花树下的少女，春风，胶片", (1104, 1472), NEW),
    ("城市夜景，霓虹倒映在雨里", (1664, 936), OLD),
    ("A red fox in the forest, morning mist", (1328, 1328), NEW),
    ("向日葵田，夏日的蓝天，厚涂油画", (1472, 1104), OLD),
]


@cache
def drawn(prompt: str, size: tuple[int, int]) -> Picture:
    """What the demo would draw, at a fourth of its size, which is quick."""
    out = io.BytesIO()
    draw(prompt, 7, size[0] // 4, size[1] // 4).save(out, "PNG", compress_level=1)
    return inspect(out.getvalue())


@contextmanager
def connected(server: Stack) -> Iterator[None]:
    """The documents of a server, in this process; the guest has none to begin with."""
    where = server.env["MONGODB_URI"], server.env["MONGODB_DATABASE"]
    await_idle(server)
    config = Config(MONGODB_URI=where[0], MONGODB_DATABASE=where[1])
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)
    for kind in (Image, Task, Collection, Share):
        kind.collection().delete_many({"user_id": "guest"})
    yield
    mongoengine.disconnect()


def fill(
    n: int,
    *,
    newest: datetime | None = None,
    apart: timedelta = timedelta(minutes=50),
) -> list[str]:
    """
    Hang *n* pictures, the scenes in turn, the first the newest. Those of one scene
    have their bytes in common.

    Returns:
        The ids of the pictures, newest first.
    """
    newest, store = newest or utcnow(), GridFSStore()
    rows, kept = [], dict[str, list[ObjectId]]()
    for place in range(n):
        prompt, size, model = SCENES[place % len(SCENES)]
        task = task_of(prompt, "guest", model, size, newest - place * apart)
        picture = drawn(prompt, size)
        if prompt not in kept:  # once each: a hundred pictures are there in no time
            saved = [picture.content, picture.thumbnail]
            kept[prompt] = [store.save(each, task.generation_ids[0]) for each in saved]
        rows.append((task, image_of(task, picture, kept[prompt])))
    Task.collection().insert_many([task.to_mongo() for task, _ in rows])
    Image.collection().insert_many([image.to_mongo() for _, image in rows])
    return [image.id for _, image in rows]
