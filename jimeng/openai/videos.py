"""``/v1/videos``: create videos and poll for them, as OpenAI's SDKs do."""

import math
from dataclasses import replace

from flask import Response

from jimeng import tasks
from jimeng.api.openapi.blueprint import BINARY, LIMITS
from jimeng.documents import cursors
from jimeng.documents.image import FILES
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, TaskNotFound
from jimeng.gallery import trash
from jimeng.http import auth
from jimeng.http.request_kinds import polled, sends_picture, submits
from jimeng.http.requests import accepts_pictures, idempotency_key
from jimeng.http.responses import file_response, rate_limit_headers
from jimeng.inputs import Reference
from jimeng.openai import bp, errors, model_names, requests
from jimeng.openai.inputs import reference
from jimeng.openai.parameters import owner_of, ratio_of, seed_of, size_of, style_of
from jimeng.openai.video_schemas import (
    CREATING_VIDEOS,
    CreateVideoForm,
    CreateVideoRequest,
    DeletedVideo,
    VideoContentQuery,
    VideoJob,
    VideoJobList,
    VideosQuery,
)
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models.model import Size, parse_size
from jimeng.tasks import TaskView

POLL_AFTER_MS = 3000
REFERENCE_FIELDS = ("image_url", "file_id")
THUMBNAIL = "image/webp"
JOB = VideoJob()


@bp.post("/videos", tags=["openai"])
@bp.response(200, VideoJob)
@bp.doc(operationId="create_openai_video")
@bp.describe(
    errors=CREATING_VIDEOS,
    headers=["Idempotent-Replayed", *LIMITS],
    takes=["Idempotency-Key"],
    body=CreateVideoRequest,
    form=CreateVideoForm,
)
@accepts_pictures
@submits
def create_video() -> Response:
    """
    Create a video (compatible with OpenAI).

    Returns at once: poll `GET /v1/videos/{id}` until its status is `completed` or
    `failed`. A client that is disconnected and retries by itself gets the video of its
    first request.
    """
    body = requests.read_body()
    principal = auth.principal_of_api()
    new = parse(body, principal)
    sent = tasks.Attempt(body.content, requests.retry_count())
    task, replayed = tasks.create_or_join(
        principal, new, sent, idem_key=idempotency_key()
    )
    errors.report_task(task, replayed=replayed)
    response = success_of(tasks.view(principal, task))
    response.headers.update(rate_limit_headers(task.rate_limits))
    response.call_on_close(lambda: tasks.mark_answered(task.id))
    return response


@bp.get("/videos/<task_id>", tags=["openai"])
@bp.response(200, VideoJob)
@bp.doc(operationId="get_openai_video")
@bp.describe(errors=["task_not_found"])
@polled
def get_video(task_id: str) -> Response:
    """Get a video's status (compatible with OpenAI)."""
    return success_of(find(auth.principal_of_api(), task_id))


@bp.get("/videos", tags=["openai"])
@bp.arguments(VideosQuery(), location="query")
@bp.response(200, VideoJobList)
@bp.doc(operationId="list_openai_videos")
@bp.describe(errors=["task_not_found"])
def list_videos(query: dict) -> dict:
    """List the key owner's videos (compatible with OpenAI)."""
    principal = auth.principal_of_api()
    cursor = None
    if after := query.get("after"):
        last = tasks.find(principal, after)
        row = {"_id": last.id, "created_at": last.created_at}
        cursor = cursors.cursor_of(row, "created_at")
    page = tasks.page(
        *(principal, owner_of(query, principal)),
        limit=query["limit"],
        cursor=cursor,
        type=VIDEO,
        oldest_first=query["order"] == "asc",
    )
    ids = [task.id for task in page.rows]
    return {
        "object": "list",
        "data": tasks.view_all(principal, page.rows),
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": page.next_cursor is not None,
    }


@bp.get("/videos/<task_id>/content", tags=["openai"])
@bp.arguments(VideoContentQuery(), location="query")
@bp.response(200, BINARY, content_type="video/mp4", example="…")
# For programs that know no such type.
@bp.alt_response(
    200, schema=BINARY, content_type="application/octet-stream", example="…"
)
@bp.doc(operationId="get_openai_video_content")
@bp.describe(errors=["task_not_found", "image_not_found"])
@sends_picture
def get_video_content(query: dict, task_id: str) -> Response:
    """
    Get the MP4, or its thumbnail (compatible with OpenAI).

    Serves ranges. 404 until the video is completed.
    """
    view = find(auth.principal_of_api(), task_id)
    found = next((each for each in view.images if each.is_video), None)
    if found is None:
        raise ImageNotFound(f"no video of task {view.task.id} yet")
    is_video = query["variant"] == "video"
    part = FILES[0] if is_video else "thumbnail_id"
    _, content = tasks.open_image(found.key, part)
    kind = found.content_type if is_video else THUMBNAIL
    etag = found.sha256 if is_video else f"{found.sha256}-thumbnail"
    return file_response(content, kind, etag=etag, modified=found.created_at)


@bp.delete("/videos/<task_id>", tags=["openai"])
@bp.response(200, DeletedVideo)
@bp.doc(operationId="delete_openai_video")
@bp.describe(errors=["task_not_found"])
def delete_video(task_id: str) -> dict:
    """
    Move a video to the trash (compatible with OpenAI).

    What the provider has begun goes on there, and is charged.
    """
    principal = auth.principal_of_api()
    task = find(principal, task_id).task
    trash.trash(principal, task.id)
    return {"id": task.id, "object": "video.deleted", "deleted": True}


def find(principal: Principal, task_id: str) -> TaskView:
    """
    Raises:
        TaskNotFound: as `tasks.find`, also for a task of pictures.
    """
    task = tasks.find(principal, task_id)
    if task.type != VIDEO:
        raise TaskNotFound(f"{task_id} makes pictures")
    return tasks.view(principal, task)


def success_of(view: TaskView) -> Response:
    response = Response(JOB.dumps(view), mimetype="application/json")
    if view.task.is_open:
        response.headers["openai-poll-after-ms"] = str(POLL_AFTER_MS)
    return response


def parse(body: requests.Body, principal: Principal) -> tasks.Request:
    """
    Raises:
        Invalid: a known field has an invalid value.
        NoProvider: as `model_names.find`.
    """
    model = model_names.find(body.text("model"), makes="video")
    frame = frame_of(body)
    resolution, ratio = shape_of(body, model, has_frame=frame is not None)
    video = VideoParameters(
        duration=seconds_of(body, model),
        resolution=resolution,
        ratio=ratio,
        audio=body.switch("audio") if "audio" in body.fields else None,
        roles=() if frame is None else ("first_frame",),
    )
    new = tasks.Request(
        user_id=owner_of(body.fields, principal),
        prompt=body.text("prompt") or "",
        model=model.id,
        provider=model.provider,
        style=style_of(body),
        seed=seed_of(body, model),
        images=() if frame is None else (frame,),
        video=video,
        metadata=body.pairs("metadata"),
        webhook_url=body.text("webhook_url"),
        webhook_events=body.choices("webhook_events"),
    )
    return replace(new, received=request_record(new, video))


def seconds_of(body: requests.Body, model: Model) -> int | None:
    """
    The length; the nearest of the model's for a client that does not name it, and so
    knows the lengths of its own service only.
    """
    seconds, offered = (
        body.whole("seconds"),
        model.video.durations if model.video else (),
    )
    if seconds is None or body.text("model") in model.names:
        return seconds
    return min(offered, key=lambda each: abs(each - seconds), default=seconds)


def frame_of(body: requests.Body) -> Reference | None:
    """
    The first frame, a file or a reference; None without one.

    Raises:
        Invalid: it cannot be a picture.
    """
    field = "input_reference"
    if files := body.files.get(field):
        return files[0]
    nested = (body.fields.get(f"{field}[{name}]") for name in REFERENCE_FIELDS)
    value = body.fields.get(field) or next(filter(None, nested), None)
    if isinstance(value, dict) and value.get("file_id"):
        value = value["file_id"]
    return None if value is None else reference(field, value)


def shape_of(
    body: requests.Body, model: Model, *, has_frame: bool
) -> tuple[str | None, str | None]:
    """
    The resolution and ratio that ``size`` means: the model's nearest size, or a name.
    With a first frame its own ratio counts.

    Raises:
        Invalid: it is neither a size nor a name.
    """
    size, ratio = size_of(body), ratio_of(body)
    resolution = body.text("resolution")
    pixels = parse_size(size) if size else None
    if size and pixels is None:
        if ":" in size:
            ratio = ratio or size
        else:
            resolution = resolution or size
    if pixels and model.video:
        sizes = model.video.resolutions
        near = min(
            ((name, shape) for name, table in sizes.items() for shape in table),
            key=lambda each: distance(sizes[each[0]][each[1]], pixels),
        )
        resolution, ratio = resolution or near[0], ratio or near[1]
    return resolution, None if has_frame and pixels else ratio


def distance(size: Size, other: Size) -> float:
    """How much the sides of two sizes differ."""
    return sum(abs(math.log(a / b)) for a, b in zip(size, other, strict=True))


def request_record(new: tasks.Request, video: VideoParameters) -> dict:
    """The request in terms of this server's own API, stored with the task."""
    record: dict = {"prompt": new.prompt, "model": new.model, "style": new.style}
    record |= {name: value for name, value in video.stored().items() if name != "roles"}
    if new.seed >= 0:
        record["seed"] = new.seed
    return {name: value for name, value in record.items() if value not in (None, "")}
