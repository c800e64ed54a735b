"""Pictures, asked for and waited for in one request."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from flask import Response, current_app, request

from jimeng import tasks
from jimeng.api.openapi.blueprint import LIMITS, TEXT
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.http import auth, long_polls
from jimeng.http.request_bodies import (
    accepts_pictures,
    idempotency_key,
    release_body_permit,
)
from jimeng.http.responses import rate_limit_headers
from jimeng.openai import bp, errors, requests, responses, streams
from jimeng.openai.inputs import images_of
from jimeng.openai.openapi import (
    DRAWING,
    CreateImageEditForm,
    CreateImageEditRequest,
    CreateImageRequest,
    ImagesResponse,
    stream_of,
)
from jimeng.openai.parameters import ImagesRequest, understand

EARLY_S = 0.1  # seconds by which a wait may end early by itself
AGAIN = 1  # seconds after which a client of a server that stops finds another


# What is told of both.
draws = partial(
    bp.describe,
    errors=DRAWING,
    headers=["Idempotent-Replayed", *LIMITS],
    takes=["Idempotency-Key"],
)


def streams_as(name: str) -> Callable:
    """Say what a success may be instead: a stream of the events *name*."""
    shown = stream_of(name)
    return bp.alt_response(
        200, schema=TEXT, content_type="text/event-stream", example=shown
    )


@bp.post("/images/generations", tags=["openai"])
@bp.response(200, ImagesResponse)
@streams_as("image_generation")
@bp.doc(operationId="generate_images")
@draws(body=CreateImageRequest)
@accepts_pictures
def generate() -> Response:
    """
    Draw pictures from words, as OpenAI's API does.

    The answer comes when they are there, or, with `stream`, as events, one for each
    picture. A client that is cut off and posts again by itself is given those that it
    asked for before. Fields that are not known are ignored, `null` is as if a field
    were not there, and numbers may be text; what only this server has may also stand
    under `extra_body` or `extra_fields`.
    ---
    按提示词画图（与 OpenAI 的接口相同）

    画好才回答；带 `stream` 时是事件流，每张图一个事件。断线后自己重发的客户端，得到的
    是先前那个任务的图片。不认识的字段会被忽略，`null` 当作没写，数字也可以写成文字；
    只有本服务器才有的字段也可以放在 `extra_body` 或 `extra_fields` 里。
    """
    return answer(requests.read(), name="image_generation")


@bp.post("/images/edits", tags=["openai"])
@bp.response(200, ImagesResponse)
@streams_as("image_edit")
@bp.doc(operationId="edit_images")
@draws(body=CreateImageEditRequest, form=CreateImageEditForm)
@accepts_pictures
def edit() -> Response:
    """
    Draw pictures from words and pictures, as OpenAI's API does.

    As a form the pictures are files called `image`, `image[]` or `image[0]`; in JSON
    they are `images` (or `image`). All else is as it is without pictures.
    ---
    用图片画图（与 OpenAI 的接口相同）

    表单里的图片是名为 `image`、`image[]` 或 `image[0]` 的文件；JSON 里是 `images`
    （或 `image`）。其余与不带图片时相同。
    """
    body = requests.read()
    if not images_of(body):
        raise Invalid.field("image", "invalid.required")
    return answer(body, name="image_edit")


def answer(body: requests.Body, *, name: str) -> Response:
    """A place to wait in comes first: without one nothing is created."""
    principal = auth.principal_of_api()
    asked = understand(body, principal)
    with ExitStack() as place:
        place.enter_context(long_polls.long_poll_permit(principal.user_id))
        seconds = streams.MAX_STREAM_S if asked.stream else wait_seconds()
        task = obtain(principal, asked, body, within=seconds)
        # What came may be of megabytes, and is kept elsewhere now.
        asked = replace(asked, new=replace(asked.new, images=(), mask=None))
        del body
        if asked.stream:
            return streams.respond(principal, asked, task, place.pop_all(), name=name)
        until = time.monotonic() + seconds
        is_gone = partial(long_polls.is_disconnected, request.environ)
        ended = not task.is_open or long_polls.wait_for_end(
            principal, task, seconds, is_gone
        )
    if not ended:
        return not_ended(task, in_time=time.monotonic() < until - EARLY_S)
    response = finished(principal, asked, task)
    response.headers.update(rate_limit_headers(task.rate_limits))
    return response


def obtain(
    principal: Principal, asked: ImagesRequest, body: requests.Body, *, within: float
) -> Task:
    """The task that this request makes, or has made when it was sent before."""
    sent = tasks.Request(body.content, requests.repeats())
    task, replayed = tasks.create_or_join(
        principal, asked.new, sent, idem_key=idempotency_key(), within=within
    )
    errors.made(task, replayed=replayed)
    release_body_permit(None)  # others may send theirs while this one waits
    return task


def finished(principal: Principal, asked: ImagesRequest, task: Task) -> Response:
    """What came of a task that has ended."""
    view = tasks.view(principal, tasks.find(principal, task.id))
    write = partial(responses.pictures, asked) if view.images else responses.failed
    response = write(view)
    response.call_on_close(partial(note, task, response.response))
    return response


def note(task: Task, body: object) -> None:
    """Note that the client has its answer, if all of that was given out."""
    if getattr(body, "is_whole", True):
        tasks.mark_answered(task.id)


def not_ended(task: Task, *, in_time: bool) -> Response:
    """
    The wait is over and the task is not.

    A client that counts how often it posts is sent on by a server that stops: it
    joins the task at another.
    """
    if in_time and requests.counts_repeats():
        return errors.failure("server_stopping", 503, retry_after=AGAIN, again=True)
    return errors.failure("wait_over", 504)


def wait_seconds() -> float:
    config: Config = current_app.config["JIMENG"]
    return config.WAIT_SECONDS
