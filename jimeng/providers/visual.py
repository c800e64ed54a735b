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
from jimeng.providers.http_provider import HttpProvider, Reply, finished
from jimeng.providers.models import Model
from jimeng.providers.models.visual import MODELS
from jimeng.providers.provider import ImageRequest, Progress
from jimeng.providers.rules import RESULT_EMPTY, RESULT_LOST, SUBMIT_UNKNOWN
from jimeng.providers.signing import VolcengineAuth
from jimeng.providers.transport import CallFailed, short
from jimeng.providers.visual_messages import CODED, items, order, read
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit, judgements

VERSION = "2022-08-31"
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
PROCESS = "CVProcess"
POLL_WITHIN = 10.0  # seconds to wait for each packet of a poll's answer

NO_SUCH_TASK = "50215"


class VisualProvider(HttpProvider):
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
        super().__init__(endpoint, models, (access_key, secret_key, session_token))
        self._auth = VolcengineAuth(
            access_key, secret_key, session_token=session_token, region=region
        )
        # Without return_url the answer holds base64 instead of links.
        self._wishes: dict[str, object] = {"return_url": True}
        if watermark:
            self._wishes["logo_info"] = {"add_logo": True}
        if producer_id:
            self._wishes["aigc_meta"] = {"producer_id": producer_id}

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
        Submit a picture; it is charged once it has been generated.

        Raises:
            ProviderError: it was refused, or nobody knows whether it was accepted
                (``maybe_accepted``).
        """
        model = self._model(request)
        action = PROCESS if model.is_synchronous else SUBMIT
        body = order(request, model, self._wishes)
        try:
            reply = self._call(action, body, within=model.answer_within)
        except CallFailed as error:
            raise self._lost(action, error, is_submit=True) from error
        if not reply.is_success:
            rule = judge_submit(reply.status, reply.code)
            has_seed = request.seed is not None
            raise self._error(action, rule, reply, has_seed=has_seed)
        if model.is_synchronous:
            return self._finished(action, "", reply)
        remote_id = short(reply.data.get("task_id"))
        if remote_id is None:
            raise self._error(action, SUBMIT_UNKNOWN, reply, "no task_id")
        return Progress(remote_id, request_id=reply.request_id)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Poll a picture.

        Raises:
            ProviderError: the picture failed or is lost; or, where ``transient``,
                only this poll did.
        """
        reply = self._ask(request.req_key, remote_id)
        has_seed = request.seed is not None
        if not reply.is_success:
            raise self._poll_error(reply, has_seed=has_seed)
        status = reply.data.get("status")
        if status in ("not_found", "expired"):
            text = f"the task is {status}"
            raise self._error(POLL, RESULT_LOST, reply, text, is_submit=False)
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
        if not (reply.is_success or reply.code == NO_SUCH_TASK):
            raise self._poll_error(reply)
        model = self._models.get(req_key)
        return model is None or not model.is_synchronous

    def _ask(self, req_key: str, remote_id: str) -> Reply:
        body: dict[str, object] = {
            "req_key": req_key,
            "task_id": remote_id,
            # As a string inside the JSON: as an object the service ignores it.
            "req_json": json.dumps(self._wishes, ensure_ascii=False),
        }
        try:
            return self._call(POLL, body, within=POLL_WITHIN)
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

    def _call(self, action: str, body: dict[str, object], *, within: float) -> Reply:
        answer = self._post(
            f"{self.address}/?Action={action}&Version={VERSION}",
            body,
            within=within,
            has_picture=action != SUBMIT,
            fresh=action != POLL,
            auth=self._auth,
        )
        return read(answer)
