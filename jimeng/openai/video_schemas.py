"""Schemas of ``/v1/videos``, for the OpenAPI document and for responses."""

from datetime import datetime
from typing import Any, ClassVar

from marshmallow import missing

from jimeng.billing.costs import yuan
from jimeng.i18n import t
from jimeng.openai.openapi import DRAWING, MAX_PROMPT, TASK, CommonRequest, optional
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    HOST,
    Boolean,
    File,
    Integer,
    Length,
    OneOf,
    QueryInteger,
    Range,
    Reply,
    Strict,
    Text,
    address,
    boolean,
    count,
    nested,
    nested_list,
    text,
)
from jimeng.schemas.tasks import MAX_STYLE, REFERENCE, first_video_link
from jimeng.schemas.videos import CHOICE, MAX_SECONDS
from jimeng.tasks import TaskView

# Responses of requests that wait.
WAITING = {
    *("wait_over", "server_stopping", "too_many_waiting", "starts_too_late"),
    *("task_cancelled", "content_refused_prompt", "provider_failed"),
}
CREATING_VIDEOS = [code for code in DRAWING if code not in WAITING]
STATUSES = {"pending": "queued", "processing": "in_progress", "completed": "completed"}
LINK = f"{HOST}/v/-hirVBSkTvga-VDstxm8wQ.mp4"


class VideoRequest(CommonRequest):
    prompt = Text(field_descriptions.PROMPT, validate=Length(1, MAX_PROMPT))
    model = optional(
        Text,
        "A video model's name, see `/v1/models`; `sora-*`, the names built into "
        "clients, mean the default one",
        validate=Length(1, 200),
    )
    seconds = optional(
        Integer,
        "Seconds, a number or text; the choices depend on the model",
        validate=Range(1, MAX_SECONDS),
    )
    size = optional(
        Text,
        "WIDTHxHEIGHT: the model's nearest size; or a ratio, or a resolution such as "
        "720p",
        validate=Length(1, 20),
    )
    resolution = optional(
        Text,
        "A resolution such as 720p, instead of that of size",
        validate=CHOICE,
    )
    aspect_ratio = optional(
        Text,
        "The ratio; also as aspectRatio or ratio",
        validate=Length(1, 20),
    )
    audio = optional(
        Boolean,
        "Whether it has sound; silent by default",
    )
    style = optional(Text, field_descriptions.STYLE, validate=Length(1, MAX_STYLE))


class CreateVideoRequest(VideoRequest):
    """``POST /v1/videos`` in JSON."""

    examples: ClassVar = {
        "usual": {"model": "sora-2", "prompt": "灯笼随风轻摆", "size": "1280x720"},
    }

    input_reference = optional(
        Text,
        "The picture to begin with: a link, an id or a data: URL, or an object with "
        "image_url",
        validate=REFERENCE,
    )


class CreateVideoForm(VideoRequest):
    """The same as a form, as the official SDKs send it."""

    examples: ClassVar = {
        "usual": {"prompt": "灯笼随风轻摆", "input_reference": "lantern.png"}
    }

    input_reference = File("The picture to begin with")


class VideosQuery(Strict):
    """The query of the list."""

    user = Text("Of a key with `act_for`: whose videos", validate=Length(1, 64))
    after = Text("The last id of the page before", validate=Length(1, 100))
    limit = QueryInteger(
        field_descriptions.LIMIT, load_default=20, validate=Range(1, 100)
    )
    order = Text(
        "desc: newest first; asc: oldest first",
        load_default="desc",
        validate=OneOf("desc", "asc"),
    )


class VideoContentQuery(Strict):
    """The query of the content."""

    variant = Text(
        "video or thumbnail",
        load_default="video",
        validate=OneOf("video", "thumbnail"),
    )


def status_of(view: TaskView) -> str:
    status = STATUSES.get(view.task.status, "failed")
    return "queued" if status == "in_progress" and view.phase == "queued" else status


def error_of(view: TaskView) -> dict | None:
    """Why it failed or was cancelled; None otherwise."""
    if status_of(view) != "failed":
        return None
    error = next(iter(view.errors), None)
    code = error["code"] if error else "task_cancelled"
    return {"code": code, "message": t(f"error.{code}")}


def seconds_since_1970(when: datetime | None) -> int | None:
    return None if when is None else int(when.timestamp())


def first_link(view: TaskView) -> object:
    return first_video_link(view) or missing


def cost_of(view: TaskView) -> str | None:
    micros = view.task.cost_micros
    return None if micros is None else yuan(micros)


def chosen(name: str) -> Any:
    return lambda view: (view.task.video or {}).get(name)


class VideoJobError(Reply):
    code = text(field_descriptions.CODE, example="provider_failed")
    message = text(field_descriptions.MESSAGE, example="…")


class VideoJob(Reply):
    id = text(field_descriptions.TASK_ID, of=lambda view: view.task.id, example=TASK)
    object = text(
        field_descriptions.OBJECT, choices=("video",), of=lambda view: "video"
    )
    model = text(
        field_descriptions.MODEL,
        of=lambda view: view.task.model,
        example="doubao-seedance-1.0-pro",
    )
    status = text(
        "queued, in_progress, completed or failed",
        choices=("queued", "in_progress", "completed", "failed"),
        of=status_of,
        example="queued",
    )
    progress = count(field_descriptions.PROGRESS, maximum=100, example=0)
    created_at = count(
        field_descriptions.CREATED,
        of=lambda view: seconds_since_1970(view.task.created_at),
        example=1795572622,
    )
    completed_at = count(
        "When it ended, in seconds since 1970",
        of=lambda view: seconds_since_1970(view.task.completed_at),
        null=True,
        example=None,
    )
    expires_at = count(
        "null: videos do not expire",
        of=lambda view: None,
        null=True,
        example=None,
    )
    seconds = text(
        "Seconds, as text",
        of=lambda view: str((view.task.video or {}).get("duration", "")),
        example="5",
    )
    size = text(
        "WIDTHxHEIGHT",
        of=lambda view: f"{view.task.width}x{view.task.height}",
        example="1280x720",
    )
    prompt = text(
        field_descriptions.PROMPT,
        of=lambda view: view.task.prompt,
        example="灯笼随风轻摆",
    )
    error = nested(
        field_descriptions.WHY_FAILED,
        VideoJobError,
        of=error_of,
        null=True,
        example=None,
    )
    remixed_from_video_id = text(
        "Always null", of=lambda view: None, null=True, example=None
    )
    url = address(
        "A link to the video, once it is completed; it never expires, and needs no key",
        of=first_link,
        required=False,
        example=LINK,
    )
    user_id = text(
        field_descriptions.USER_ID,
        of=lambda view: view.task.user_id,
        example="user_123",
    )
    cost = text(field_descriptions.COST, of=cost_of, null=True, example="2.50")
    cost_micros = count(
        field_descriptions.COST_MICROS,
        of=lambda view: view.task.cost_micros,
        null=True,
        example=2500000,
    )


class VideoJobList(Reply):
    object = text(field_descriptions.OBJECT, choices=("list",))
    data = nested_list("The videos", VideoJob)
    first_id = text("The first id", null=True, example=TASK)
    last_id = text("The last id", null=True, example=TASK)
    has_more = boolean("Whether there is another page", example=False)


class DeletedVideo(Reply):
    id = text(field_descriptions.TASK_ID, example=TASK)
    object = text(field_descriptions.OBJECT, choices=("video.deleted",))
    deleted = boolean("Always true", example=True)
