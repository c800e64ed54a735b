"""What jimeng asks of an image service, and the base class of those asked by HTTP."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from requests.auth import AuthBase

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers.inputs import Expansion, InputPicture
from jimeng.providers.models import Model
from jimeng.providers.rules import (
    NOT_CONFIGURED,
    SUBMIT_UNKNOWN,
    UNREACHABLE,
    Judgement,
    Rule,
)
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
    sending_time,
)


@dataclass(frozen=True)
class ImageRequest:
    """
    A request for one picture.

    Attributes:
        req_key: The provider's name for the model.
        prompt: As sent: with the style's words.
        width: Pixels.
        height: Pixels.
        seed: 0 to 2^31-1; None where the model takes none.
        inputs: The pictures that go in, in the order in which words name them.
        mask: Where the first of them is to be painted anew: one channel of its size,
            0 keeps, 255 repaints.
        strength: 0 to 1: how far the words may lead away from the pictures; None for
            the service's own default.
        expand: How far the picture grows.
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

    @property
    def sending(self) -> float:
        """Extra seconds for sending the inputs."""
        given = [*self.inputs, *([self.mask] if self.mask else [])]
        size = sum(len(each.data) for each in given if each.link is None)
        return sending_time(size * 4 // 3)  # in base64


@dataclass(frozen=True)
class Progress:
    """
    The progress of a picture at the provider.

    Attributes:
        remote_id: The provider's own name for it; empty where the answer to the
            submission was the picture.
        done: Whether it has been drawn; then *urls* or *images* hold it.
        urls: Links to it that soon expire.
        images: The encoded bytes, where the provider sent these instead of links.
        request_id: The provider's name for the call that said so.
    """

    remote_id: str
    done: bool = False
    urls: tuple[str, ...] = ()
    images: tuple[bytes, ...] = ()
    request_id: str | None = None


class Provider:
    """
    An image service. Each of its three calls is one request and never sleeps; all
    failures are `ProviderError`. A synchronous service answers `submit` with the
    picture already there, after as long as its model's `Model.answer_within`.

    Attributes:
        name: For the API, `MODELS_FILE` and lanes; it never changes.
        label: For people, in Chinese and English.
        settings: The fields of `Config` that are its own, the credential first.
        models: Those that it offers unless ``MODELS_FILE`` says otherwise.
        rules: Its codes -> what they mean for a task.
        only_synchronous: Whether all its models answer with the picture.
        model_defaults: Fields of a model that ``MODELS_FILE`` may leave out.
        concurrency: Pictures that it may draw at a time, of each model.
        address: Where it is asked; empty where that is on no network.
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
            models: All that there are; its own are among them.
        """
        raise NotImplementedError

    @classmethod
    def judgements(cls) -> Iterator[Judgement]:
        """All known answers with their rules, for the table of errors."""
        for code, rule in cls.rules.items():
            yield Judgement("submit", f"`{code}`", rule)

    def submit(self, request: ImageRequest) -> Progress:
        """Submit a picture."""
        raise NotImplementedError

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        """Poll a picture."""
        raise NotImplementedError

    def check(self, req_key: str) -> bool:
        """
        Check, free of charge, whether the account may use a model.

        Returns:
            False if only a drawn picture would tell: the keys are accepted.
        """
        raise NotImplementedError


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
