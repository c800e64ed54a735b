"""Pictures put straight into the database, where it does not matter who drew them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bson import ObjectId

from jimeng.documents import Image, Task, utcnow
from jimeng.documents.image import lists_of, search_fields
from jimeng.pictures import Picture, inspect
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.providers.models.model import ratio_of
from tests.conftest import png

MODEL = "doubao-seedream-3.0-t2i"
SQUARE = (1328, 1328)


def hang(
    *prompts: str,
    user_id: str = "guest",
    model: str = MODEL,
    size: tuple[int, int] = SQUARE,
    newest: datetime | None = None,
    apart: timedelta = timedelta(minutes=1),
    picture: Picture | None = None,
) -> list[str]:
    """
    One finished task of one picture for each prompt, the first the newest.

    Args:
        size: What the record says, in pixels; the bytes are a small square.
        newest: When the first was made, by default now.

    Returns:
        The ids of the pictures.
    """
    newest, store = newest or utcnow(), GridFSStore()
    picture = picture or inspect(png())
    tasks = [
        task_of(prompt, user_id, model, size, newest - n * apart)
        for n, prompt in enumerate(prompts)
    ]
    rows = []
    for task in tasks:
        saved = [picture.content, picture.thumbnail]
        files = [store.save(each, task.generation_ids[0]) for each in saved]
        rows.append(image_of(task, picture, files))
    Task.collection().insert_many([task.to_mongo() for task in tasks])
    Image.collection().insert_many([image.to_mongo() for image in rows])
    return [image.id for image in rows]


def task_of(
    prompt: str, user_id: str, model: str, size: tuple[int, int], at: datetime
) -> Task:
    return Task(
        user_id=user_id,
        input={"prompt": prompt, "user_id": user_id},
        prompt=prompt,
        model=model,
        provider="volcengine_jimeng",
        lane="volcengine_jimeng:jimeng_t2i_v30",
        req_key="jimeng_t2i_v30",
        width=size[0],
        height=size[1],
        n=1,
        status="completed",
        outcomes={"0": {"state": "done"}},
        created_at=at,
        updated_at=at,
        completed_at=at,
    )


def image_of(task: Task, picture: Picture, files: Sequence[ObjectId]) -> Image:
    image = Image(
        id=task.generation_ids[0],
        task_id=task.id,
        user_id=task.user_id,
        index=0,
        file_id=files[0],
        thumbnail_id=files[1],
        thumbnail_bytes=len(picture.thumbnail),
        width=task.width,
        height=task.height,
        bytes=len(picture.content),
        content_type=picture.content_type,
        sha256=picture.sha256,
        created_at=task.created_at,
        **search_fields(task, ratio_of(task.width, task.height)),
    )
    image.lists = lists_of(image.model, image.ratio)
    return image
