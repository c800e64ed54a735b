"""What the tools do: each calls `tasks`, as every door does."""

from collections.abc import Callable
from functools import partial

from flask import Response, after_this_request, current_app, request

from jimeng import jobs, tasks, waiting
from jimeng.answers import scoped_key
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.errors import TooManyWaiting
from jimeng.i18n import t
from jimeng.mcp.results import Result, record
from jimeng.schemas.replies import ModelRecord
from jimeng.tasks import TaskView
from jimeng.viewers import Viewer

MODEL = ModelRecord(many=True)
USUAL = {"quality": "standard", "n": 1, "seed": -1}  # of a call that does not say


def generate(viewer: Viewer, given: dict) -> Result:
    """Make a task, or find the one that an equal call has made, and wait for it."""
    seconds, key = given.pop("wait_seconds"), given.pop("idempotency_key", None)
    sent = {name: each for name, each in given.items() if USUAL.get(name) != each}
    new = tasks.NewTask(user_id=viewer.user_id, given=sent, **given)
    wish = tasks.Request(["generate_image", given])
    task, joined = tasks.create_or_find(
        viewer, new, wish, idem_key=key and scoped_key(key)
    )
    view = await_end(viewer, task, seconds)
    found = told(view)
    if joined:
        found |= {"joined": True, "message": t("mcp.joined", words=found["message"])}
    failed = not view.task.is_open and not view.images
    return Result(found, view.images, is_error=failed)


def get(viewer: Viewer, given: dict) -> Result:
    task = tasks.find(viewer, given["task_id"])
    view = await_end(viewer, task, given["wait_seconds"])
    return Result(told(view), view.images)


def cancel(viewer: Viewer, given: dict) -> Result:
    task = tasks.cancel(viewer, given["task_id"])
    return Result(record(tasks.view_changed(viewer, task)))


def list_tasks(viewer: Viewer, given: dict) -> Result:
    page = tasks.page(viewer, viewer.user_id, **given)
    rows = [record(view) for view in tasks.view_all(viewer, page.tasks)]
    return Result({"tasks": rows, "next_cursor": page.next_cursor})


def list_models(viewer: Viewer, given: dict) -> Result:
    return Result({"models": MODEL.dump(jobs.runtime().registry.models.values())})


def await_end(viewer: Viewer, task: Task, seconds: int) -> TaskView:
    """
    The task once it has ended, or after so many seconds, or at once where there is
    no place to wait.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    view = tasks.view(viewer, task)
    config: Config = current_app.config["JIMENG"]
    is_gone = partial(waiting.is_gone, request.environ)
    if task.is_open and seconds:
        try:
            with waiting.place(task.user_id):
                waiting.wait_for_end(task, min(seconds, config.WAIT_SECONDS), is_gone)
        except TooManyWaiting:
            pass
        view = tasks.look_again(viewer, task) or view
    if not view.task.is_open:
        note_once_told(view.task.id, is_gone)
    return view


def note_once_told(task_id: str, is_gone: Callable[[], bool]) -> None:
    """Note that the end of a task was told, if the client is still there then."""

    def note() -> None:
        if not is_gone():
            tasks.answered(task_id)

    @after_this_request
    def later(response: Response) -> Response:
        response.call_on_close(note)
        return response


def told(view: TaskView) -> dict:
    """The record and, where it goes on, what to do next."""
    found = record(view)
    return {**found, "next": t("mcp.next")} if view.task.is_open else found
