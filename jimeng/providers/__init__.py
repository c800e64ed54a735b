"""The one thing jimeng asks of an image service, and the services that do it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from jimeng.config import Config
from jimeng.errors import Invalid, NoProvider, ProviderError
from jimeng.providers.models import DEFAULT_MODEL, MODELS, Model


@dataclass(frozen=True)
class ImageRequest:
    """
    One picture to be drawn.

    Attributes:
        req_key: The provider's name for the model.
        prompt: As sent: with the style's words.
        width: Pixels.
        height: Pixels.
        seed: 0 to 2^31-1.
    """

    req_key: str
    prompt: str
    width: int
    height: int
    seed: int


@dataclass(frozen=True)
class Progress:
    """
    Where a picture stands at the provider.

    Attributes:
        remote_id: The provider's own name for it.
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


class Provider(Protocol):
    """
    An image service. Both methods make one short call and never sleep; all
    failures are `ProviderError`. A synchronous service answers `submit` with the
    picture already there.
    """

    def submit(self, request: ImageRequest) -> Progress: ...

    def poll(self, remote_id: str, request: ImageRequest) -> Progress: ...


class Registry:
    """The providers that have credentials, and the models they offer."""

    def __init__(
        self, providers: Mapping[str, Provider], limits: Mapping[str, int]
    ) -> None:
        """
        Args:
            providers: By name.
            limits: Provider name -> pictures it may draw at a time in each lane.
        """
        self._providers = dict(providers)
        self._limits = dict(limits)
        self.models = {
            model.id: model for model in MODELS if model.provider in self._providers
        }

    @classmethod
    def from_config(cls, config: Config) -> "Registry":
        from jimeng.providers.visual import VisualProvider

        if not config.has_credentials:
            return cls({}, {})
        return cls(
            {"volcengine_jimeng": VisualProvider.from_config(config)},
            {"volcengine_jimeng": config.VOLCENGINE_CONCURRENCY},
        )

    @property
    def names(self) -> list[str]:
        return sorted(self._providers)

    @property
    def lanes(self) -> dict[str, int]:
        """Lane -> the number of pictures that it may hold at a time."""
        return {m.lane: self._limits[m.provider] for m in self.models.values()}

    def model(self, name: str | None, provider: str | None = None) -> Model:
        """
        Find a model by its name, the default one for None.

        Raises:
            NoProvider: there are no models at all.
            Invalid: no such model or provider; the words list those there are.
        """
        if not self.models:
            raise NoProvider("no credentials are set", retry_after=60)
        if provider is not None and provider not in self._providers:
            raise Invalid.field(
                "provider", "invalid.provider", known=", ".join(self.names)
            )
        model = self.models.get(DEFAULT_MODEL if name is None else name)
        if model is None or provider not in {None, model.provider}:
            raise Invalid.field(
                "model", "invalid.model", known=", ".join(sorted(self.models))
            )
        return model

    def by_lane(self, lane: str) -> Model | None:
        return next((m for m in self.models.values() if m.lane == lane), None)

    def provider(self, name: str) -> Provider:
        """
        Raises:
            ProviderError: it has no credentials here (any more).
        """
        try:
            return self._providers[name]
        except KeyError:
            raise ProviderError(
                f"provider {name} is not configured",
                code="provider_not_configured",
                transient=True,
            ) from None
