"""
Volcengine Visual: jimeng pictures by AK/SK, submitted and then polled.

Source: https://www.volcengine.com/docs/85621 (CVSync2AsyncSubmitTask and
CVSync2AsyncGetResult, and CVProcess for 2.1, version 2022-08-31).
"""

import json
from collections.abc import Iterable
from typing import Self

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers.models import Model
from jimeng.providers.models.visual import MODELS
from jimeng.providers.provider import ImageRequest, Progress, Provider
from jimeng.providers.rules import (
    NOT_CONFIGURED,
    RESULT_EMPTY,
    RESULT_LOST,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Rule,
)
from jimeng.providers.signing import VolcengineAuth
from jimeng.providers.transport import (
    CAP,
    PLAIN,
    AnswerLost,
    CallFailed,
    Transport,
    masked,
    short,
)
from jimeng.providers.visual_messages import Reply, order, picture, read
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit, judgements

VERSION = "2022-08-31"
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
PROCESS = "CVProcess"
CONNECT = 3.0  # seconds
POLL_WITHIN = 10.0  # seconds to wait for each packet of a poll's answer
SLACK = 5.0  # seconds that a whole call may take beyond its answer

SUCCESS = "10000"
NO_SUCH_TASK = "50215"


class VisualProvider(Provider):
    """The jimeng models."""

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
            models: What each of them takes; only those of this provider count.
            watermark: Whether pictures are visibly marked as made by AI.
            producer_id: For the mark in their metadata; none without it.
        """
        self._auth = VolcengineAuth(
            access_key, secret_key, session_token=session_token, region=region
        )
        self._secrets = [s for s in (access_key, secret_key, session_token) if s]
        self.address = endpoint
        self._models = {m.req_key: m for m in models if m.provider == self.name}
        # Without return_url the answer holds base64 instead of links.
        self._wishes: dict[str, object] = {"return_url": True}
        if watermark:
            self._wishes["logo_info"] = {"add_logo": True}
        if producer_id:
            self._wishes["aigc_meta"] = {"producer_id": producer_id}
        self._transport = Transport()

    @classmethod
    def from_config(
        cls, config: Config, models: Iterable[Model] = MODELS
    ) -> Self | None:
        if not config.VOLCENGINE_ACCESS_KEY:
            return None
        made = cls(
            config.VOLCENGINE_ACCESS_KEY,
            config.VOLCENGINE_SECRET_KEY,
            session_token=config.VOLCENGINE_SESSION_TOKEN,
            endpoint=config.VOLCENGINE_ENDPOINT,
            region=config.VOLCENGINE_REGION,
            models=models,
            watermark=config.WATERMARK,
            producer_id=config.AIGC_PRODUCER_ID,
        )
        made.concurrency = config.VOLCENGINE_CONCURRENCY
        return made

    def submit(self, request: ImageRequest) -> Progress:
        """
        Hand a picture in; it is charged once it has been drawn.

        Raises:
            ProviderError: it was refused, or nobody knows whether it was accepted
                (``maybe_accepted``).
        """
        model = self._models.get(request.req_key)
        if model is None:
            raise NOT_CONFIGURED.error(f"{request.req_key} is not offered")
        action = PROCESS if model.is_synchronous else SUBMIT
        body = order(request, model, self._wishes)
        try:
            reply = self._call(action, body, fresh=True, within=model.answer_within)
        except AnswerLost as error:
            raise self._error(action, SUBMIT_UNKNOWN, text=str(error)) from error
        except CallFailed as error:
            raise self._error(action, UNREACHABLE, text=str(error)) from error
        if reply.code != SUCCESS:
            rule = judge_submit(reply.status, reply.code)
            raise self._error(action, rule, reply, has_seed=request.seed is not None)
        if model.is_synchronous:
            return self._finished(action, "", reply)
        remote_id = short(reply.get("task_id"))
        if remote_id is None:
            raise self._error(action, SUBMIT_UNKNOWN, reply, "no task_id")
        return Progress(remote_id, request_id=reply.request_id)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Ask where a picture stands.

        Raises:
            ProviderError: the picture failed or is lost; or, where ``transient``,
                only this poll did.
        """
        reply = self._ask(request.req_key, remote_id)
        if reply.code != SUCCESS:
            rule = judge_poll(reply.status, reply.code)
            raise self._error(POLL, rule, reply, has_seed=request.seed is not None)
        status = reply.get("status")
        if status in ("not_found", "expired"):
            raise self._error(POLL, RESULT_LOST, reply, f"the task is {status}")
        if status != "done":
            # in_queue, generating, or a word that is not known yet: the deadline
            # ends a task that never gets further.
            return Progress(remote_id, request_id=reply.request_id)
        return self._finished(POLL, remote_id, reply)

    def check(self, req_key: str) -> bool:
        """
        Ask for a task that cannot be there: whoever may not use the model is told
        that first. A model that is not polled can only be tried by drawing.

        Raises:
            ProviderError: the keys or the model are refused.
        """
        reply = self._ask(req_key, "1")
        if reply.code not in {SUCCESS, NO_SUCH_TASK}:
            raise self._error(POLL, judge_poll(reply.status, reply.code), reply)
        model = self._models.get(req_key)
        return model is None or not model.is_synchronous

    def close(self) -> None:
        """Close the idle connections that polls have left."""
        self._transport.close()

    def _ask(self, req_key: str, remote_id: str) -> Reply:
        body: dict[str, object] = {
            "req_key": req_key,
            "task_id": remote_id,
            # As a string inside the JSON: as an object the service ignores it.
            "req_json": json.dumps(self._wishes, ensure_ascii=False),
        }
        try:
            return self._call(POLL, body, fresh=False, within=POLL_WITHIN)
        except CallFailed as error:
            raise self._error(POLL, UNREACHABLE, text=str(error)) from error

    def _finished(self, action: str, remote_id: str, reply: Reply) -> Progress:
        found = picture(reply)
        if found is None:
            raise self._error(action, RESULT_EMPTY, reply, "done, but no picture")
        return Progress(remote_id, done=True, request_id=reply.request_id, **found)

    def _call(
        self, action: str, body: dict[str, object], *, fresh: bool, within: float
    ) -> Reply:
        answer = self._transport.call(
            "POST",
            f"{self.address}/?Action={action}&Version={VERSION}",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body, ensure_ascii=False).encode(),
            auth=self._auth,
            timeout=(CONNECT, within),
            limit=within + SLACK,
            # The others may hold the picture, whatever was wished.
            cap=PLAIN if action == SUBMIT else CAP,
            fresh=fresh,
        )
        return read(answer)

    def _error(
        self,
        action: str,
        rule: Rule,
        reply: Reply | None = None,
        text: str = "",
        *,
        has_seed: bool = False,
    ) -> ProviderError:
        reply = reply or Reply(0)
        code = reply.code if reply.code != SUCCESS else None
        said = masked(text or reply.text, self._secrets)
        return rule.error(
            f"{action}: {code or reply.status or 'no answer'} {said}",
            is_submit=action != POLL,
            has_seed=has_seed,
            provider_code=code,
            request_id=reply.request_id,
        )
