"""
``stream: true``: server-sent events, with comments as heartbeat until the first.

The providers have no partial pictures, so each picture is one event.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from flask import Response, request, stream_with_context

from jimeng import tasks
from jimeng.documents import Image, Task, best_effort
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http import long_polls
from jimeng.openai import errors, responses
from jimeng.openai.parameters import ImagesRequest
from jimeng.tasks import TaskView

MAX_STREAM_S = 300.0  # then the client retries
HEARTBEAT_S = 10.0  # seconds from one comment to the next
COMMENT = b": still drawing\n\n"
# Clients require the field; nothing here is counted in tokens.
NO_TOKENS = {
    "input_tokens": 0,
    "input_tokens_details": {"text_tokens": 0, "image_tokens": 0},
    "output_tokens": 0,
    "total_tokens": 0,
}


def respond(
    principal: Principal,
    params: ImagesRequest,
    task: Task,
    permit: ExitStack,
    *,
    name: str,
) -> Response:
    """
    Respond with a stream of events until the task has ended.

    Args:
        permit: Released when the stream is closed.
        name: Of the events: ``image_generation`` or ``image_edit``.
    """
    is_gone = partial(long_polls.is_disconnected, request.environ)
    events = stream_with_context(_events(principal, params, task, is_gone, name))
    response = Response(events, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-cache"
    response.call_on_close(permit.close)
    return response


def _events(principal, params, task: Task, is_gone, name: str) -> Iterator[bytes]:
    yield COMMENT
    if task.is_open:
        try:
            yield from _until_end(principal, task, is_gone)
        except ApiKeyInvalid as error:
            yield _error(errors.failure(error.code, error.status))
            return
    view = None
    with best_effort("view after a stream"):  # its errors must be events, too
        view = tasks.view(principal, tasks.find(principal, task.id))
    if view is None:
        yield _error(errors.failure("database_unavailable", 503))
        return
    if view.task.is_open:
        yield _error(errors.failure("wait_over", 504))
        return
    if not view.images:
        yield _error(responses.failed(view))
    for image in view.images:
        yield from _completed(params, view, image, name)
    tasks.mark_answered(task.id)


def _until_end(principal: Principal, task: Task, is_gone) -> Iterator[bytes]:
    sent_at = time.monotonic()
    for _, seen in long_polls.watch_changes(principal, task, MAX_STREAM_S, is_gone):
        if seen is None or seen[0] in ENDED:
            return
        if time.monotonic() > sent_at + HEARTBEAT_S:
            sent_at = time.monotonic()
            yield COMMENT


def _completed(
    params: ImagesRequest, view: TaskView, image: Image, name: str
) -> Iterator[bytes]:
    kind = f"{name}.completed"
    shown = responses.document(params, view, image, params.content_type)
    created = shown.pop("created")
    event = {"type": kind, "created_at": created, **shown, "usage": NO_TOKENS}
    body = responses.with_bytes(params, event, [image])
    yield f"event: {kind}\ndata: ".encode()
    yield from body
    yield b"\n\n"


def _error(response: Response) -> bytes:
    return f"data: {json.dumps(response.json, ensure_ascii=False)}\n\n".encode()
