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
    Parse a response; one that is not Ark's has neither code nor data.

    Args:
        client_id: Our id of the request, used where the response has no request id:
            Ark's support can look it up.
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
    """Return the name of the parameter at fault; empty if the error names none."""
    error = reply.data.get("error")
    return short(error.get("param")) or "" if isinstance(error, dict) else ""


def billed(reply: Reply) -> int | None:
    """Return the number of charged pictures; None if the response does not say."""
    usage = reply.data.get("usage")
    found = usage.get("generated_images") if isinstance(usage, dict) else None
    return found if type(found) is int else None


def error_of(found: dict) -> tuple[str | None, str]:
    """Return code and message of an ``error``, of the response or of one picture."""
    error = found.get("error")
    if not isinstance(error, dict):
        return None, "an error without a code"
    return short(error.get("code")), str(error.get("message"))


PATH = "/images/generations"
CHECK_WITHIN = 10.0  # seconds
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


def data_url(picture: InputPicture) -> str:
    """Encode as a data URL; Ark takes this or a link. The type must be lower case."""
    return f"data:{picture.media_type};base64,{picture.text}"


class ArkProvider(HttpProvider):
    """The Seedream models. They are synchronous: a result cannot be fetched again."""

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
            models: The available models; those of other providers are ignored.
            watermark: Add a visible "made by AI" watermark.
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
        Generate a picture and wait for the result.

        Raises:
            ProviderError: it was refused, or may have been accepted without a
                confirmation (``maybe_accepted``).
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
        Send a request without a prompt, which is refused before it would be charged.

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
            ProviderError: no complete response was received.
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
            if "error" in each:  # this picture failed, not the whole request
                code, text = error_of(each)
                failed = replace(reply, code=code, text=text)
                rule = judge_picture(code)
                error = self._error("ark", rule, failed, has_seed=has_seed)
                if billed(reply) == 0:
                    error.charged = "no"
                raise error
        raise self._error("ark", RESULT_EMPTY, reply, "no picture")
