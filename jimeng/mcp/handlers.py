"""Handlers of the tools for tasks; each calls `tasks`, as every interface does."""

from dataclasses import asdict
from functools import partial

from flask import Response, after_this_request, request

from jimeng import jobs, tasks
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.http import long_polls
from jimeng.http.requests import release_body_permit, scoped_key
from jimeng.i18n import t
from jimeng.mcp import arguments as takes
from jimeng.mcp import results
from jimeng.mcp.results import Result, record
from jimeng.mcp.tools import tool
from jimeng.providers import Model
from jimeng.providers.models import Makes
from jimeng.providers.models.model import Parameters, best_suited
from jimeng.schemas.model_responses import EstimateRecord, ModelRecord
from jimeng.schemas.videos import PICTURE_FIELDS, as_video
from jimeng.tasks import TaskView

MODEL, ESTIMATE = ModelRecord(many=True), EstimateRecord()
# The values of omitted arguments.
PICTURES = {"images", "mask", *PICTURE_FIELDS}  # stored as inputs
DEFAULTS = {"prompt": "", "quality": "standard", "n": 1, "seed": -1}


@tool("generate_image", takes.GENERATE, results.TASK_OR_ESTIMATE, changes=True)
def generate(principal: Principal, arguments: dict) -> Result:
    """
    Generate images

    Generate 1 to 4 images from a prompt; each is charged. Waits up to wait_seconds for
    them; if they are not ready, returns a task_id: continue with get_task, do not call
    again. An identical call returns the same task until it has ended and its result was
    delivered.
    """
    return draw(principal, "generate_image", arguments)


@tool("edit_image", takes.EDIT, results.TASK_OR_ESTIMATE, changes=True)
def edit(principal: Principal, arguments: dict) -> Result:
    """
    Edit images

    Edit images by prompt: use them as references, combine them, change their style;
    mask repaints a region, expand extends the canvas, without a prompt the image is
    upscaled. Each result is charged. images takes links to images of this server, a
    task_id followed by _0, or https URLs. Waits and joins identical calls as
    generate_image does.
    """
    return draw(principal, "edit_image", arguments)


@tool("generate_video", takes.GENERATE_VIDEO, results.TASK_OR_ESTIMATE, changes=True)
def generate_video(principal: Principal, arguments: dict) -> Result:
    """
    Generate a video

    Generate a video from a prompt, or from a first frame and a prompt. It costs more
    than an image and takes minutes: get the price with dry_run first, and ask your
    user. Returns a task_id: continue with get_task, do not call again. An identical
    call returns the same task until it has ended and its result was delivered.
    first_frame, last_frame and references take the same values as images of edit_image.
    """
    return draw(principal, "generate_video", arguments)


def draw(principal: Principal, tool_name: str, arguments: dict) -> Result:
    """Create a task, or join the one of an equal call, and wait for its end."""
    seconds, key = arguments.pop("wait_seconds"), arguments.pop("idempotency_key", None)
    dry_run = arguments.pop("dry_run")
    canonical = canonical_arguments(arguments)
    if "images" in arguments:
        arguments.setdefault("model", default_model(principal, arguments))
    record = {name: canonical[name] for name in canonical if name not in PICTURES}
    if tool_name == "generate_video":
        arguments = as_video(arguments)
    images = tuple(arguments.pop("images", ()))
    new = tasks.Request(
        user_id=arguments.pop("user_id", principal.user_id),
        received=record,
        images=images,
        **arguments,
    )
    if dry_run:
        return Result(ESTIMATE.dump(tasks.estimate(principal, new)))
    task, joined = tasks.create_or_join(
        principal,
        new,
        tasks.Attempt([tool_name, canonical]),
        idem_key=key and scoped_key(key),
    )
    release_body_permit(None)  # let other uploads in while this call waits
    view = wait_for_end(principal, task, seconds)
    found = record_with_next_step(view)
    if joined:
        found |= {"joined": True, "message": t("mcp.joined", message=found["message"])}
    failed = not view.task.is_open and not view.images
    return Result(found, view.images, is_error=failed)


def default_model(principal: Principal, arguments: dict) -> str | None:
    """The id of the model that suits the pictures and parameters best, or None."""
    asked = Parameters(
        prompt=arguments["prompt"],
        pictures=len(arguments["images"]),
        mask="mask" in arguments,
        strength=arguments.get("strength"),
        expand=arguments.get("expand"),
    )
    found = best_suited(asked, allowed_models(principal, "image"))
    return found.id if found else None


def canonical_arguments(arguments: dict) -> dict:
    """The arguments as JSON, without those that equal the defaults."""
    found = {
        name: each for name, each in arguments.items() if DEFAULTS.get(name) != each
    }
    return {**found, "expand": asdict(found["expand"])} if "expand" in found else found


@tool("get_task", takes.GET, results.TASK)
def get(principal: Principal, arguments: dict) -> Result:
    """
    Get a task

    Return a task's status, and its images or videos once it has completed. With
    wait_seconds, wait for its end.
    """
    task = tasks.find(principal, arguments["task_id"])
    view = wait_for_end(principal, task, arguments["wait_seconds"])
    return Result(record_with_next_step(view), view.images)


@tool("cancel_task", takes.CANCEL, results.TASK, changes=True, is_destructive=True)
def cancel(principal: Principal, arguments: dict) -> Result:
    """
    Cancel a task

    Cancel a task that has not ended. Images still waiting are not charged; one that is
    being generated is charged, and not shown. A video that has started cannot be
    stopped: it is charged, and stored.
    """
    task = tasks.cancel(principal, arguments["task_id"])
    return Result(record(tasks.view_changed(principal, task)))


@tool("list_tasks", takes.LIST, results.TASKS)
def list_tasks(principal: Principal, arguments: dict) -> Result:
    """
    List tasks

    List your own tasks, newest first; filter by status, words of the prompt, or
    metadata.
    """
    user_id = arguments.pop("user_id", principal.user_id)
    status = [arguments.pop("status")] if "status" in arguments else []
    page = tasks.page(principal, user_id, status=status, **arguments)
    rows = [record(view) for view in tasks.view_all(principal, page.rows)]
    return Result({"tasks": rows, "next_cursor": page.next_cursor})


@tool("list_models", takes.LIST_MODELS, results.MODELS)
def list_models(principal: Principal, arguments: dict) -> Result:
    """
    List models

    List the models that generate images or videos, with what each accepts (sizes,
    counts, input images, prompts; for videos durations, resolutions, sound, camera
    moves) and its price (in fen, hundredths of a yuan, per image, or per second or
    million tokens of a video).
    """
    return Result({"models": MODEL.dump(allowed_models(principal, arguments["makes"]))})


def allowed_models(principal: Principal, makes: Makes) -> list[Model]:
    """The models that make these, and that the key may use."""
    models = jobs.runtime().registry.making(makes)
    return [model for model in models if principal.may_use(model.id)]


def wait_for_end(principal: Principal, task: Task, seconds: float) -> TaskView:
    """
    The task's view once it has ended, or after *seconds*; at once if no permit is free
    or the task starts later than that.

    Raises:
        TaskNotFound: it was deleted meanwhile.
    """
    view = tasks.view(principal, task)
    if long_polls.wait_if_open(principal, task, seconds) is not None:
        view = tasks.view_after_wait(principal, task) or view
    if not view.task.is_open:
        mark_answered_on_close(view.task.id)
    return view


def mark_answered_on_close(task_id: str) -> None:
    """Record delivery of the task's end once the response is sent to the client."""
    is_gone = partial(long_polls.is_disconnected, request.environ)

    def record_end() -> None:
        if not is_gone():
            tasks.mark_answered(task_id)

    @after_this_request
    def later(response: Response) -> Response:
        response.call_on_close(record_end)
        return response


def record_with_next_step(view: TaskView) -> dict:
    """The record and, while the task is open, what to do next."""
    found = record(view)
    return (
        {**found, "next": t("mcp.next", seconds=takes.MAX_WAIT_S)}
        if view.task.is_open
        else found
    )
