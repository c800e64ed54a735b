"""The services that there are, and the models of those that have credentials."""

from collections.abc import Iterable, Mapping

from jimeng.config import Config
from jimeng.config.values import MOST_SYNCHRONOUS
from jimeng.errors import Invalid, NoProvider, ProviderError
from jimeng.providers.ark import ArkProvider
from jimeng.providers.models import DEFAULT_MODEL, Model
from jimeng.providers.models.file import load_models
from jimeng.providers.provider import Provider
from jimeng.providers.reach import with_lacks
from jimeng.providers.visual import VisualProvider

# In the order in which they are asked for a model that several of them offer.
PROVIDERS: tuple[type[Provider], ...] = (
    VisualProvider,
    ArkProvider,
)
MODELS = tuple(model for each in PROVIDERS for model in each.models)


def credentials() -> str:
    """The settings of which one must be there, for people to read."""
    return ", ".join(each.settings[0] for each in PROVIDERS)


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
        models = load_models(config.MODELS_FILE, PROVIDERS)
        found = [each.from_config(config, models) for each in PROVIDERS]
        made = {each.name: each for each in found if each is not None}
        limits = {name: each.concurrency for name, each in made.items()}
        offered = (each for each in models if each.provider in made)
        return cls(
            made,
            limits,
            [with_lacks(m, config, made[m.provider].address) for m in offered],
        )

    @property
    def names(self) -> list[str]:
        return sorted(self._providers)

    @property
    def addresses(self) -> dict[str, str]:
        """Provider name -> where it is asked."""
        return {name: each.address for name, each in self._providers.items()}

    def label(self, name: str) -> tuple[str, str]:
        """A provider as people call it, in Chinese and English."""
        return self._providers[name].label

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
        from_words = [model for model in offered if not model.needs_images]
        usual = (model for model in from_words if model.id == DEFAULT_MODEL)
        return next(usual, from_words[0] if from_words else None)

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
            raise NoProvider(
                "no credentials are set", retry_after=60, settings=credentials()
            )
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
