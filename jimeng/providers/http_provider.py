"""Base of providers with an HTTP API: calls, answers, and lost answers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from requests.auth import AuthBase

from jimeng.errors import ProviderError
from jimeng.providers.models import Model
from jimeng.providers.provider import ImageRequest, Progress, Provider
from jimeng.providers.rules import NOT_CONFIGURED, SUBMIT_UNKNOWN, UNREACHABLE, Rule
from jimeng.providers.transport import (
    CAP,
    PLAIN,
    Answer,
    AnswerLost,
    CallFailed,
    Transport,
    decode,
    masked,
    parse,
)

CONNECT = 3.0  # seconds
CALL_MARGIN_S = 5.0  # seconds that a whole call may take beyond its answer


@dataclass(frozen=True)
class Reply:
    """
    A decoded answer, independent of the service's format.

    Attributes:
        status: The HTTP status; 0 where no answer came.
        code: Of an error; None where there is none, or the body cannot be read.
        data: What it holds; empty where there is nothing.
        is_success: Whether the call itself has succeeded.
    """

    status: int
    code: str | None = None
    text: str = ""
    request_id: str | None = None
    data: Mapping = field(default_factory=dict)
    is_success: bool = False


class HttpProvider(Provider):
    """
    A service with an HTTP API.

    Args:
        address: Where.
        models: What there is; only those of this provider count.
        secrets: Values to mask in messages.
    """

    def __init__(
        self, address: str, models: Iterable[Model], secrets: Iterable[str]
    ) -> None:
        self.address = address
        self._models = {m.req_key: m for m in models if m.provider == self.name}
        self._secrets = [each for each in secrets if each]
        self._transport = Transport()

    def close(self) -> None:
        """Close the idle connections; those of submissions are never kept."""
        self._transport.close()

    def _model(self, request: ImageRequest) -> Model:
        try:
            return self._models[request.req_key]
        except KeyError:
            raise NOT_CONFIGURED.error(f"{request.req_key} is not offered") from None

    def _post(
        self,
        url: str,
        body: Mapping[str, object],
        *,
        within: float,
        has_picture: bool,
        fresh: bool = True,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> Answer:
        """
        Send *body* as JSON, once.

        Args:
            within: Seconds to wait for each packet of the answer.
            has_picture: Whether the answer may hold one, whatever was wished.
            fresh: As `Transport.call` takes it.

        Raises:
            CallFailed: there is no whole answer.
        """
        return self._transport.call(
            "POST",
            url,
            headers={"Content-Type": "application/json", **(headers or {})},
            body=json.dumps(body, ensure_ascii=False).encode(),
            auth=auth,
            timeout=(CONNECT, within),
            limit=within + CALL_MARGIN_S,
            cap=CAP if has_picture else PLAIN,
            fresh=fresh,
        )

    def _lost(
        self, call: str, error: CallFailed, *, is_submit: bool, request_id: str = ""
    ) -> ProviderError:
        """The error of a call without an answer."""
        may_be_accepted = is_submit and isinstance(error, AnswerLost)
        rule = SUBMIT_UNKNOWN if may_be_accepted else UNREACHABLE
        reply = Reply(0, text=str(error), request_id=request_id or None)
        return self._error(call, rule, reply, is_submit=is_submit)

    def _error(
        self,
        call: str,
        rule: Rule,
        reply: Reply,
        text: str = "",
        *,
        is_submit: bool = True,
        has_seed: bool = False,
    ) -> ProviderError:
        """
        What *reply* comes to by *rule*.

        Args:
            text: Words in place of the service's.
        """
        said = masked(text or reply.text, self._secrets)
        return rule.error(
            f"{call}: {reply.code or reply.status or 'no answer'} {said}",
            is_submit=is_submit,
            has_seed=has_seed,
            provider_code=reply.code,
            request_id=reply.request_id,
        )


def object_in(answer: Answer, *, exact: bool = False) -> dict | str:
    """The object that the answer is in JSON, or what is wrong with it."""
    try:
        found = parse(answer.body, exact=exact)
    except ValueError:
        return "the answer is not JSON"
    return found if isinstance(found, dict) else "the answer is not an object"


def finished(
    remote_id: str, reply: Reply, urls: Iterable[object], texts: Iterable[object]
) -> Progress | None:
    """
    A picture that is done: one was asked for, so of several it is the first, a link
    before bytes. None if there is none.

    Args:
        texts: Pictures in base64.
    """
    links = [url for url in urls if isinstance(url, str) and url]
    coded = (decode(text) for text in texts if isinstance(text, str))
    images = [] if links else list(filter(None, coded))
    if not links and not images:
        return None
    return Progress(
        remote_id,
        done=True,
        urls=tuple(links[:1]),
        images=tuple(images[:1]),
        request_id=reply.request_id,
    )
