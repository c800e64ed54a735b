"""The interface of an image service, and its declaration."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from jimeng.config import Config
from jimeng.providers.connections import sending_time
from jimeng.providers.inputs import Expansion, InputPicture
from jimeng.providers.models import Model
from jimeng.providers.rules import Judgement, Rule


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
