"""
Volcengine Ark: Seedream pictures by API key; the answer to a request is the picture.

Source: https://www.volcengine.com/docs/82379/1541523.
"""

import json
import uuid
from collections.abc import Iterable
from types import MappingProxyType
from typing import Self

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers.ark_replies import Reply, error_of, read
from jimeng.providers.ark_rules import RULES, judge, judge_picture, judgements
from jimeng.providers.inputs import InputPicture
from jimeng.providers.models import Model
from jimeng.providers.models.ark import ANSWER_WITHIN, MODELS
from jimeng.providers.provider import ImageRequest, Progress, Provider
from jimeng.providers.rules import (
    NOT_CONFIGURED,
    RESULT_EMPTY,
    RESULT_LOST,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Rule,
)
from jimeng.providers.transport import (
    CAP,
    PLAIN,
    AnswerLost,
    CallFailed,
    Transport,
    decode,
    masked,
)

PATH = "/images/generations"
CONNECT = 3.0  # seconds
CHECK_WITHIN = 10.0  # seconds
SLACK = 5.0  # seconds that a whole call may take beyond its answer
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


class ArkProvider(Provider):
    """The Seedream models; it cannot be asked for a picture again."""

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
        self._api_key = api_key
        self.address = base_url
        self._models = {m.req_key: m for m in models if m.provider == self.name}
        self._watermark = watermark
        self._transport = Transport()

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
        Have a picture drawn, and wait for it.

        Raises:
            ProviderError: it was refused, or nobody knows whether it was accepted
                (``maybe_accepted``).
        """
        model = self._models.get(request.req_key)
        if model is None:
            raise NOT_CONFIGURED.error(f"{request.req_key} is not offered")
        client_id = uuid.uuid4().hex
        try:
            reply = self._call(
                order(request, model, watermark=self._watermark),
                client_id,
                within=model.answer_within,
            )
        except AnswerLost as error:
            raise self._lost(SUBMIT_UNKNOWN, client_id, error) from error
        except CallFailed as error:
            raise self._lost(UNREACHABLE, client_id, error) from error
        if not reply.is_success:
            rule = judge(reply.status, reply.code, reply.param)
            has_seed = request.seed is not None
            raise self._error(rule, reply, client_id, has_seed=has_seed)
        return self._finished(reply, client_id, has_seed=request.seed is not None)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Raises:
            ProviderError: always; there is nothing that could be asked.
        """
        raise RESULT_LOST.error("Ark keeps no tasks")

    def check(self, req_key: str) -> bool:
        """
        Ask for a picture of nothing, which is refused before it would be charged.

        Raises:
            ProviderError: the key or the model is refused.
        """
        client_id = uuid.uuid4().hex
        try:
            reply = self._call({"model": req_key}, client_id, within=CHECK_WITHIN)
        except CallFailed as error:
            raise self._lost(UNREACHABLE, client_id, error) from error
        if not (reply.status == 400 and reply.code in INCOMPLETE):
            rule = judge(reply.status, reply.code)
            raise self._error(rule, reply, client_id)
        return True

    def close(self) -> None:
        """Close the idle connections; submissions leave none."""
        self._transport.close()

    def _call(self, body: dict[str, object], client_id: str, *, within: float) -> Reply:
        answer = self._transport.call(
            "POST",
            self.address + PATH,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._api_key}",
                "X-Client-Request-Id": client_id,
            },
            body=json.dumps(body, ensure_ascii=False).encode(),
            timeout=(CONNECT, within),
            limit=within + SLACK,
            cap=CAP if "prompt" in body else PLAIN,
            fresh=True,
        )
        return read(answer)

    def _finished(self, reply: Reply, client_id: str, *, has_seed: bool) -> Progress:
        """Pick the picture; one was asked for, so of several it is the first."""
        request_id = reply.request_id or client_id
        for each in reply.pictures or []:
            url, text = each.get("url"), each.get("b64_json")
            if isinstance(url, str) and url:
                return Progress("", done=True, urls=(url,), request_id=request_id)
            image = decode(text) if isinstance(text, str) else None
            if image:
                return Progress("", done=True, images=(image,), request_id=request_id)
        for each in reply.pictures or []:
            if "error" in each:
                raise self._failed(reply, client_id, *error_of(each), has_seed=has_seed)
        raise self._error(RESULT_EMPTY, reply, client_id, text="no picture")

    def _failed(
        self,
        reply: Reply,
        client_id: str,
        code: str | None,
        text: str,
        *,
        has_seed: bool,
    ) -> ProviderError:
        """The error of a picture that failed by itself; the request did not."""
        error = self._error(
            judge_picture(code),
            Reply(reply.status, reply.request_id, code, text),
            client_id,
            has_seed=has_seed,
        )
        if reply.billed == 0:
            error.charged = "no"
        return error

    def _lost(self, rule: Rule, client_id: str, error: CallFailed) -> ProviderError:
        return self._error(rule, Reply(0, None), client_id, text=str(error))

    def _error(
        self,
        rule: Rule,
        reply: Reply,
        client_id: str,
        *,
        text: str = "",
        has_seed: bool = False,
    ) -> ProviderError:
        said = masked(text or reply.text, [self._api_key])
        return rule.error(
            f"ark: {reply.status or 'no answer'} {reply.code or ''} {said}",
            has_seed=has_seed,
            provider_code=reply.code,
            # Where the answer is lost, Ark's support can look for what we called it.
            request_id=reply.request_id or client_id,
        )
