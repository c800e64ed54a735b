"""
Volcengine Ark: Seedream pictures by API key; the response holds the picture.

Source: https://www.volcengine.com/docs/82379/1541523.
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Self

from jimeng.config import Config
from jimeng.providers.ark_rules import RULES, judge, judge_picture, judgements
from jimeng.providers.inputs import InputPicture
from jimeng.providers.models import Model
from jimeng.providers.models.ark import ANSWER_WITHIN, MODELS
from jimeng.providers.provider import (
    HttpProvider,
    ImageRequest,
    Progress,
    Reply,
    finished,
    object_in,
)
from jimeng.providers.rules import RESULT_EMPTY, RESULT_LOST
from jimeng.providers.transport import Answer, CallFailed, short

REQUEST_ID = re.compile(r"Request id: ([\w\-]{1,100})", re.ASCII | re.IGNORECASE)


def read(answer: Answer, client_id: str) -> Reply:
    """
    Read an answer; what is none of Ark's has neither code nor data.

    Args:
        client_id: What we have called the request; where the answer has no name for
            it, Ark's support can look for this one.
    """
    request_id = short(answer.headers.get("X-Request-Id"))
    found = object_in(answer)
    if isinstance(found, str):
        return Reply(answer.status, None, found, request_id or client_id)
    if "error" in found:
        code, text = error_of(found)
        named = REQUEST_ID.search(text)
        request_id = request_id or (named[1] if named else client_id)
        return Reply(answer.status, code, text, request_id, found)
    is_success = answer.status == 200 and isinstance(found.get("data"), list)
    request_id = request_id or client_id
    return Reply(answer.status, None, "", request_id, found, is_success)


def param_of(reply: Reply) -> str:
    """The parameter that an error names; empty if none."""
    error = reply.data.get("error")
    return short(error.get("param")) or "" if isinstance(error, dict) else ""


def billed(reply: Reply) -> int | None:
    """Number of charged pictures; None if the answer does not say."""
    usage = reply.data.get("usage")
    found = usage.get("generated_images") if isinstance(usage, dict) else None
    return found if type(found) is int else None


def error_of(found: dict) -> tuple[str | None, str]:
    """Code and message of an ``error``, of the whole answer or of one picture."""
    error = found.get("error")
    if not isinstance(error, dict):
        return None, "an error without a code"
    return short(error.get("code")), str(error.get("message"))


PATH = "/images/generations"
CHECK_WITHIN = 10.0  # seconds
# What a request without a prompt is refused with once key and model are accepted.
INCOMPLETE = frozenset({"MissingParameter", "InvalidParameter"})


def order(request: ImageRequest, model: Model, *, watermark: bool) -> dict[str, object]:
    """
    The body of a request.

    Args:
        watermark: Whether the picture is visibly marked; Ark's own default is true.
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
        # Else it may draw a group, and each picture of it is charged.
        body["sequential_image_generation"] = "disabled"
    if request.seed is not None:
        body["seed"] = request.seed
    if request.inputs:
        body["image"] = [data_url(each) for each in request.inputs]
    return body


def data_url(picture: InputPicture) -> str:
    """The only form beside a link that Ark takes; the type must be in lower case."""
    return f"data:{picture.media_type};base64,{picture.text}"


class ArkProvider(HttpProvider):
    """The Seedream models; a picture cannot be requested a second time."""

    name = "volcengine_ark"
    label = ("火山方舟", "Ark")
    settings = ("ARK_API_KEY", "ARK_BASE_URL", "ARK_CONCURRENCY")
    models = MODELS
    rules = RULES
    only_synchronous = True
    model_defaults = MappingProxyType({"answer_within": ANSWER_WITHIN})
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
            models: What each of them takes; only those of this provider count.
            watermark: Whether pictures are visibly marked as made by AI.
        """
        super().__init__(base_url, models, (api_key,))
        self._api_key = api_key
        self._watermark = watermark

    @classmethod
    def from_config(
        cls, config: Config, models: Iterable[Model] = MODELS
    ) -> Self | None:
        if not config.ARK_API_KEY:
            return None
        made = cls(
            config.ARK_API_KEY,
            base_url=config.ARK_BASE_URL,
            models=models,
            watermark=config.WATERMARK,
        )
        made.concurrency = config.ARK_CONCURRENCY
        return made

    def submit(self, request: ImageRequest) -> Progress:
        """
        Generate a picture, and wait for it.

        Raises:
            ProviderError: it was refused, or nobody knows whether it was accepted
                (``maybe_accepted``).
        """
        model = self._model(request)
        body = order(request, model, watermark=self._watermark)
        reply = self._call(body, within=model.answer_within)
        has_seed = request.seed is not None
        if not reply.is_success:
            rule = judge(reply.status, reply.code, param_of(reply))
            raise self._error("ark", rule, reply, has_seed=has_seed)
        return self._finished(reply, has_seed=has_seed)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Raises:
            ProviderError: always; a synchronous service cannot be polled.
        """
        raise RESULT_LOST.error("Ark keeps no tasks")

    def check(self, req_key: str) -> bool:
        """
        Ask for a picture of nothing, which is refused before it would be charged.

        Raises:
            ProviderError: the key or the model is refused.
        """
        reply = self._call({"model": req_key}, within=CHECK_WITHIN)
        if not (reply.status == 400 and reply.code in INCOMPLETE):
            raise self._error("ark", judge(reply.status, reply.code), reply)
        return True

    def _call(self, body: dict[str, object], *, within: float) -> Reply:
        """
        Raises:
            ProviderError: there is no whole answer.
        """
        client_id, is_submit = uuid.uuid4().hex, "prompt" in body
        key = {"Authorization": f"Bearer {self._api_key}"}
        try:
            answer = self._post(
                self.address + PATH,
                body,
                within=within,
                has_picture=is_submit,
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
            if "error" in each:  # the request itself did not fail
                code, text = error_of(each)
                failed = replace(reply, code=code, text=text)
                rule = judge_picture(code)
                error = self._error("ark", rule, failed, has_seed=has_seed)
                if billed(reply) == 0:
                    error.charged = "no"
                raise error
        raise self._error("ark", RESULT_EMPTY, reply, "no picture")
