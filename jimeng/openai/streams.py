"""
``stream: true``: server-sent events, with comments as heartbeat until the first.

The providers have no partial pictures, so each picture is one event.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial

from flask import Response, request, stream_with_context

from jimeng import tasks
from jimeng.documents import Task, best_effort
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http import long_polls
from jimeng.openai import responses
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
    task: Task,
    permit: ExitStack,
    *,
    write: Callable[[TaskView], Iterator[bytes]],
    failure: Callable[..., Response],
) -> Response:
    """
    Respond with a stream of events until the task has ended.

    Args:
        permit: Released when the stream is closed.
        write: Writes the events of a task that has ended.
        failure: As `errors.failure`, in the format of the interface.
    """
    is_gone = partial(long_polls.is_disconnected, request.environ)
    events = stream_with_context(_events(principal, task, is_gone, write, failure))
    response = Response(events, mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Cache-Control"] = "no-cache"
    response.call_on_close(permit.close)
    return response


def _events(principal, task: Task, is_gone, write, failure) -> Iterator[bytes]:
    yield COMMENT
    if task.is_open:
        try:
            yield from _until_end(principal, task, is_gone)
        except ApiKeyInvalid as error:
            yield error_event(failure(error.code, error.status))
            return
    view = None
    with best_effort("view after a stream"):  # its errors must be events, too
        view = tasks.view(principal, tasks.find(principal, task.id))
    if view is None:
        yield error_event(failure("database_unavailable", 503))
        return
    if view.task.is_open:
        yield error_event(failure("wait_over", 504))
        return
    if not view.images:
        yield error_event(responses.failed(view, failure))
    else:
        yield from write(view)
    tasks.mark_answered(task.id)


def _until_end(principal: Principal, task: Task, is_gone) -> Iterator[bytes]:
    sent_at = time.monotonic()
    for _, seen in long_polls.watch_changes(principal, task, MAX_STREAM_S, is_gone):
        if seen is None or seen[0] in ENDED:
            return
        if time.monotonic() > sent_at + HEARTBEAT_S:
            sent_at = time.monotonic()
            yield COMMENT


def completed_events(
    params: ImagesRequest, view: TaskView, *, name: str
) -> Iterator[bytes]:
    """One event for each picture; *name* is ``image_generation`` or ``image_edit``."""
    kind = f"{name}.completed"
    for image in view.images:
        shown = responses.document(params, view, image, params.content_type)
        created = shown.pop("created")
        content = {"type": kind, "created_at": created, **shown, "usage": NO_TOKENS}
        body = responses.with_bytes(params, content, [image], [content])
        yield from event(kind, body)


def event(kind: str, data: Iterable[bytes]) -> Iterator[bytes]:
    yield f"event: {kind}\ndata: ".encode()
    yield from data
    yield b"\n\n"


def error_event(response: Response) -> bytes:
    return f"data: {json.dumps(response.json, ensure_ascii=False)}\n\n".encode()
