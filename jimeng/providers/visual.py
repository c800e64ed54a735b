"""
Volcengine Visual: pictures and videos by AK/SK, submitted and then polled.

Source: https://www.volcengine.com/docs/85621 (CVSync2AsyncSubmitTask and
CVSync2AsyncGetResult, and CVProcess for 2.1, version 2022-08-31).
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Self

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers import visual_videos
from jimeng.providers.models import Model
from jimeng.providers.models.visual import MODELS
from jimeng.providers.provider import (
    HttpProvider,
    ImageRequest,
    Progress,
    Reply,
    encoded,
    finished,
    object_in,
)
from jimeng.providers.rules import RESULT_EMPTY, RESULT_LOST, SUBMIT_UNKNOWN
from jimeng.providers.signing import VolcengineAuth
from jimeng.providers.transport import CAP, PLAIN, Answer, CallFailed, short
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit, judgements

Body = dict[str, object]

# A rewritten long prompt gives less faithful pictures, and takes longer; for 3.x
# Volcengine advises to rewrite prompts of up to this length only.
MAX_REWRITTEN = 120  # characters
# The prompt at which the inpainting model erases the masked area.
ERASE = "删除"
CODED = "binary_data_base64"
SUCCESS = "10000"


def order(request: ImageRequest, model: Model, wishes: Mapping[str, object]) -> Body:
    """
    Build the body of a submission.

    Args:
        wishes: Output options, for a synchronous model; others get them with the
            polls.
    """
    if request.video is not None:
        body = visual_videos.order(request, request.video, model)
        return body | pictures(request, model)
    body = {**model.extra, "req_key": request.req_key}
    body |= BODIES[model.task](request, model)
    if request.seed is not None:
        body["seed"] = request.seed
    body |= pictures(request, model)
    return {**body, **wishes} if model.is_synchronous else body


def drawing(request: ImageRequest, model: Model) -> Body:
    """Text to image, with or without references."""
    body: Body = {
        "prompt": request.prompt,
        "width": request.width,
        "height": request.height,
    }
    if model.rewrites_prompt:
        # True is the service's own default, and gives the best results for short
        # prompts; sent explicitly, so that a changed default has no effect here.
        body["use_pre_llm"] = len(request.prompt) <= MAX_REWRITTEN
    if not model.is_synchronous:
        # Otherwise the model may generate a group, and each picture of it is charged.
        body["force_single"] = True
    return body | scale(request, model)


def changing(request: ImageRequest, model: Model) -> Body:
    """Image to image, from one picture; this model generates single pictures only."""
    size = {"width": request.width, "height": request.height}
    return {"prompt": request.prompt, **size, **scale(request, model)}


def repainting(request: ImageRequest, model: Model) -> Body:
    """Inpainting; without a prompt the masked area is erased."""
    return {"prompt": request.prompt or ERASE, **scale(request, model)}


def expanding(request: ImageRequest, model: Model) -> Body:
    """Outpainting; edges that do not grow are omitted, as the service's clients do."""
    grown = request.expand
    edges = ("top", "bottom", "left", "right")
    body: Body = {name: getattr(grown, name) for name in edges if getattr(grown, name)}
    return {"prompt": request.prompt, **body} if request.prompt else body


def enlarging(request: ImageRequest, model: Model) -> Body:
    return {"resolution": "4k", **scale(request, model)}


BODIES: dict[str, Callable[[ImageRequest, Model], Body]] = {
    "text-to-image": drawing,
    "image-to-image": changing,
    "inpainting": repainting,
    "outpainting": expanding,
    "upscaling": enlarging,
}


def scale(request: ImageRequest, model: Model) -> Body:
    """Map ``strength`` to the service's own scale."""
    if request.strength is None or model.takes is None or not model.takes.strength:
        return {}
    low, high = model.takes.strength
    value = low + request.strength * (high - low)
    is_whole = isinstance(low, int) and isinstance(high, int)
    return {"scale": round(value) if is_whole else round(value, 2)}


def pictures(request: ImageRequest, model: Model) -> Body:
    """Return the inputs in order, then the mask."""
    sent = [*request.inputs, *([request.mask] if request.mask else [])]
    if not sent:
        return {}
    if model.takes is not None and model.takes.travels == "link":
        return {"image_urls": [each.link for each in sent]}
    return {CODED: [each.text for each in sent]}


def read(answer: Answer) -> Reply:
    """
    Parse a response of the service (flat, with ``code``), of the gateway before it
    (``ResponseMetadata.Error``), or of neither, such as a proxy's page.
    """
    found = object_in(answer, exact=True)
    if isinstance(found, str):
        return Reply(answer.status, text=found)
    gateway = found.get("ResponseMetadata")
    if isinstance(gateway, dict):
        error = gateway.get("Error")
        error = error if isinstance(error, dict) else {}
        code = short(error.get("CodeN")) or short(error.get("Code"))
        text = f"{error.get('Code')} {error.get('Message')}"
        return Reply(answer.status, code, text, short(gateway.get("RequestId")))
    data, code = found.get("data"), short(found.get("code"))
    return Reply(
        answer.status,
        None if code == SUCCESS else code,
        str(found.get("message")),
        short(found.get("request_id")),
        data if isinstance(data, dict) else {},
        is_success=code == SUCCESS,
    )


def items(reply: Reply, name: str) -> list[object]:
    """Return the list in this field of the response; empty if it has none."""
    found = reply.data.get(name)
    return found if isinstance(found, list) else []


VERSION = "2022-08-31"
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
PROCESS = "CVProcess"
POLL_TIMEOUT_S = 10.0  # seconds to wait for each packet of the response to a poll

NO_SUCH_TASK = "50215"


class VisualProvider(HttpProvider):
    """The models of Volcengine Visual, submitted and polled, or synchronous."""

    name = "volcengine_jimeng"
    label = ("即梦", "Jimeng")
    settings = (
        *("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"),
        *("VOLCENGINE_SESSION_TOKEN", "VOLCENGINE_ENDPOINT", "VOLCENGINE_REGION"),
        "VOLCENGINE_CONCURRENCY",
    )
    models = MODELS
    rules = RULES
    judgements = staticmethod(judgements)

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        *,
        session_token: str = "",
        endpoint: str = "https://visual.volcengineapi.com",
        region: str = "cn-north-1",
        models: Iterable[Model] = MODELS,
        watermark: bool = False,
        producer_id: str = "",
    ) -> None:
        """
        Args:
            models: The available models; those of other providers are ignored.
            watermark: Add a visible "made by AI" watermark.
            producer_id: For the AI label in the metadata; without it there is no label.
        """
        super().__init__(endpoint, models, (access_key, secret_key, session_token))
        self._auth = VolcengineAuth(
            access_key, secret_key, session_token=session_token, region=region
        )
        # Without return_url the response contains base64 instead of links.
        self._wishes: dict[str, object] = {"return_url": True}
        if watermark:
            self._wishes["logo_info"] = {"add_logo": True}
        if producer_id:
            self._wishes["aigc_meta"] = {"producer_id": producer_id}
        self._video_wishes = visual_videos.wishes(producer_id)

    @classmethod
    def from_config(
        cls, config: Config, models: Iterable[Model] = MODELS
    ) -> Self | None:
        if not config.VOLCENGINE_ACCESS_KEY:
            return None
        provider = cls(
            config.VOLCENGINE_ACCESS_KEY,
            config.VOLCENGINE_SECRET_KEY,
            session_token=config.VOLCENGINE_SESSION_TOKEN,
            endpoint=config.VOLCENGINE_ENDPOINT,
            region=config.VOLCENGINE_REGION,
            models=models,
            watermark=config.WATERMARK,
            producer_id=config.AIGC_PRODUCER_ID,
        )
        provider.concurrency = config.VOLCENGINE_CONCURRENCY
        return provider

    def prepare(self, request: ImageRequest) -> Callable[[], Progress]:
        """Build a submission; it is charged once it has been generated."""
        model = self._model(request)
        body = encoded(order(request, model, self._wishes))
        has_seed = request.seed is not None
        return partial(self._submit, body, model, has_seed=has_seed)

    def _submit(self, body: bytes, model: Model, *, has_seed: bool) -> Progress:
        action = PROCESS if model.is_synchronous else SUBMIT
        try:
            reply = self._call(action, body, timeout_s=model.answer_within)
        except CallFailed as error:
            raise self._lost(action, error, is_submit=True) from error
        if not reply.is_success:
            rule = judge_submit(reply.status, reply.code)
            raise self._error(action, rule, reply, has_seed=has_seed)
        if model.is_synchronous:
            return self._finished(action, "", reply)
        remote_id = short(reply.data.get("task_id"))
        if remote_id is None:
            raise self._error(action, SUBMIT_UNKNOWN, reply, "no task_id")
        return Progress(remote_id, request_id=reply.request_id)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Poll a picture or a video.

        Raises:
            ProviderError: it failed or is lost; with ``transient``, only this poll
                failed.
        """
        wishes = self._video_wishes if request.video else self._wishes
        reply = self._ask(request.req_key, remote_id, wishes)
        has_seed = request.seed is not None
        if not reply.is_success:
            raise self._poll_error(reply, has_seed=has_seed)
        status = reply.data.get("status")
        if status in ("not_found", "expired"):
            text = f"the task is {status}"
            raise self._error(POLL, RESULT_LOST, reply, text, is_submit=False)
        if status != "done":
            # in_queue, generating, or an unknown status: the deadline ends a task that
            # makes no progress.
            return Progress(remote_id, request_id=reply.request_id)
        if request.video is None:
            return self._finished(POLL, remote_id, reply)
        found = visual_videos.done(remote_id, reply)
        if found is None:
            text = "done, but no video"
            raise self._error(POLL, RESULT_EMPTY, reply, text, is_submit=False)
        return found

    def check(self, req_key: str) -> bool:
        """
        Poll a task that cannot exist: missing access to the model is reported before
        the unknown task. A synchronous model can only be tested by generating.

        Raises:
            ProviderError: the keys or the model are refused.
        """
        model = self._models.get(req_key)
        for key in model.req_keys if model else (req_key,):
            reply = self._ask(key, "1", self._wishes)
            if not (reply.is_success or reply.code == NO_SUCH_TASK):
                raise self._poll_error(reply)
        return model is None or not model.is_synchronous

    def _ask(self, req_key: str, remote_id: str, wishes: Mapping[str, object]) -> Reply:
        body: dict[str, object] = {"req_key": req_key, "task_id": remote_id}
        if wishes:
            # A string within the JSON: the service ignores an object here.
            body["req_json"] = json.dumps(wishes, ensure_ascii=False)
        try:
            return self._call(POLL, encoded(body), timeout_s=POLL_TIMEOUT_S)
        except CallFailed as error:
            raise self._lost(POLL, error, is_submit=False) from error

    def _poll_error(self, reply: Reply, *, has_seed: bool = False) -> ProviderError:
        rule = judge_poll(reply.status, reply.code)
        return self._error(POLL, rule, reply, is_submit=False, has_seed=has_seed)

    def _finished(self, action: str, remote_id: str, reply: Reply) -> Progress:
        urls, texts = (items(reply, name) for name in ("image_urls", CODED))
        found = finished(remote_id, reply, urls, texts)
        if found is None:
            text, is_submit = "done, but no picture", action != POLL
            raise self._error(action, RESULT_EMPTY, reply, text, is_submit=is_submit)
        return found

    def _call(self, action: str, body: bytes, *, timeout_s: float) -> Reply:
        answer = self._send(
            "POST",
            f"{self.address}/?Action={action}&Version={VERSION}",
            body,
            timeout_s=timeout_s,
            max_bytes=PLAIN if action == SUBMIT else CAP,
            fresh=action != POLL,
            auth=self._auth,
        )
        return read(answer)
