"""Pictures, and why there are none, as clients of OpenAI's expect them."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from flask import Response

from jimeng.documents import Image
from jimeng.gallery import downloads
from jimeng.openai import errors
from jimeng.openai.parameters import ImagesRequest
from jimeng.schemas.task_responses import picture_link
from jimeng.tasks import TaskView

CHUNK = 3 * 64 * 1024  # bytes; of a multiple of three base64 has no padding
FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/webp": "webp"}
# Errors about what was asked for; every other is the server's or the service's.
REFUSED = ("content_refused", "parameter_refused", "input_", "prompt_")
STATUS_REFUSED, STATUS_FAILED, STATUS_CANCELLED = 400, 502, 409


class StreamedJson:
    """
    A JSON document with files in it as base64, given out piece by piece.

    Args:
        hole: What stands in the document in place of each file.
        files: Each with its bytes; they are closed in the end.

    Attributes:
        length: Bytes of all of it.
        is_whole: Whether all of it was given out.
    """

    def __init__(
        self, document: object, hole: str, files: list[tuple[BinaryIO, int]]
    ) -> None:
        text = json.dumps(document, ensure_ascii=False)
        self._parts = [part.encode() for part in text.split(hole)]
        self._files = files
        encoded = sum(4 * -(-size // 3) for _, size in files)
        self.length = encoded + sum(map(len, self._parts))
        self.is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        yield self._parts[0]
        for (file, _), part in zip(self._files, self._parts[1:], strict=True):
            yield from base64_of(file)
            file.close()
            yield part
        self.is_whole = True

    def close(self) -> None:
        for file, _ in self._files:
            file.close()


def base64_of(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(CHUNK):
        yield base64.b64encode(piece)


def pictures(asked: ImagesRequest, view: TaskView) -> Response:
    """The pictures that came: their bytes, or links to them."""
    found = view.images
    items = [about(view, each) for each in found]
    kind = asked.content_type if asked.with_bytes else found[0].content_type
    told = document(asked, view, found[0], kind)
    if len(found) < view.task.n:
        told["failed"] = view.task.n - len(found)
    if asked.with_bytes:
        body = with_bytes(asked, {**told, "data": items}, found, items)
        response = Response(body, mimetype="application/json")
        response.content_length = body.length
        return response
    for item, each in zip(items, found, strict=True):
        item["url"] = picture_link(each)
    text = json.dumps({**told, "data": items}, ensure_ascii=False)
    return Response(text, mimetype="application/json")


def with_bytes(
    asked: ImagesRequest,
    told: dict,
    images: list[Image],
    items: list[dict] | None = None,
) -> StreamedJson:
    """
    What is *told*, with the bytes of each picture in its item, or in all of it.

    Raises:
        ImageNotFound: as `tasks.open_as`, and so is PictureInvalid.
    """
    hole = secrets.token_hex(16)  # which no words have in them
    for item in items or [told]:
        item["b64_json"] = hole
    return StreamedJson(told, hole, opened(asked, images))


def opened(asked: ImagesRequest, images: list[Image]) -> list[tuple[BinaryIO, int]]:
    """The pictures' bytes in the format that was asked for, all or none of them."""
    with ExitStack() as files:
        found = []
        for each in images:
            file, size = downloads.open_as(each, asked.content_type, asked.compression)
            files.callback(file.close)
            found.append((file, size))
        files.pop_all()
    return found


def document(
    asked: ImagesRequest, view: TaskView, image: Image, content_type: str
) -> dict:
    """What is told beside pictures; their size is the one that they have."""
    task = view.task
    return {
        "created": int((task.completed_at or task.created_at).timestamp()),
        "size": f"{image.width}x{image.height}",
        "quality": asked.quality,
        "output_format": FORMATS.get(content_type, content_type),
        "background": "opaque",
        "task_id": task.id,
    }


def about(view: TaskView, image: Image) -> dict[str, object]:
    """Beside a picture; nothing here rewrites a prompt but for its style."""
    found: dict[str, object] = {"revised_prompt": view.task.prompt}
    return found if image.seed is None else {**found, "seed": image.seed}


def failed(view: TaskView) -> Response:
    """Why no picture came: the first cause."""
    error = next(iter(view.errors), None)
    if view.task.status == "cancelled" or error is None:
        code = error["code"] if error else "task_cancelled"
        return errors.failure(code, STATUS_CANCELLED, charged=charged(view))
    status = STATUS_FAILED
    if error["code"].startswith(REFUSED):
        status = STATUS_REFUSED
    return errors.failure(error["code"], status, charged=charged(view))


def charged(view: TaskView) -> str:
    """Whether any of it was paid for: the dearest answer of all pictures."""
    found = {error["charged"] for error in view.errors}
    return next((each for each in ("yes", "unknown") if each in found), "no")
