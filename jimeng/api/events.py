"""
Server-sent events: the state of a task or a batch at each change, while the client is
connected.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial

from flask import Response, current_app, request, stream_with_context

from jimeng import batches, tasks
from jimeng.api import blp
from jimeng.api.batches import RECORD, state_of
from jimeng.api.images import RESULT, RETRY_AFTER_S
from jimeng.api.openapi.blueprint import TEXT, event_of
from jimeng.documents import Batch, Task, best_effort
from jimeng.documents.principal import Principal
from jimeng.errors import TaskNotFound
from jimeng.errors.access import ApiKeyInvalid
from jimeng.errors.batches import BatchNotFound
from jimeng.http import auth, long_polls
from jimeng.schemas.batches import BatchRecord
from jimeng.schemas.tasks import TaskResult

KIND = "text/event-stream"
MAX_STREAM_S = 120.0  # then the client reconnects
RECONNECT_MS = 3000  # SSE `retry`: the client waits this long before it reconnects
HEARTBEAT_S = 15.0  # silence after which a comment is sent
HEARTBEAT = ": still here\n\n"

# The data of an event, and whether further ones may follow.
Snapshot = tuple[dict, bool]


@blp.get("/tasks/<task:task_id>/events", tags=["tasks"])
@blp.response(200, TEXT, content_type=KIND, example=event_of("task", TaskResult))
@blp.describe(errors=["task_not_found", "too_many_waiting"], always=["Cache-Control"])
def follow_task(task_id: str) -> Response:
    """
    Follow a task: server-sent events, as it changes.

    Each event is named `task`; its `data` is that of the task's result, its `id` the
    time in milliseconds. The first is sent at once on every connection; the stream
    ends with the task, or after two minutes. If too many clients are waiting the
    response is 429: poll every few seconds instead.
    """
    principal = auth.principal_of_api()
    task = tasks.find(principal, task_id)

    def take_snapshot(task: Task) -> Snapshot:
        return RESULT.dump(tasks.view(principal, task)), task.is_open

    again = partial(tasks.find, principal, task_id)
    return stream(
        "task", principal, task, take_snapshot(task), lambda: take_snapshot(again())
    )


@blp.get("/batches/<batch_id>/events", tags=["batches"])
@blp.response(200, TEXT, content_type=KIND, example=event_of("batch", BatchRecord))
@blp.describe(errors=["batch_not_found", "too_many_waiting"], always=["Cache-Control"])
def follow_batch(batch_id: str) -> Response:
    """
    Follow a batch: server-sent events, as it progresses.

    Each event is named `batch`; its `data` is the batch without its prompts, its `id`
    the time in milliseconds. The first is sent at once on every connection, further
    ones every few seconds while something changes; the stream ends with the batch, or
    after two minutes. If too many clients are waiting the response is 429: poll every
    few seconds instead.
    """
    principal = auth.principal_of_api()
    batch = batches.find(principal, batch_id)

    def take_snapshot(batch: Batch) -> Snapshot:
        return RECORD.dump(state_of(batch)), batch.is_open

    again = partial(batches.find, principal, batch_id)
    return stream(
        "batch", principal, batch, take_snapshot(batch), lambda: take_snapshot(again())
    )


def stream(
    name: str,
    principal: Principal,
    subject: Task | Batch,
    first: Snapshot,
    take_snapshot: Callable[[], Snapshot],
) -> Response:
    """
    A response that streams the events of a task or batch, holding a permit.

    Args:
        name: Of the events.
        first: The snapshot of *subject*.
        take_snapshot: Takes the next snapshot.

    Raises:
        TooManyWaiting: there is no permit.
    """
    with ExitStack() as held:
        held.enter_context(long_polls.event_stream_permit(principal, subject.user_id))
        events = event_stream(name, principal, subject, first, take_snapshot)
        response = Response(stream_with_context(events), mimetype=KIND)
        response.call_on_close(held.pop_all().close)
    # Proxies must pass events on unchanged and unbuffered.
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def event_stream(
    name: str,
    principal: Principal,
    subject: Task | Batch,
    first: Snapshot,
    take_snapshot: Callable[[], Snapshot],
) -> Iterator[str]:
    """The stream: the first snapshot, and another whenever it differs."""
    event, sent_at = EventWriter(name), time.monotonic()
    data, is_open = first
    yield f"retry: {RECONNECT_MS}\n{event.of(data)}"
    if not is_open:
        return
    with suppress(ApiKeyInvalid):  # reported when the client reconnects
        for snapshot in snapshots(principal, subject, take_snapshot):
            text = event.of(snapshot[0]) if snapshot else ""
            if not text and time.monotonic() >= sent_at + HEARTBEAT_S:
                text = HEARTBEAT
            if text:
                sent_at = time.monotonic()
                yield text
            if snapshot and not snapshot[1]:
                return


def snapshots(
    principal: Principal, subject: Task | Batch, take_snapshot: Callable[[], Snapshot]
) -> Iterator[Snapshot | None]:
    """
    A snapshot after each change, and periodically for what changes without the record:
    queue position and progress. None in between, and if MongoDB fails.

    Raises:
        ApiKeyInvalid: as `long_polls.watch_changes`.
    """
    is_gone = partial(long_polls.is_disconnected, request.environ)
    next_poll = time.monotonic() + long_polls.poll_interval(RETRY_AFTER_S)
    changes = long_polls.watch_changes(principal, subject, MAX_STREAM_S, is_gone)
    # Closed here: the error of a failed snapshot may keep this frame, and so the watch.
    with closing(changes), suppress(TaskNotFound, BatchNotFound):
        for has_changed, _ in changes:
            snapshot = None
            if has_changed or time.monotonic() >= next_poll:
                with best_effort("snapshot of an event stream"):
                    snapshot = take_snapshot()
                next_poll = time.monotonic() + long_polls.poll_interval(RETRY_AFTER_S)
            yield snapshot


class EventWriter:
    """Formats events; an event equal to the previous one is empty."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._data = ""
        self._id = 0

    def of(self, found: dict) -> str:
        data = current_app.json.dumps(found)
        if data == self._data:
            return ""
        self._data = data
        self._id = max(self._id + 1, time.time_ns() // 1_000_000)
        return f"id: {self._id}\nevent: {self._name}\ndata: {data}\n\n"
