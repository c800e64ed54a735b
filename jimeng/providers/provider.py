"""The interface of providers, and the base class of those with an HTTP API."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import ClassVar, Self

from requests.auth import AuthBase

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers.inputs import InputPicture
from jimeng.providers.models import Model
from jimeng.providers.models.model import Expansion
from jimeng.providers.models.video import VideoParameters
from jimeng.providers.rules import (
    NOT_CONFIGURED,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Judgement,
    Rule,
)
from jimeng.providers.transport import (
    Answer,
    AnswerLost,
    CallFailed,
    Transport,
    decode,
    masked,
    parse,
    sending_time,
)


@dataclass(frozen=True)
class ImageRequest:
    """
    A request for one picture, or for one video.

    Attributes:
        req_key: The provider's name for the model; of a video for its mode, if these
            have one each.
        prompt: As sent, including the text of the style.
        width: Pixels.
        height: Pixels.
        seed: 0 to 2^31-1; None if the model has no seed.
        inputs: The input pictures, in the order in which the prompt refers to them.
        mask: The area of the first input to repaint: one channel of the same size,
            0 keeps, 255 repaints.
        strength: 0 to 1: how far the prompt may change the inputs; None for the
            service's default.
        expand: The outpainting margins.
        video: The resolved parameters of a video; None for a picture.
        tag: By which `Provider.find_lost` finds a video again.
    """

    req_key: str
    prompt: str
    width: int
    height: int
    seed: int | None
    inputs: tuple[InputPicture, ...] = ()
    mask: InputPicture | None = None
    strength: float | None = None
    expand: Expansion | None = None
    video: VideoParameters | None = None
    tag: str = ""

    @property
    def sending(self) -> float:
        """Additional time for sending the inputs, in seconds."""
        pictures = [*self.inputs, *([self.mask] if self.mask else [])]
        size = sum(len(each.data) for each in pictures if each.link is None)
        return sending_time(size * 4 // 3)  # base64


@dataclass(frozen=True)
class Progress:
    """
    The progress of a picture at the provider.

    Attributes:
        remote_id: The provider's id of the picture; empty if the response to the
            submission contained the picture.
        done: Whether it has been generated; then *urls* or *images* contain it.
        urls: Links to the picture, which soon expire.
        images: The encoded bytes, from providers that send these instead of links.
        request_id: The provider's id of the call that reported this.
        tokens: What a finished video is billed by; None if not by tokens.
        last_frame_url: Link to the last frame of a video.
        echoed: The parameters of a video that the service reports, where they differ
            from the request.
        links_live_s: How long the links are valid, in seconds.
    """

    remote_id: str
    done: bool = False
    urls: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()
    request_id: str | None = None
    tokens: int | None = None
    last_frame_url: str | None = None
    echoed: Mapping[str, object] = field(default_factory=dict)
    links_live_s: float = 24 * 3600.0


@dataclass(frozen=True)
class ListPage:
    """
    A page of a service's list of tasks, searched for a submission.

    Attributes:
        found: The one task with the request's tag; None if there is none, or several.
        has_older: Whether the next page may have it.
    """

    found: Progress | None = None
    has_older: bool = False


class Provider:
    """
    An image service. Each of its three calls sends one request and never sleeps; all
    failures are raised as `ProviderError`. A synchronous service returns the picture
    from `submit`, within the model's `Model.answer_within`.

    Attributes:
        name: Identifier in the API, `MODELS_FILE` and lanes; it never changes.
        label: Display name, in Chinese and English.
        settings: Its own fields of `Config`, the credential first.
        models: Its built-in models, which ``MODELS_FILE`` may change.
        rules: Error code of the service -> rule.
        only_synchronous: Whether all its models are synchronous.
        model_defaults: Defaults for fields that a row of ``MODELS_FILE`` may omit.
        concurrency: Number of slots of each model.
        address: The URL of its API; empty if it is not on a network.
    """

    name: ClassVar[str]
    label: ClassVar[tuple[str, str]]
    settings: ClassVar[tuple[str, ...]]
    models: ClassVar[tuple[Model, ...]]
    rules: ClassVar[Mapping[str, Rule]]
    only_synchronous: ClassVar[bool] = False
    model_defaults: ClassVar[Mapping[str, object]] = {}
    concurrency: int = 2
    address: str = ""

    @classmethod
    def from_config(cls, config: Config, models: Iterable[Model]) -> Self | None:
        """
        Create the provider from the settings; None without credentials.

        Args:
            models: All models; those of other providers are ignored.
        """
        raise NotImplementedError

    @classmethod
    def judgements(cls) -> Iterator[Judgement]:
        """Yield all known responses with their rules, for the table of errors."""
        for code, rule in cls.rules.items():
            yield Judgement("submit", f"`{code}`", rule)

    def prepare(self, request: ImageRequest) -> Callable[[], Progress]:
        """
        Build a submission. What fails here fails before anything may be charged.

        Returns:
            `submit`, of what was built.
        """
        return partial(self.submit, request)

    def submit(self, request: ImageRequest) -> Progress:
        """Submit a picture."""
        raise NotImplementedError

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """Poll a picture."""
        raise NotImplementedError

    def find_lost(
        self, request: ImageRequest, sent_at: datetime, page: int = 1
    ) -> ListPage:
        """
        Search a page of the service's list, the newest tasks first, for a video whose
        submission got no answer.

        Args:
            sent_at: When it was submitted; pages of older tasks are not read.

        Raises:
            ProviderError: with ``transient``, the list could not be read.
            NotImplementedError: the service has no list, see `can_find_lost`.
        """
        raise NotImplementedError

    def can_find_lost(self, request: ImageRequest) -> bool:
        """Whether `find_lost` can find this request."""
        return False

    def cancel(self, remote_id: str, request: ImageRequest) -> bool:
        """
        Cancel what the service has not begun, at no charge.

        Returns:
            Whether it is cancelled; False if it goes on.

        Raises:
            ProviderError: it may or may not be cancelled.
        """
        return False

    def check(self, req_key: str) -> bool:
        """
        Check, free of charge, whether the account may use a model.

        Returns:
            False if only a generated picture could show that; the keys are accepted.
        """
        raise NotImplementedError


CONNECT = 3.0  # seconds
CALL_MARGIN_S = 5.0  # seconds that a whole call may exceed its read timeout by


@dataclass(frozen=True)
class Reply:
    """
    A parsed response, independent of the service's format.

    Attributes:
        status: The HTTP status; 0 if there was no response.
        code: The error code; None if there is none, or the body cannot be parsed.
        data: The result; empty if there is none.
        is_success: Whether the call itself succeeded.
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
        address: The URL of the API.
        models: All models; those of other providers are ignored.
        secrets: Values to mask in messages.
    """

    def __init__(
        self, address: str, models: Iterable[Model], secrets: Iterable[str]
    ) -> None:
        self.address = address
        self._models = {
            key: m for m in models if m.provider == self.name for key in m.req_keys
        }
        self._secrets = [each for each in secrets if each]
        self._transport = Transport()

    def close(self) -> None:
        """Close idle connections; those of submissions are never pooled."""
        self._transport.close()

    def submit(self, request: ImageRequest) -> Progress:
        """
        Submit what `prepare` has built.

        Raises:
            ProviderError: it was refused, or may have been accepted without a
                confirmation (``maybe_accepted``).
        """
        return self.prepare(request)()

    def _model(self, request: ImageRequest) -> Model:
        try:
            return self._models[request.req_key]
        except KeyError:
            raise NOT_CONFIGURED.error(f"{request.req_key} is not offered") from None

    def _send(
        self,
        method: str,
        url: str,
        body: bytes | None,
        *,
        timeout_s: float,
        max_bytes: int,
        fresh: bool = True,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
    ) -> Answer:
        """
        Send a request, once.

        Args:
            body: JSON, see `encoded`.
            timeout_s: Seconds to wait for each packet of the response.
            max_bytes: Of the response's body.
            fresh: As in `Transport.call`.

        Raises:
            CallFailed: no complete response was received.
        """
        has_body = body is not None
        kind = {"Content-Type": "application/json"} if has_body else {}
        return self._transport.call(
            method,
            url,
            headers={**kind, **(headers or {})},
            body=body,
            auth=auth,
            timeout=(CONNECT, timeout_s),
            limit=timeout_s + CALL_MARGIN_S,
            cap=max_bytes,
            fresh=fresh,
        )

    def _lost(
        self, call: str, error: CallFailed, *, is_submit: bool, request_id: str = ""
    ) -> ProviderError:
        """Return the error for a call without a response."""
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
        Build the error for *reply* according to *rule*.

        Args:
            text: Message that replaces the service's.
        """
        said = masked(text or reply.text, self._secrets)
        return rule.error(
            f"{call}: {reply.code or reply.status or 'no answer'} {said}",
            is_submit=is_submit,
            has_seed=has_seed,
            provider_code=reply.code,
            request_id=reply.request_id,
        )


def encoded(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def object_in(answer: Answer, *, exact: bool = False) -> dict | str:
    """Parse a JSON response as an object; otherwise return what is wrong with it."""
    try:
        found = parse(answer.body, exact=exact)
    except ValueError:
        return "the answer is not JSON"
    return found if isinstance(found, dict) else "the answer is not an object"


def finished(
    remote_id: str, reply: Reply, urls: Iterable[object], texts: Iterable[object]
) -> Progress | None:
    """
    Build the progress of a finished picture. One was requested, so only the first of
    several is used, a link rather than bytes. None if there is no picture.

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
