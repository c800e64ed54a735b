"""``/v1/images``: create pictures and wait for them in one request."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from flask import Response, current_app, request

from jimeng import tasks
from jimeng.api.openapi.blueprint import LIMITS, TEXT
from jimeng.config import Config
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.http import auth, long_polls
from jimeng.http.request_kinds import submits
from jimeng.http.requests import accepts_pictures, idempotency_key, release_body_permit
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
from jimeng.openai.parameters import ImagesRequest, parse_request
from jimeng.tasks import TaskView

WAIT_TOLERANCE_S = 0.1  # seconds by which a wait may end early by itself
RETRY_AFTER_S = 1  # seconds after which a client of a server that stops finds another


@dataclass(frozen=True, kw_only=True)
class Interface:
    """
    What differs between the interfaces that create pictures and wait for them.

    Attributes:
        request: The request with this content, and how often the client sent it.
        pictures: Writes the response with finished pictures.
        events: Writes the events of a stream, once the pictures are finished.
        failure: As `errors.failure`.
    """

    request: Callable[[object], tasks.Attempt]
    pictures: Callable[[ImagesRequest, TaskView], Response]
    events: Callable[[ImagesRequest, TaskView], Iterator[bytes]]
    failure: Callable[..., Response]


def openai_request(content: object) -> tasks.Attempt:
    return tasks.Attempt(content, requests.retry_count())


GENERATIONS = Interface(
    request=openai_request,
    pictures=responses.pictures,
    events=partial(streams.completed_events, name="image_generation"),
    failure=errors.failure,
)
EDITS = replace(
    GENERATIONS, events=partial(streams.completed_events, name="image_edit")
)
# Documents both operations.
describe_drawing = partial(
    bp.describe,
    errors=DRAWING,
    headers=["Idempotent-Replayed", *LIMITS],
    takes=["Idempotency-Key"],
)


def streams_as(name: str) -> Callable:
    """Document that a success may instead be a stream of the events *name*."""
    shown = stream_of(name)
    return bp.alt_response(
        200, schema=TEXT, content_type="text/event-stream", example=shown
    )


@bp.post("/images/generations", tags=["openai"])
@bp.response(200, ImagesResponse)
@streams_as("image_generation")
@bp.doc(operationId="generate_images")
@describe_drawing(body=CreateImageRequest)
@accepts_pictures
@submits
def generate() -> Response:
    """
    Generate pictures from a prompt (compatible with OpenAI).

    The response is sent when they are ready, or, with `stream`, as one event for each
    picture. A client that is disconnected and retries by itself gets the pictures of
    its first request. Unknown fields are ignored, `null` means omitted, and numbers may
    be text; fields that only this server has may also be put under `extra_body` or
    `extra_fields`. There are no estimates here, so `dry_run` is refused.
    """
    return answer(requests.read_body(), GENERATIONS)


@bp.post("/images/edits", tags=["openai"])
@bp.response(200, ImagesResponse)
@streams_as("image_edit")
@bp.doc(operationId="edit_images")
@describe_drawing(body=CreateImageEditRequest, form=CreateImageEditForm)
@accepts_pictures
@submits
def edit() -> Response:
    """
    Generate pictures from input pictures (compatible with OpenAI).

    In a form the input pictures are files named `image`, `image[]` or `image[0]`; in
    JSON they are `images` (or `image`). Everything else is as for generations.
    """
    body = requests.read_body()
    if not images_of(body):
        raise Invalid.field("image", "invalid.required")
    return answer(body, EDITS)


def answer(body: requests.Body, interface: Interface) -> Response:
    """Acquire a permit to wait first: without one nothing is created."""
    principal = auth.principal_of_api()
    params = parse_request(body, principal)
    with ExitStack() as permit:
        permit.enter_context(long_polls.long_poll_permit(principal, params.new.user_id))
        seconds = streams.MAX_STREAM_S if params.stream else wait_seconds()
        sent = interface.request(body.content)
        task = create_or_join_task(principal, params, sent, max_wait_s=seconds)
        # The input pictures may be megabytes, and are stored by now.
        params = replace(params, new=replace(params.new, images=(), mask=None))
        del body, sent
        if params.stream:
            write, failure = partial(interface.events, params), interface.failure
            held = permit.pop_all()
            return streams.respond(principal, task, held, write=write, failure=failure)
        until = time.monotonic() + seconds
        is_gone = partial(long_polls.is_disconnected, request.environ)
        ended = not task.is_open or long_polls.wait_for_end(
            principal, task, seconds, is_gone
        )
    if not ended:
        return timeout_response(
            interface, in_time=time.monotonic() < until - WAIT_TOLERANCE_S
        )
    response = result_response(principal, params, task, interface)
    response.headers.update(rate_limit_headers(task.rate_limits))
    return response


def create_or_join_task(
    principal: Principal,
    params: ImagesRequest,
    sent: tasks.Attempt,
    *,
    max_wait_s: float,
) -> Task:
    """Create the task, or join the one that an earlier attempt has created."""
    task, replayed = tasks.create_or_join(
        principal, params.new, sent, idem_key=idempotency_key(), max_wait_s=max_wait_s
    )
    errors.report_task(task, replayed=replayed)
    release_body_permit(None)  # let other uploads in while this request waits
    return task


def result_response(
    principal: Principal, params: ImagesRequest, task: Task, interface: Interface
) -> Response:
    """The response for a task that has ended."""
    view = tasks.view(principal, tasks.find(principal, task.id))
    if view.images:
        response = interface.pictures(params, view)
    else:
        response = responses.failed(view, interface.failure)
    response.call_on_close(partial(mark_delivered, task, response.response))
    return response


def mark_delivered(task: Task, body: object) -> None:
    """Record the delivery of the response, if all of it was sent."""
    if getattr(body, "is_whole", True):
        tasks.mark_answered(task.id)


def timeout_response(interface: Interface, *, in_time: bool) -> Response:
    """
    The response if the wait is over before the task has ended.

    If the server is stopping, clients that count their retries are asked to retry: they
    join the task on another server.
    """
    if in_time and requests.has_retry_count():
        return interface.failure(
            "server_stopping", 503, retry_after=RETRY_AFTER_S, again=True
        )
    return interface.failure("wait_over", 504)


def wait_seconds() -> float:
    config: Config = current_app.config["JIMENG"]
    return config.WAIT_SECONDS
