"""What the REST API says of tasks and their pictures."""

from functools import partial

from marshmallow import missing

from jimeng.documents import Image, Status
from jimeng.http.answers import absolute, path_for
from jimeng.i18n import MESSAGES, t
from jimeng.schemas.fields import AS_USER_ID
from jimeng.schemas.kinds import (
    HOST,
    Reply,
    Within,
    a,
    address,
    count,
    entries,
    fixed,
    flag,
    instant,
    link,
    list_of,
    one_of,
    some,
    text,
    whole,
)
from jimeng.tasks import TaskView
from jimeng.tasks.views import PHASES

STATUS = tuple(Status)
TASK, OTHER = (
    f"volcengine_img_{rest}"
    for rest in ("01m887frvfcaq6swdcq2hdp358bxvt", "01m887fw13am7j0p14qygjhszprzpz")
)
PICTURE = f"{HOST}/i/-hirVBSkTvga-VDstxm8wQ"
MODEL, PROVIDER = "doubao-seedream-3.0-t2i", "volcengine_jimeng"
PROMPT = "一只可爱的小猫咪在花园里玩耍"


link_to = partial(link, name="task_id", example=TASK)


class Links(Reply):
    self = link_to("api.get_task", "/api/v1/tasks/{}")
    result = link_to("api.get_result", "/api/v1/ai/image/result/{}")
    cancel = link_to("api.cancel_task", "/api/v1/tasks/{}/cancel")
    html = link_to("web.task", "/tasks/{}")


class Created(Reply):
    """The answer to a request that made a task, and to its repetitions."""

    task_id = text("id", example=TASK)
    status = one_of("pending", of=lambda task: "pending")
    message = fixed("answer.created")
    provider = text(example=PROVIDER)
    model = text(example=MODEL)
    created_at = instant()
    position = count(lambda task: task.first_answer.get("position", 0))
    eta_seconds = count(lambda task: task.first_answer.get("eta_seconds", 0), null=True)
    retried_from = text(lambda task: task.retried_from or missing, required=False)
    links = a(Links, lambda task: task)


def picture_link(found: Image) -> str:
    return absolute(path_for("web.image", key=found.key, ext=found.suffix))


def thumbnail_link(found: Image) -> str:
    return absolute(path_for("web.thumbnail", key=found.key))


class Source(Reply):
    """One of the pictures that a task was made from."""

    upload = text("input", example="upload_q2xVn0bXyG7tD5m4JcLr9A")
    picture = text(lambda source: source.get("picture"), null=True, example=f"{TASK}_0")


class Picture(Reply):
    id = text(example=f"{TASK}_0")
    url = address(picture_link, example=f"{PICTURE}.jpg")
    thumbnail_url = address(thumbnail_link, example=f"{PICTURE}/thumb.webp")
    width = whole(minimum=1, example=1024)
    height = whole(minimum=1, example=1024)
    bytes = whole(minimum=1, example=183256)
    content_type = text(example="image/jpeg")
    seed = whole(null=True, example=364759945)


class KnownPicture(Picture):
    """A picture in the full record of its task."""

    made_into = list_of(
        text(example=OTHER), lambda found: found.made_into or (), example=[]
    )


class Failure(Reply):
    """Why a picture did not come, in words."""

    code = text()
    message = text(lambda kept: t(f"error.{kept['code']}"))
    provider_code = text(null=True)
    provider_request_id = text(null=True)
    retryable = flag()
    charged = one_of("no", "unknown", "yes")


def has_error(view: TaskView) -> bool:
    """Whether it failed, or was ended by other than its owner."""
    return bool(view.errors) and (
        view.task.status == "failed" or view.task.reason is not None
    )


def sentence(view: TaskView) -> str:
    if has_error(view):
        return t(f"error.{view.errors[0]['code']}")
    if view.troubles:
        return t(f"trouble.{view.troubles[0]}")
    return t(f"answer.{view.task.status}")


def has_result(view: TaskView) -> bool:
    return view.task.status == "completed" and not has_error(view)


def first_link(view: TaskView) -> str | None:
    return picture_link(view.images[0]) if view.images else None


def while_open(name: str):
    """The view's *name*, which is left out of what has ended or does not have it."""

    def of(view: TaskView) -> object:
        value = getattr(view, name) if view.task.is_open else None
        return missing if value is None else value

    return of


class Pictures(Reply):
    image_url = address(first_link, null=True, example=f"{PICTURE}.jpg")
    image_urls = list_of(
        address(example=f"{PICTURE}.jpg"),
        lambda view: [picture_link(each) for each in view.images],
    )
    images = some(Picture)
    failed = some(Failure, "errors", example=[])


class KnownPictures(Pictures):
    images = some(KnownPicture)


def result_or(otherwise: object):
    return lambda view: view if has_result(view) else otherwise


def error_or(otherwise: object):
    return lambda view: view.errors[0] if has_error(view) else otherwise


PHASE = one_of(*PHASES, of=while_open("phase"), required=False)
POSITION = count(while_open("position"), required=False)
ETA = count(while_open("eta_seconds"), required=False)
FIRST = address(
    lambda view: first_link(view) if has_result(view) else missing,
    required=False,
    null=True,
    example=f"{PICTURE}.jpg",
)


class TaskResult(Within):
    """The short answer: how it stands, and the pictures."""

    inner = "task"

    task_id = text("id", example=TASK)
    status = one_of(*STATUS, example="completed")
    message = text(sentence, example=MESSAGES["answer.completed"])
    created_at = instant()
    phase = PHASE
    progress = whole(while_open("progress"), required=False, minimum=0, maximum=100)
    position = POSITION
    eta_seconds = ETA
    result = a(Pictures, result_or(missing), required=False, example=...)
    error = a(Failure, error_or(missing), required=False)
    image_url = FIRST


class Finished(TaskResult):
    """The same of a task that has ended while its request waited."""

    provider = text(example=PROVIDER)
    model = text(example=MODEL)
    links = a(Links, "task")


def sized(name: str):
    """A side of what is drawn; None before it is known."""
    return lambda view: None if view.task.unsized else getattr(view.task, name)


class TaskRecord(Within):
    """All that is known of a task."""

    inner = "task"

    id = text(example=TASK)
    task_id = text(lambda view: view.task.id, example=TASK)
    type = one_of("image")
    status = one_of(*STATUS, example="completed")
    message = text(sentence, example=MESSAGES["answer.completed"])
    user_id = text(example="user_123", pattern=AS_USER_ID["pattern"])
    input = entries(example={"prompt": PROMPT, "user_id": "user_123", "size": "1:1"})
    prompt = text(example=PROMPT)
    provider = text(example=PROVIDER)
    model = text(example=MODEL)
    width = whole(sized("width"), null=True, minimum=1, example=1328)
    height = whole(sized("height"), null=True, minimum=1, example=1328)
    n = whole(minimum=1, maximum=4)
    seed = whole(null=True, example=364759945)
    made_from = some(Source, lambda view: view.task.made_from or [], example=[])
    has_mask = flag(lambda view: bool(view.task.has_mask), example=False)
    provider_task_ids = list_of(text(example="7707695021820599348"), "remote_ids")
    attempts = count(example=1)
    retried_from = text(null=True)
    batch_id = text(lambda view: view.task.batch, null=True)
    batch_index = whole(null=True, minimum=0)
    created_at = instant()
    updated_at = instant()
    not_before = instant(null=True)
    started_at = instant(null=True, example=...)
    submitted_at = instant(null=True, example=...)
    completed_at = instant(null=True, example=...)
    progress = whole(minimum=0, maximum=100, example=100)
    result = a(KnownPictures, result_or(None), null=True, example=...)
    error = a(Failure, error_or(None), null=True)
    phase = PHASE
    position = POSITION
    eta_seconds = ETA
    image_url = FIRST
    links = a(Links, "task")


class TaskPage(Reply):
    tasks = some(TaskResult)
    limit = whole(example=20)
    offset = whole()
    count = whole(example=1)


class TaskDeleted(Reply):
    task_id = text(example=TASK)
    message = fixed("answer.task_deleted")
