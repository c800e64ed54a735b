"""
Volcengine Visual: jimeng pictures by AK/SK, submitted and then polled.

Source: https://www.volcengine.com/docs/85621 (CVSync2AsyncSubmitTask and
CVSync2AsyncGetResult, version 2022-08-31).
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers import ImageRequest, Progress
from jimeng.providers.catalogue import (
    RESULT_EMPTY,
    RESULT_LOST,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Rule,
    judge_poll,
    judge_submit,
)
from jimeng.providers.signing import VolcengineAuth
from jimeng.providers.transport import Answer, AnswerLost, CallFailed, Transport

VERSION = "2022-08-31"
SUBMIT = "CVSync2AsyncSubmitTask"
POLL = "CVSync2AsyncGetResult"
TIMEOUT = (3.0, 10.0)  # seconds to connect, to wait for each packet

SUCCESS = "10000"
# As a string inside the JSON; without it the answer holds base64 instead of links.
POLL_OPTIONS = json.dumps({"return_url": True})
MAX_TEXT = 300  # characters of the service's text that go into a message


@dataclass(frozen=True)
class Reply:
    """
    What an answer says, whichever of the two shapes it has.

    Attributes:
        status: The HTTP status.
        code: Of the service or the gateway; None where the body cannot be read.
        data: The ``data`` of the service; empty where there is none.
    """

    status: int
    code: str | None = None
    text: str = ""
    request_id: str | None = None
    data: dict | None = None

    def get(self, name: str) -> object:
        return (self.data or {}).get(name)


def read(answer: Answer) -> Reply:
    """
    Read an answer of the service (flat, with ``code``), of the gateway before it
    (``ResponseMetadata.Error``), or of neither, such as a proxy's page.
    """
    try:
        # Task ids are longer than a float is exact, so no number becomes one.
        found = json.loads(answer.body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return Reply(answer.status, text="the answer is not JSON")
    if not isinstance(found, dict):
        return Reply(answer.status, text="the answer is not an object")
    gateway = found.get("ResponseMetadata")
    if isinstance(gateway, dict):
        error = gateway.get("Error")
        error = error if isinstance(error, dict) else {}
        code = _text(error.get("CodeN")) or _text(error.get("Code"))
        text = f"{error.get('Code')} {error.get('Message')}"
        return Reply(answer.status, code, text, _text(gateway.get("RequestId")))
    data = found.get("data")
    return Reply(
        answer.status,
        _text(found.get("code")),
        str(found.get("message")),
        _text(found.get("request_id")),
        data if isinstance(data, dict) else None,
    )


class VisualProvider:
    """The `Provider` of the jimeng models that are submitted and polled."""

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        *,
        session_token: str = "",
        endpoint: str = "https://visual.volcengineapi.com",
        region: str = "cn-north-1",
    ) -> None:
        self._auth = VolcengineAuth(
            access_key, secret_key, session_token=session_token, region=region
        )
        self._secrets = [s for s in (access_key, secret_key, session_token) if s]
        self._endpoint = endpoint
        self._transport = Transport()

    @classmethod
    def from_config(cls, config: Config) -> "VisualProvider":
        return cls(
            config.VOLCENGINE_ACCESS_KEY,
            config.VOLCENGINE_SECRET_KEY,
            session_token=config.VOLCENGINE_SESSION_TOKEN,
            endpoint=config.VOLCENGINE_ENDPOINT,
            region=config.VOLCENGINE_REGION,
        )

    def submit(self, request: ImageRequest) -> Progress:
        """
        Hand a picture in; it is charged once it has been drawn.

        Raises:
            ProviderError: it was refused, or nobody knows whether it was accepted
                (``maybe_accepted``).
        """
        try:
            reply = self._call(SUBMIT, _order(request), fresh=True)
        except AnswerLost as error:
            raise self._error(SUBMIT, SUBMIT_UNKNOWN, text=str(error)) from error
        except CallFailed as error:
            raise self._error(SUBMIT, UNREACHABLE, text=str(error)) from error
        if reply.code != SUCCESS:
            rule = judge_submit(reply.status, reply.code)
            raise self._error(SUBMIT, rule, reply)
        remote_id = _text(reply.get("task_id"))
        if remote_id is None:
            raise self._error(SUBMIT, SUBMIT_UNKNOWN, reply, "no task_id")
        return Progress(remote_id, request_id=reply.request_id)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """
        Ask where a picture stands.

        Raises:
            ProviderError: the picture failed or is lost; or, where ``transient``,
                only this poll did.
        """
        body: dict[str, object] = {
            "req_key": request.req_key,
            "task_id": remote_id,
            "req_json": POLL_OPTIONS,
        }
        try:
            reply = self._call(POLL, body, fresh=False)
        except CallFailed as error:
            raise self._error(POLL, UNREACHABLE, text=str(error)) from error
        if reply.code != SUCCESS:
            raise self._error(POLL, judge_poll(reply.status, reply.code), reply)
        status = reply.get("status")
        if status in ("not_found", "expired"):
            raise self._error(POLL, RESULT_LOST, reply, f"the task is {status}")
        if status != "done":
            # in_queue, generating, or a word that is not known yet: the deadline
            # ends a task that never gets further.
            return Progress(remote_id, request_id=reply.request_id)
        return self._finished(remote_id, reply)

    def close(self) -> None:
        """Close the idle connections that polls have left."""
        self._transport.close()

    def _finished(self, remote_id: str, reply: Reply) -> Progress:
        """Pick the picture; one was asked for, so of several it is the first."""
        urls = [url for url in _items(reply.get("image_urls")) if url]
        if urls:
            return Progress(
                remote_id, done=True, urls=(urls[0],), request_id=reply.request_id
            )
        for text in _items(reply.get("binary_data_base64")):
            image = _decode(text)
            if image:
                return Progress(
                    remote_id, done=True, images=(image,), request_id=reply.request_id
                )
        raise self._error(POLL, RESULT_EMPTY, reply, "done, but without a picture")

    def _call(self, action: str, body: dict[str, object], *, fresh: bool) -> Reply:
        answer = self._transport.call(
            "POST",
            f"{self._endpoint}/?Action={action}&Version={VERSION}",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body, ensure_ascii=False).encode(),
            auth=self._auth,
            timeout=TIMEOUT,
            fresh=fresh,
        )
        return read(answer)

    def _error(
        self, action: str, rule: Rule, reply: Reply | None = None, text: str = ""
    ) -> ProviderError:
        reply = reply or Reply(0)
        code = reply.code if reply.code != SUCCESS else None
        said = self._mask(text or reply.text)
        is_submit = action == SUBMIT
        transient = (rule.submit if is_submit else rule.poll) == "again"
        return ProviderError(
            f"{action}: {code or reply.status or 'no answer'} {said}",
            code=rule.code,
            transient=transient,
            maybe_accepted=is_submit and rule.submit == "unknown",
            new_seed=rule.submit == "new_seed",
            # A poll that is to be made again says nothing about the picture.
            charged="unknown" if transient and not is_submit else rule.charged,
            provider_code=code,
            request_id=reply.request_id,
        )

    def _mask(self, text: str) -> str:
        """Cut the service's text short and keep keys out: it echoes wrong ones."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = re.sub(r"\[[^\s\[\]]+\]", "[***]", text)
        return re.sub(r"\s+", " ", text)[:MAX_TEXT]


def _order(request: ImageRequest) -> dict[str, object]:
    return {
        "req_key": request.req_key,
        "prompt": request.prompt,
        "seed": request.seed,
        "width": request.width,
        "height": request.height,
        # The service's own default, and what short prompts look best with. It is
        # sent so that a changed default does not change the pictures.
        "use_pre_llm": True,
        # Else the model may draw a group, and each picture of it is charged.
        "force_single": True,
    }


def _text(value: object) -> str | None:
    """Return a code or an id, which is short text; None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def _items(value: object) -> list[str]:
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, str)]


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
