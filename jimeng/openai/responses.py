"""Responses with pictures, or the reason for their failure, in OpenAI's format."""

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from flask import Response

from jimeng.billing.costs import yuan
from jimeng.documents import Image, Task
from jimeng.gallery import downloads
from jimeng.openai.openapi import FORMATS
from jimeng.openai.parameters import ImagesRequest
from jimeng.pictures.contents import Pieces, regroup
from jimeng.schemas.tasks import link_of
from jimeng.tasks import TaskView

CHUNK_BYTES = 3 * 64 * 1024  # bytes; of a multiple of three base64 has no padding
NAMES = {content_type: name for name, content_type in FORMATS.items() if name != "jpg"}
# Prefixes of errors caused by the request; all others are the server's or provider's.
REFUSED = ("content_refused", "parameter_refused", "input_", "prompt_")
STATUS_REFUSED, STATUS_FAILED, STATUS_CANCELLED = 400, 502, 409


class StreamedJson:
    """
    A JSON document that contains files as base64, streamed in chunks.

    Args:
        hole: The placeholder of each file in the document.
        files: Each with its size in bytes; they are closed at the end.

    Attributes:
        length: Bytes of the whole response.
        is_whole: Whether all of it was sent.
    """

    def __init__(
        self, document: object, hole: str, files: list[tuple[Pieces, int]]
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
            yield from map(base64.b64encode, regroup(file, CHUNK_BYTES))
            file.close()
            yield part
        self.is_whole = True

    def close(self) -> None:
        for file, _ in self._files:
            file.close()


def pictures(params: ImagesRequest, view: TaskView) -> Response:
    """The finished pictures: as base64, or as links."""
    found = view.images
    items = [image_item(view, each) for each in found]
    kind = params.content_type if params.with_bytes else found[0].content_type
    content = document(params, view, found[0], kind)
    if len(found) < view.task.n:
        content["failed"] = view.task.n - len(found)
    return response_of(with_pictures(params, {**content, "data": items}, found, items))


def response_of(body: StreamedJson) -> Response:
    response = Response(body, mimetype="application/json")
    response.content_length = body.length
    return response


def with_pictures(
    params: ImagesRequest, content: dict, images: list[Image], items: list[dict]
) -> StreamedJson:
    """
    The document with each picture in its item, as base64 or as a link.

    Raises:
        ImageNotFound: as `with_bytes`, and so is PictureInvalid.
    """
    if params.with_bytes:
        return with_bytes(params, content, images, items)
    for item, each in zip(items, images, strict=True):
        item["url"] = link_of(each)
    return StreamedJson(content, secrets.token_hex(16), [])


def with_bytes(
    params: ImagesRequest, content: dict, images: list[Image], items: list[dict]
) -> StreamedJson:
    """
    The document with the bytes of each picture in its item, a part of the document.

    Raises:
        ImageNotFound: as `downloads.open_as`, and so is PictureInvalid.
    """
    hole = secrets.token_hex(16)  # occurs in no text
    for item in items:
        item["b64_json"] = hole
    return StreamedJson(content, hole, open_files(params, images))


def open_files(params: ImagesRequest, images: list[Image]) -> list[tuple[Pieces, int]]:
    """Open all pictures in the requested format, or none."""
    with ExitStack() as files:
        found = []
        for each in images:
            file, size = downloads.open_as(
                each, params.content_type, params.compression
            )
            files.callback(file.close)
            found.append((file, size))
        files.pop_all()
    return found


def document(
    params: ImagesRequest, view: TaskView, image: Image, content_type: str
) -> dict:
    """The fields of the response besides the pictures; the size is the actual one."""
    task = view.task
    return {
        "created": int((task.completed_at or task.created_at).timestamp()),
        "size": f"{image.width}x{image.height}",
        "quality": params.quality,
        "output_format": NAMES.get(content_type, content_type),
        "background": "opaque",
        "task_id": task.id,
        "user_id": task.user_id,
        **cost_fields(task),
    }


def cost_fields(task: Task) -> dict[str, object]:
    micros = task.cost_micros
    return {"cost": None if micros is None else yuan(micros), "cost_micros": micros}


def image_item(view: TaskView, image: Image) -> dict[str, object]:
    """The fields of a picture; the prompt is not rewritten except for its style."""
    found: dict[str, object] = {"revised_prompt": view.task.prompt}
    return found if image.seed is None else {**found, "seed": image.seed}


def failed(view: TaskView, failure: Callable[..., Response]) -> Response:
    """
    The error response if all pictures failed: the first cause.

    Args:
        failure: As `errors.failure`, in the format of the interface.
    """
    error = next(iter(view.errors), None)
    if view.task.status == "cancelled" or error is None:
        code = error["code"] if error else "task_cancelled"
        return failure(code, STATUS_CANCELLED, charged=charged(view))
    status = STATUS_FAILED
    if error["code"].startswith(REFUSED):
        status = STATUS_REFUSED
    return failure(error["code"], status, charged=charged(view))


def charged(view: TaskView) -> str:
    """Whether any picture was charged: ``yes``, ``unknown`` or ``no``."""
    found = {error["charged"] for error in view.errors}
    return next((each for each in ("yes", "unknown") if each in found), "no")
