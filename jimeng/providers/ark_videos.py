"""
Videos of Volcengine Ark: created as tasks, polled, found again, cancelled.

Source: https://www.volcengine.com/docs/82379, pages 1520757 (create), 1521309 (get),
1521675 (list), 1521720 (cancel or delete).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from http import HTTPStatus
from time import monotonic

from jimeng.errors import ProviderError
from jimeng.providers.ark_replies import error_of, param_of
from jimeng.providers.ark_rules import judge, judge_failed, judge_task
from jimeng.providers.inputs import InputPicture
from jimeng.providers.models import Model
from jimeng.providers.models.video import ADAPTIVE, VideoModel, VideoParameters
from jimeng.providers.provider import (
    ImageRequest,
    ListPage,
    Progress,
    Reply,
    encoded,
    finished,
)
from jimeng.providers.rules import (
    CANCELLED_AT_PROVIDER,
    EXPIRED_AT_PROVIDER,
    RESULT_EMPTY,
    SUBMIT_UNKNOWN,
    Rule,
)
from jimeng.providers.transport import short

log = logging.getLogger(__name__)

PATH = "/contents/generations/tasks"
EXPIRES_AFTER_S = 3600  # the shortest that the service takes
LINKS_LIVE_S = 24 * 3600.0
CALL_TIMEOUT_S = 10.0  # seconds to wait for each packet of the response to a short call
MAX_STATE_AGE_S = 3.0  # from the request for the state to the one that cancels
# The list is sorted by time, the newest first. More would not be parsed.
PAGE_SIZE = 200
CLOCKS_DIFFER_S = 300.0  # at most: the service's and ours
MAX_LIST_BYTES = 8 * 1024 * 1024
ROLES = {
    "first_frame": "first_frame",
    "last_frame": "last_frame",
    "reference": "reference_image",
}
# Our parameter -> the field of the response.
ECHOED = {
    "resolution": "resolution",
    "ratio": "ratio",
    "duration": "duration",
    "audio": "generate_audio",
}


def order(request: ImageRequest, model: Model, *, watermark: bool) -> dict[str, object]:
    """
    Build the body of a submission. Parameters that change the price are always sent,
    since the service's own defaults are the expensive ones. Fields that are unknown to
    the model are not sent: the service would accept and ignore them.

    Args:
        watermark: Add a visible watermark.
    """
    video, knows = parameters(request), traits(model)
    body: dict[str, object] = {
        **model.extra,
        "model": request.req_key,
        "content": content(request, video),
        "resolution": video.resolution,
        "ratio": video.ratio,
        "duration": video.duration,
        "watermark": watermark,
        "execution_expires_after": EXPIRES_AFTER_S,
    }
    if knows.audio:
        body["generate_audio"] = bool(video.audio)
    if knows.last_frame_output:
        body["return_last_frame"] = bool(video.last_frame)
    if knows.camera_fixed:
        body["camera_fixed"] = bool(video.camera_fixed)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.tag:
        body["safety_identifier"] = request.tag
    return body


def content(request: ImageRequest, video: VideoParameters) -> list[dict[str, object]]:
    """Return the prompt, if there is one, then the inputs in order with their roles."""
    found: list[dict[str, object]] = []
    if request.prompt:
        found.append({"type": "text", "text": request.prompt})
    return found + [
        {
            "type": "image_url",
            "image_url": {"url": data_url(each)},
            "role": ROLES[role],
        }
        for each, role in zip(request.inputs, video.roles, strict=True)
    ]


def data_url(picture: InputPicture) -> str:
    """Encode as a data URL; Ark takes this or a link. The type must be lower case."""
    return f"data:{picture.media_type};base64,{picture.text}"


def parameters(request: ImageRequest) -> VideoParameters:
    assert request.video is not None  # noqa: S101 - only called for videos
    return request.video


def traits(model: Model) -> VideoModel:
    assert model.video is not None  # noqa: S101 - only called for video models
    return model.video


class ArkVideos:
    """
    The calls about videos; each sends its requests once.

    Args:
        call: Sends a request and parses the response, see `ArkProvider.call`.
        error: Builds the exception, see `HttpProvider._error`.
        watermark: Add a visible watermark.
    """

    def __init__(
        self,
        call: Callable[..., Reply],
        error: Callable[..., ProviderError],
        *,
        watermark: bool,
    ) -> None:
        self._call = call
        self._error = error
        self._watermark = watermark

    def prepare(self, request: ImageRequest, model: Model) -> Callable[[], Progress]:
        body = encoded(order(request, model, watermark=self._watermark))
        has_seed = request.seed is not None
        return partial(self._submit, body, model.answer_within, has_seed=has_seed)

    def _submit(self, body: bytes, timeout_s: float, *, has_seed: bool) -> Progress:
        reply = self._call("POST", PATH, body, timeout_s=timeout_s)
        if not reply.is_success:
            rule = judge(reply.status, reply.code, param_of(reply))
            raise self._error("ark", rule, reply, has_seed=has_seed)
        remote_id = short(reply.data.get("id"))
        if remote_id is None:
            raise self._error("ark", SUBMIT_UNKNOWN, reply, "no id")
        return Progress(remote_id, request_id=reply.request_id)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Raises:
            ProviderError: the video failed or is lost; with ``transient``, only this
                poll failed.
        """
        reply = self._get(remote_id)
        status = reply.data.get("status")
        if status == "succeeded":
            return self._finished(remote_id, reply, request)
        if status == "failed":
            code, text = error_of(dict(reply.data))
            failed = replace(reply, code=code, text=text)
            raise self._refusal(judge_failed(code), failed, request)
        if status == "expired":
            raise self._refusal(EXPIRED_AT_PROVIDER, reply, request, "expired")
        if status == "cancelled":
            raise self._refusal(CANCELLED_AT_PROVIDER, reply, request, "cancelled")
        # queued, running, or an unknown status: the deadline ends a task that makes no
        # progress.
        return Progress(remote_id, request_id=reply.request_id)

    def find_lost(
        self, request: ImageRequest, sent_at: datetime, page: int
    ) -> ListPage:
        """Search a page of the account's tasks, see `Provider.find_lost`."""
        path = f"{PATH}?page_num={page}&page_size={PAGE_SIZE}"
        reply = self._call(
            "GET", path, timeout_s=CALL_TIMEOUT_S, max_bytes=MAX_LIST_BYTES
        )
        items = reply.data.get("items")
        if not reply.is_success or not isinstance(items, list):
            raise self._unread(reply)
        tasks = [each for each in items if isinstance(each, dict)]
        found = [
            each.get("id")
            for each in tasks
            if each.get("safety_identifier") == request.tag
        ]
        if len(found) > 1:
            log.error("several tasks with one tag: %s", " ".join(map(str, found)))
            return ListPage()
        if found:
            remote_id = short(found[0])
            task = remote_id and Progress(remote_id, request_id=reply.request_id)
            return ListPage(task or None)
        times = [each.get("created_at") for each in tasks]
        oldest = min((each for each in times if type(each) is int), default=0)
        is_before = oldest < sent_at.timestamp() - CLOCKS_DIFFER_S
        return ListPage(has_older=len(items) >= PAGE_SIZE and not is_before)

    def cancel(self, remote_id: str) -> bool:
        """
        Cancel a queued task, see `Provider.cancel`. The call that cancels deletes the
        record of a finished task, so it is sent only if the task was queued a moment
        ago.
        """
        began = monotonic()
        status = self._get(remote_id).data.get("status")
        if status != "queued":
            return status == "cancelled"
        if monotonic() - began > MAX_STATE_AGE_S:
            raise ProviderError(
                "the state is too old to cancel by",
                code="provider_unreachable",
                transient=True,
            )
        reply = self._call("DELETE", f"{PATH}/{remote_id}", timeout_s=CALL_TIMEOUT_S)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= 500:
            raise self._unread(reply)
        return reply.is_success

    def _get(self, remote_id: str) -> Reply:
        reply = self._call(
            "GET", f"{PATH}/{remote_id}", timeout_s=CALL_TIMEOUT_S, fresh=False
        )
        if not reply.is_success:
            raise self._unread(reply)
        return reply

    def _unread(self, reply: Reply) -> ProviderError:
        rule = judge_task(reply.status, reply.code)
        return self._error("ark", rule, reply, is_submit=False)

    def _refusal(
        self, rule: Rule, reply: Reply, request: ImageRequest, text: str = ""
    ) -> ProviderError:
        has_seed = request.seed is not None
        return self._error("ark", rule, reply, text, is_submit=False, has_seed=has_seed)

    def _finished(
        self, remote_id: str, reply: Reply, request: ImageRequest
    ) -> Progress:
        links = reply.data.get("content")
        links = links if isinstance(links, dict) else {}
        found = finished(remote_id, reply, [links.get("video_url")], [])
        if found is None:
            raise self._refusal(RESULT_EMPTY, reply, request, "no video")
        last_frame = links.get("last_frame_url")
        return replace(
            found,
            tokens=tokens(reply),
            last_frame_url=last_frame if isinstance(last_frame, str) else None,
            echoed=differences(reply.data, parameters(request)),
            links_live_s=LINKS_LIVE_S,
        )


def tokens(reply: Reply) -> int | None:
    """Return the tokens that a video is billed by."""
    usage = reply.data.get("usage")
    found = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return found if type(found) is int and found >= 0 else None


def differences(data: Mapping, video: VideoParameters) -> dict[str, object]:
    """Return the parameters that the service reports, where they differ."""
    found: dict[str, object] = {}
    for name, field in ECHOED.items():
        wanted, returned = getattr(video, name), data.get(field)
        is_open = wanted is None or wanted == ADAPTIVE
        if not is_open and type(returned) is type(wanted) and returned != wanted:
            found[name] = short(returned) if isinstance(returned, str) else returned
    return found
