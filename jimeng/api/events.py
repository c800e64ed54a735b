"""Events: a task as it changes, for as long as somebody reads (server-sent events)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial

from flask import Response, current_app, request, stream_with_context

from jimeng import tasks
from jimeng.api import blp
from jimeng.api.images import RESULT, WAIT
from jimeng.api.openapi.blueprint import TEXT, event_of
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import TaskNotFound
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http import auth, long_polls
from jimeng.schemas.task_responses import TaskResult
from jimeng.tasks import TaskView

KIND = "text/event-stream"
MAX_STREAM_S = 120.0  # seconds; then the client connects again
RETRY_AFTER_S = 3000  # milliseconds that it lets pass before that
QUIET = 15.0  # seconds without a word after which it is told that we are here
SILENCE = ": still here\n\n"


@blp.get("/tasks/<task:task_id>/events", tags=["tasks"])
@blp.response(200, TEXT, content_type=KIND, example=event_of("task", TaskResult))
@blp.describe(errors=["task_not_found", "too_many_waiting"], always=["Cache-Control"])
def follow_task(task_id: str) -> Response:
    """
    Follow a task: server-sent events, as it changes.

    Each event is named `task`, its `data` is that of the short answer, its `id` the
    time in milliseconds. The first comes at once, on every connection; the stream ends
    with the task, or after two minutes. Where there is no place to wait the answer is
    429: ask every few seconds instead.
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
        told = stream_with_context(tell(principal, view))
        response = Response(told, mimetype=KIND)
        response.call_on_close(held.pop_all().close)
    # What is passed on is passed on as it is, and at once.
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def tell(principal: Principal, view: TaskView) -> Iterator[str]:
    """The stream: how the task stands, and again whenever that is something else."""
    event, said = Events(), time.monotonic()
    yield f"retry: {RETRY_AFTER_S}\n{event.of(view)}"
    if not view.task.is_open:
        return
    with suppress(ApiKeyInvalid):  # whoever connects again is told
        for view_now in looks(principal, view.task):
            text = event.of(view_now) if view_now else ""
            if not text and time.monotonic() >= said + QUIET:
                text = SILENCE
            if text:
                said = time.monotonic()
                yield text
            if view_now and not view_now.task.is_open:
                return


def looks(principal: Principal, task: Task) -> Iterator[TaskView | None]:
    """
    The task after each change, and now and then for what changes without its record:
    place and progress. None in between, and where MongoDB does not say.

    Raises:
        ApiKeyInvalid: as `long_polls.watch_task`.
    """
    is_gone = partial(long_polls.is_disconnected, request.environ)
    next_look = time.monotonic() + long_polls.poll_interval(WAIT)
    for has_changed, _ in long_polls.watch_task(principal, task, MAX_STREAM_S, is_gone):
        view = None
        if has_changed or time.monotonic() >= next_look:
            try:
                view = tasks.view_after_wait(principal, task)
            except TaskNotFound:
                return
            next_look = time.monotonic() + long_polls.poll_interval(WAIT)
        yield view


class Events:
    """One after another; what was told already is not told again."""

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
