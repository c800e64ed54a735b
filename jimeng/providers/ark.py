"""
Volcengine Ark, by API key: Seedream pictures, which the response contains, and videos.

Source: https://www.volcengine.com/docs/82379/1541523.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Self

from jimeng.config import Config
from jimeng.providers.ark_replies import billed, error_of, param_of, read
from jimeng.providers.ark_rules import RULES, judge, judge_picture, judgements
from jimeng.providers.ark_videos import PATH as VIDEO_PATH
from jimeng.providers.ark_videos import ArkVideos, data_url
from jimeng.providers.models import Model
from jimeng.providers.models.ark import ANSWER_TIMEOUT_S, MODELS
from jimeng.providers.provider import (
    HttpProvider,
    ImageRequest,
    ListPage,
    Progress,
    Reply,
    encoded,
    finished,
)
from jimeng.providers.rules import RESULT_EMPTY, RESULT_LOST
from jimeng.providers.transport import CAP, PLAIN, CallFailed

PATH = "/images/generations"
CHECK_TIMEOUT_S = 10.0  # seconds
# Error codes for a missing prompt, which follow once key and model are accepted.
INCOMPLETE = frozenset({"MissingParameter", "InvalidParameter"})


def order(request: ImageRequest, model: Model, *, watermark: bool) -> dict[str, object]:
    """
    Build the body of a request.

    Args:
        watermark: Add a visible watermark; Ark's own default is true.
    """
    body: dict[str, object] = {
        **model.extra,
        "model": request.req_key,
        "prompt": request.prompt,
        "size": f"{request.width}x{request.height}",
        "response_format": "url",
        "watermark": watermark,
    }
    if model.draws_groups:
        # Otherwise the model may generate a group, and each picture of it is charged.
        body["sequential_image_generation"] = "disabled"
    if request.seed is not None:
        body["seed"] = request.seed
    if request.inputs:
        body["image"] = [data_url(each) for each in request.inputs]
    return body


class ArkProvider(HttpProvider):
    """
    The Seedream and Seedance models. Pictures are synchronous: a result cannot be
    fetched again.
    """

    name = "volcengine_ark"
    label = ("火山方舟", "Ark")
    settings = ("ARK_API_KEY", "ARK_BASE_URL", "ARK_CONCURRENCY")
    models = MODELS
    rules = RULES
    only_synchronous = True
    model_defaults = MappingProxyType({"answer_within": ANSWER_TIMEOUT_S})
    judgements = staticmethod(judgements)

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = "https://ark.cn-beijing.volces.com/api/v3",
        models: Iterable[Model] = MODELS,
        watermark: bool = False,
    ) -> None:
        """
        Args:
            models: The available models; those of other providers are ignored.
            watermark: Add a visible "made by AI" watermark.
        """
        super().__init__(base_url, models, (api_key,))
        self._api_key = api_key
        self._watermark = watermark
        self._videos = ArkVideos(self.call, self._error, watermark=watermark)

    @classmethod
    def from_config(
        cls, config: Config, models: Iterable[Model] = MODELS
    ) -> Self | None:
        if not config.ARK_API_KEY:
            return None
        provider = cls(
            config.ARK_API_KEY,
            base_url=config.ARK_BASE_URL,
            models=models,
            watermark=config.WATERMARK,
        )
        provider.concurrency = config.ARK_CONCURRENCY
        return provider

    def prepare(self, request: ImageRequest) -> Callable[[], Progress]:
        model = self._model(request)
        if request.video is not None:
            return self._videos.prepare(request, model)
        body = encoded(order(request, model, watermark=self._watermark))
        has_seed = request.seed is not None
        return partial(self._generate, body, model.answer_within, has_seed=has_seed)

    def _generate(self, body: bytes, timeout_s: float, *, has_seed: bool) -> Progress:
        """Generate a picture, and wait for the result."""
        reply = self.call("POST", PATH, body, timeout_s=timeout_s)
        if not (reply.is_success and isinstance(reply.data.get("data"), list)):
            rule = judge(reply.status, reply.code, param_of(reply))
            raise self._error("ark", rule, reply, has_seed=has_seed)
        return self._finished(reply, has_seed=has_seed)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Poll a video.

        Raises:
            ProviderError: the video failed or is lost; with ``transient``, only this
                poll failed. Always for a picture, which cannot be polled.
        """
        if request.video is not None:
            return self._videos.poll(remote_id, request)
        raise RESULT_LOST.error("Ark keeps no tasks")

    def can_find_lost(self, request: ImageRequest) -> bool:
        return request.video is not None and bool(request.tag)

    def find_lost(
        self, request: ImageRequest, sent_at: datetime, page: int = 1
    ) -> ListPage:
        return self._videos.find_lost(request, sent_at, page)

    def cancel(self, remote_id: str, request: ImageRequest) -> bool:
        return request.video is not None and self._videos.cancel(remote_id)

    def check(self, req_key: str) -> bool:
        """
        Send a request without a prompt, which is refused before it would be charged.

        Raises:
            ProviderError: the key or the model is refused.
        """
        model = self._models.get(req_key)
        path = VIDEO_PATH if model and model.video else PATH
        body = encoded({"model": req_key})
        reply = self.call(
            "POST", path, body, timeout_s=CHECK_TIMEOUT_S, is_submit=False
        )
        if not (reply.status == 400 and reply.code in INCOMPLETE):
            raise self._error("ark", judge(reply.status, reply.code), reply)
        return True

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float,
        is_submit: bool | None = None,
        fresh: bool = True,
        max_bytes: int | None = None,
    ) -> Reply:
        """
        Send a request, once, and parse the response.

        Args:
            timeout_s: Seconds to wait for each packet of the response.
            is_submit: Whether it may be charged; None to decide by the method.
            fresh: As in `Transport.call`.
            max_bytes: Of the response; None for that of the path.

        Raises:
            ProviderError: no complete response was received.
        """
        client_id = uuid.uuid4().hex
        if is_submit is None:
            is_submit = method == "POST"
        has_picture = is_submit and path == PATH
        key = {"Authorization": f"Bearer {self._api_key}"}
        try:
            answer = self._send(
                method,
                self.address + path,
                body,
                timeout_s=timeout_s,
                max_bytes=max_bytes or (CAP if has_picture else PLAIN),
                fresh=fresh,
                headers={**key, "X-Client-Request-Id": client_id},
            )
        except CallFailed as error:
            raise self._lost(
                "ark", error, is_submit=is_submit, request_id=client_id
            ) from error
        return read(answer, client_id)

    def _finished(self, reply: Reply, *, has_seed: bool) -> Progress:
        pictures = [each for each in reply.data["data"] if isinstance(each, dict)]
        urls = (each.get("url") for each in pictures)
        found = finished("", reply, urls, (each.get("b64_json") for each in pictures))
        if found is not None:
            return found
        for each in pictures:
            if "error" in each:  # this picture failed, not the whole request
                code, text = error_of(each)
                failed = replace(reply, code=code, text=text)
                rule = judge_picture(code)
                error = self._error("ark", rule, failed, has_seed=has_seed)
                if billed(reply) == 0:
                    error.charged = "no"
                raise error
        raise self._error("ark", RESULT_EMPTY, reply, "no picture")
