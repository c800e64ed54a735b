"""What the tools do: each calls `tasks`, as every door does."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from flask import Response, after_this_request, current_app, request

from jimeng import jobs, tasks
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import TooManyWaiting
from jimeng.http import long_polls
from jimeng.http.request_bodies import scoped_key
from jimeng.i18n import t
from jimeng.mcp.results import Result, record
from jimeng.providers import Model
from jimeng.providers.models.validation import Parameters, best_suited
from jimeng.schemas.model_responses import ModelRecord
from jimeng.tasks import TaskView

MODEL = ModelRecord(many=True)
# Of a call that does not say.
USUAL = {"prompt": "", "quality": "standard", "n": 1, "seed": -1}


def generate(principal: Principal, given: dict) -> Result:
    """
    Generate images

    Draw 1 to 4 pictures of a prompt; each is charged. Waits until they are done,
    wait_seconds at most; otherwise returns a task_id: go on with get_task and do not
    call again. An equal call gets the same task until that has ended and its result was
    delivered.
    ---
    画图

    按提示词画 1 到 4 张图，每张计费。等到画好，最多 wait_seconds 秒；没画好就返
    回 task_id，接着用 get_task，不要重新调用：同样的调用在前一个结束并送达之前得到的
    是同一个任务。
    """
    return draw(principal, "generate_image", given)


def edit(principal: Principal, given: dict) -> Result:
    """
    Edit images

    Draw from pictures by a prompt: as references, mixed, in another style; with mask a
    part is painted anew, with expand it grows at the edges, without a prompt it is
    enlarged. Each is charged. images are links to pictures of this server, a task_id
    with _0 behind it, or https addresses. It waits, and is repeated, as generate_image
    is.
    ---
    改图

    按提示词改图：参考、融合、换风格；带 mask 时重画一块，带 expand 时向外扩展，不写提
    示词时放大。每张计费。images 写本服务器的图片链接、task_id 加 _0，或 https 地址。
    等待和重复调用同 generate_image。
    """
    return draw(principal, "edit_image", given)


def draw(principal: Principal, tool: str, given: dict) -> Result:
    """Make a task, or find the one that an equal call has made, and wait for it."""
    seconds, key = given.pop("wait_seconds"), given.pop("idempotency_key", None)
    told = as_sent(given)
    if "images" in given:
        given.setdefault("model", suited(principal, given))
    record = {name: told[name] for name in told if name not in {"images", "mask"}}
    images = tuple(given.pop("images", ()))
    new = tasks.NewTask(user_id=principal.user_id, given=record, images=images, **given)
    task, joined = tasks.create_or_join(
        principal, new, tasks.Request([tool, told]), idem_key=key and scoped_key(key)
    )
    view = await_end(principal, task, seconds)
    found = progress_of(view)
    if joined:
        found |= {"joined": True, "message": t("mcp.joined", words=found["message"])}
    failed = not view.task.is_open and not view.images
    return Result(found, view.images, is_error=failed)


def suited(principal: Principal, given: dict) -> str | None:
    """The model for these pictures, and for what is to be done with them."""
    asked = Parameters(
        prompt=given["prompt"],
        pictures=len(given["images"]),
        mask="mask" in given,
        strength=given.get("strength"),
        expand=given.get("expand"),
    )
    found = best_suited(asked, usable(principal))
    return found.id if found else None


def as_sent(given: dict) -> dict:
    """The arguments as JSON, without those that say what holds anyhow."""
    found = {name: each for name, each in given.items() if USUAL.get(name) != each}
    return {**found, "expand": asdict(found["expand"])} if "expand" in found else found


def get(principal: Principal, given: dict) -> Result:
    """
    Get a task

    How a task stands, with its pictures once they are done. With wait_seconds the
    answer waits for its end.
    ---
    查看任务

    任务的状态，画好了就有图片。wait_seconds 让它等到结束再答复。
    """
    task = tasks.find(principal, given["task_id"])
    view = await_end(principal, task, given["wait_seconds"])
    return Result(progress_of(view), view.images)


def cancel(principal: Principal, given: dict) -> Result:
    """
    Cancel a task

    Cancel a task that has not ended. Pictures that wait cost nothing; one that is being
    drawn is charged all the same, and not shown.
    ---
    取消任务

    取消还没结束的任务。还在排队的图片不计费，已经开始画的仍然计费，但不再显示。
    """
    task = tasks.cancel(principal, given["task_id"])
    return Result(record(tasks.view_changed(principal, task)))


def list_tasks(principal: Principal, given: dict) -> Result:
    """
    List tasks

    Your own tasks, newest first; by status, words of the prompt, or metadata.
    ---
    列出任务

    自己的任务，最新的在前；可按状态、提示词里的文字、metadata 筛选。
    """
    page = tasks.page(principal, principal.user_id, **given)
    rows = [record(view) for view in tasks.view_all(principal, page.rows)]
    return Result({"tasks": rows, "next_cursor": page.next_cursor})


def list_models(principal: Principal, given: dict) -> Result:
    """
    List models

    The models there are, the sizes, counts, pictures and prompts that each takes, and
    what a picture costs (in fen, hundredths of a yuan).
    ---
    列出模型

    可用的模型，各自接受的尺寸、张数、图片和提示词长度，以及一张的价格（分）。
    """
    return Result({"models": MODEL.dump(usable(principal))})


def usable(principal: Principal) -> list[Model]:
    """The models of this server, as far as the key may ask for them."""
    models = jobs.runtime().registry.models.values()
    return [model for model in models if principal.may_use(model.id)]


def await_end(principal: Principal, task: Task, seconds: float) -> TaskView:
    """
    The task once it has ended, or after so many seconds; or at once where there is no
    place to wait, or it starts later than that.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    view = tasks.view(principal, task)
    config: Config = current_app.config["JIMENG"]
    is_gone = partial(long_polls.is_disconnected, request.environ)
    seconds = min(seconds, config.WAIT_SECONDS)
    if task.is_open and seconds and not task.starts_after(seconds):
        try:
            with long_polls.long_poll_permit(task.user_id):
                long_polls.wait_for_end(principal, task, seconds, is_gone)
        except TooManyWaiting:
            pass
        view = tasks.view_after_wait(principal, task) or view
    if not view.task.is_open:
        note_once_told(view.task.id, is_gone)
    return view


def note_once_told(task_id: str, is_gone: Callable[[], bool]) -> None:
    """Note that the end of a task was told, if the client is still there then."""

    def note() -> None:
        if not is_gone():
            tasks.mark_answered(task_id)

    @after_this_request
    def later(response: Response) -> Response:
        response.call_on_close(note)
        return response


def progress_of(view: TaskView) -> dict:
    """The record and, where it goes on, what to do next."""
    found = record(view)
    return {**found, "next": t("mcp.next")} if view.task.is_open else found
