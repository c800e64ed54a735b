"""Server-sent events: a task's state at each change, while the client is connected."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial

from flask import Response, current_app, request, stream_with_context

from jimeng import tasks
from jimeng.api import blp
from jimeng.api.images import RESULT, RETRY_AFTER_S
from jimeng.api.openapi.blueprint import TEXT, event_of
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import TaskNotFound
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http import auth, long_polls
from jimeng.schemas.task_responses import TaskResult
from jimeng.tasks import TaskView

KIND = "text/event-stream"
MAX_STREAM_S = 120.0  # then the client reconnects
RECONNECT_MS = 3000  # SSE `retry`: the client waits this long before it reconnects
HEARTBEAT_S = 15.0  # silence after which a comment is sent
HEARTBEAT = ": still here\n\n"


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
    ---
    跟随任务

    服务器发送事件（SSE）：任务一有变化就告知。事件名是 `task`，`data` 与查询结果相同，
    `id` 是毫秒时间。每次连接都立即告知现状；任务结束或两分钟后流结束。没有空位时
    是 429：请改为隔几秒查询一次。
    """
    principal = auth.principal_of_api()
    task = tasks.find(principal, task_id)
    view = tasks.view(principal, task)
    with ExitStack() as held:
        held.enter_context(long_polls.event_stream_permit(task.user_id))
        stream = stream_with_context(event_stream(principal, view))
        response = Response(stream, mimetype=KIND)
        response.call_on_close(held.pop_all().close)
    # Proxies must pass events on unchanged and unbuffered.
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def event_stream(principal: Principal, view: TaskView) -> Iterator[str]:
    """The stream: the task's view, and again whenever it changes."""
    event, said = EventWriter(), time.monotonic()
    yield f"retry: {RECONNECT_MS}\n{event.of(view)}"
    if not view.task.is_open:
        return
    with suppress(ApiKeyInvalid):  # reported when the client reconnects
        for view_now in changed_views(principal, view.task):
            text = event.of(view_now) if view_now else ""
            if not text and time.monotonic() >= said + HEARTBEAT_S:
                text = HEARTBEAT
            if text:
                said = time.monotonic()
                yield text
            if view_now and not view_now.task.is_open:
                return


def changed_views(principal: Principal, task: Task) -> Iterator[TaskView | None]:
    """
    The task's view after each change, and periodically for what changes without its
    record: queue position and progress. None in between, and if MongoDB fails.

    Raises:
        ApiKeyInvalid: as `long_polls.watch_task`.
    """
    is_gone = partial(long_polls.is_disconnected, request.environ)
    next_look = time.monotonic() + long_polls.poll_interval(RETRY_AFTER_S)
    for has_changed, _ in long_polls.watch_task(principal, task, MAX_STREAM_S, is_gone):
        view = None
        if has_changed or time.monotonic() >= next_look:
            try:
                view = tasks.view_after_wait(principal, task)
            except TaskNotFound:
                return
            next_look = time.monotonic() + long_polls.poll_interval(RETRY_AFTER_S)
        yield view


class EventWriter:
    """Formats events; an event equal to the previous one is empty."""

    def __init__(self) -> None:
        self._data = ""
        self._id = 0

    def of(self, view: TaskView) -> str:
        data = current_app.json.dumps(RESULT.dump(view))
        if data == self._data:
            return ""
        self._data = data
        self._id = max(self._id + 1, time.time_ns() // 1_000_000)
        return f"id: {self._id}\nevent: task\ndata: {data}\n\n"
