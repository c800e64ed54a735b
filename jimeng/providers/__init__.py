"""The one thing jimeng asks of an image service, and the services that do it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jimeng.config import MOST_SYNCHRONOUS, Config
from jimeng.errors import Invalid, NoProvider, ProviderError
from jimeng.providers.models import DEFAULT_MODEL, MODELS, Model, load_models


@dataclass(frozen=True)
class ImageRequest:
    """
    One picture to be drawn.

    Attributes:
        req_key: The provider's name for the model.
        prompt: As sent: with the style's words.
        width: Pixels.
        height: Pixels.
        seed: 0 to 2^31-1; None where the model takes none.
    """

    req_key: str
    prompt: str
    width: int
    height: int
    seed: int | None


@dataclass(frozen=True)
class Progress:
    """
    Where a picture stands at the provider.

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


class Provider(Protocol):
    """
    An image service. Each method makes one call and never sleeps; all failures are
    `ProviderError`. A synchronous service answers `submit` with the picture already
    there, after as long as its model's `Model.answer_within`.
    """

    def submit(self, request: ImageRequest) -> Progress: ...

    def poll(self, remote_id: str, request: ImageRequest) -> Progress: ...

    def check(self, req_key: str) -> bool:
        """
        Ask, free of charge, whether the account may use a model.

        Returns:
            False if only a drawn picture would tell: the keys are accepted.
        """
        ...


class Registry:
    """The providers that have credentials, and the models they offer."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        limits: Mapping[str, int],
        models: Iterable[Model] = MODELS,
    ) -> None:
        """
        Args:
            providers: By name.
            limits: Provider name -> pictures it may draw at a time in each lane.
            models: What there is; those of *providers* are offered, and of two with
                one name the first is meant.
        """
        self._providers = dict(providers)
        self._limits = dict(limits)
        self.models = {m.lane: m for m in models if m.provider in self._providers}

    @classmethod
    def from_config(cls, config: Config) -> "Registry":
        """
        Raises:
            ConfigError: ``MODELS_FILE`` has a mistake.
        """
        from jimeng.providers.ark import ArkProvider
        from jimeng.providers.visual import VisualProvider

        models = load_models(config.MODELS_FILE)
        providers: dict[str, Provider] = {}
        if config.VOLCENGINE_ACCESS_KEY:
            visual = VisualProvider.from_config(config, models)
            providers["volcengine_jimeng"] = visual
        if config.ARK_API_KEY:
            providers["volcengine_ark"] = ArkProvider.from_config(config, models)
        limits = {
            "volcengine_jimeng": config.VOLCENGINE_CONCURRENCY,
            "volcengine_ark": config.ARK_CONCURRENCY,
        }
        return cls(providers, limits, models)

    @property
    def names(self) -> list[str]:
        return sorted(self._providers)

    @property
    def lanes(self) -> dict[str, int]:
        """Lane -> the number of pictures that it may hold at a time."""
        return {lane: self._limit(model) for lane, model in self.models.items()}

    def _limit(self, model: Model) -> int:
        limit = self._limits[model.provider]
        return min(limit, MOST_SYNCHRONOUS) if model.is_synchronous else limit

    def default(self, provider: str | None = None) -> Model | None:
        """The model that is meant where none is named, if there is any."""
        offered = self._offered_by(provider)
        usual = (model for model in offered if model.id == DEFAULT_MODEL)
        return next(usual, offered[0] if offered else None)

    def _offered_by(self, provider: str | None) -> list[Model]:
        models = self.models.values()
        return [model for model in models if provider in {None, model.provider}]

    def model(self, name: str | None, provider: str | None = None) -> Model:
        """
        Find a model by one of its names, the default one for None.

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
        offered = self._offered_by(provider)
        named = next((model for model in offered if name in model.names), None)
        model = self.default(provider) if name is None else named
        if model is None:
            known = ", ".join(sorted({model.id for model in offered}))
            raise Invalid.field("model", "invalid.model", known=known)
        return model

    def by_lane(self, lane: str) -> Model | None:
        return self.models.get(lane)

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
