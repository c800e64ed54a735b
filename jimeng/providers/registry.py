"""The registry of providers: those in use, their accounts, models and limits."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from jimeng.config import Config
from jimeng.config.accounts import MAIN
from jimeng.errors import Invalid, NoProvider, ProviderError
from jimeng.providers.ark import ArkProvider
from jimeng.providers.inputs import with_lacks
from jimeng.providers.models import DEFAULT_MODEL, Makes, Model
from jimeng.providers.models.file import load_models
from jimeng.providers.provider import Provider
from jimeng.providers.rules import WITHOUT_CODE
from jimeng.providers.visual import VisualProvider

# By priority, for a model that several of them offer.
PROVIDERS: tuple[type[Provider], ...] = (
    VisualProvider,
    ArkProvider,
)
NO_OTHERS: Mapping[str, Mapping[str, Provider]] = MappingProxyType({})
MODELS = tuple(model for each in PROVIDERS for model in each.models)
_RETRYABLE = {
    rule.code: rule.retryable
    for rule in (
        *(rule for each in PROVIDERS for rule in each.rules.values()),
        *WITHOUT_CODE,
    )
}
# Slots of a model that answers the submission with the picture, which blocks a worker.
# Four of a consumer's eight workers stay free for short jobs.
MAX_SYNCHRONOUS = 4
CODES = frozenset(_RETRYABLE)  # our error codes of failed pictures


def credentials() -> str:
    """Return the names of the settings of which at least one is required, as text."""
    return ", ".join(each.settings[0] for each in PROVIDERS)


def retryable(code: str) -> bool:
    """Whether the same task may succeed if the user retries it."""
    return _RETRYABLE.get(code, False)


def named(models: Iterable[Model], name: str) -> Model | None:
    return next((model for model in models if name in model.names), None)


class Registry:
    """
    The providers that have credentials, their models and their accounts.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        limits: Mapping[str, int],
        models: Iterable[Model] = MODELS,
        *,
        others: Mapping[str, Mapping[str, Provider]] = NO_OTHERS,
    ) -> None:
        """
        Args:
            providers: Name -> provider of the main account.
            limits: Provider name -> slots of each of its lanes.
            models: All models. Those of configured providers are offered; if two share
                a name, it resolves to the first.
            others: Account -> its providers by name, each with its own limit.
        """
        self._providers = {
            MAIN: dict(providers),
            **{account: dict(its) for account, its in others.items()},
        }
        self._limits = dict(limits)
        self.offer(m for m in models if self.accounts_of(m.provider))

    @classmethod
    def from_config(cls, config: Config) -> "Registry":
        """
        Raises:
            ConfigError: ``MODELS_FILE`` is invalid.
        """
        models = load_models(config.MODELS_FILE, PROVIDERS, config.by_account)
        accounts: dict[str, dict[str, Provider]] = {}
        for account, its in config.by_account.items():
            found = [each.from_config(its, models) for each in PROVIDERS]
            accounts[account] = {each.name: each for each in found if each is not None}
        main = accounts.pop(MAIN)
        limits = {name: each.concurrency for name, each in main.items()}
        registry = cls(main, limits, models, others=accounts)
        addresses = registry.addresses
        registry.offer(
            with_lacks(model, config, addresses[model.provider])
            for model in registry.models.values()
        )
        return registry

    def offer(self, models: Iterable[Model]) -> None:
        """Offer these models."""
        self.models = {model.lane: model for model in models}
        self._making: dict[Makes, list[Model]] = {"image": [], "video": []}
        for model in self.models.values():
            self._making[model.makes].append(model)

    @property
    def names(self) -> list[str]:
        return sorted({name for its in self._providers.values() for name in its})

    @property
    def accounts(self) -> list[str]:
        """Return the names of the accounts that have credentials here."""
        return [account for account, its in self._providers.items() if its]

    def accounts_of(self, provider: str) -> list[str]:
        return [each for each, its in self._providers.items() if provider in its]

    def serves(self, provider: str, account: str) -> bool:
        """Whether the provider's credentials of the account are configured."""
        return provider in self._providers.get(account, {})

    @property
    def addresses(self) -> dict[str, str]:
        """Return provider name -> its address."""
        return {name: self._any(name).address for name in self.names}

    def label(self, name: str) -> tuple[str, str]:
        """Return the display name of a provider, in Chinese and English."""
        return self._any(name).label

    def _any(self, name: str) -> Provider:
        return self._providers[self.accounts_of(name)[0]][name]

    @property
    def lanes(self) -> dict[str, int]:
        """Return lane -> its slots, summed over all accounts."""
        return {lane: sum(its.values()) for lane, its in self.limits.items()}

    @property
    def limits(self) -> dict[str, dict[str, int]]:
        """Return lane -> account -> its slots."""
        return {lane: self.limits_of(model) for lane, model in self.models.items()}

    def limits_of(self, model: Model) -> dict[str, int]:
        """Return account -> its slots in the lane of one model."""
        return {
            account: self._limit(model, account)
            for account in self.accounts_of(model.provider)
        }

    def limits_in(self, lane: str) -> dict[str, int]:
        """Return account -> its slots in a lane; nothing if it is not offered."""
        model = self.by_lane(lane)
        return {} if model is None else self.limits_of(model)

    def _limit(self, model: Model, account: str) -> int:
        if account == MAIN:
            limit = self._limits[model.provider]
        else:
            limit = self._providers[account][model.provider].concurrency
        return min(limit, MAX_SYNCHRONOUS) if model.is_synchronous else limit

    def making(self, makes: Makes, provider: str | None = None) -> Sequence[Model]:
        """Return the models that make pictures, or those that make videos."""
        models = self._making[makes]
        if provider is None:
            return models
        return [model for model in models if model.provider == provider]

    def default(
        self, provider: str | None = None, *, makes: Makes = "image"
    ) -> Model | None:
        """Return the default model, if there is any."""
        offered = self.making(makes, provider)
        text_to_image = [model for model in offered if not model.needs_images]
        usual = (model for model in text_to_image if model.id == DEFAULT_MODEL)
        return next(usual, text_to_image[0] if text_to_image else None)

    def model(
        self,
        name: str | None,
        provider: str | None = None,
        *,
        makes: Makes | None = "image",
    ) -> Model:
        """
        Find a model by one of its names, the default one for None.

        Args:
            makes: What it must make; None if either will do.

        Raises:
            NoProvider: no models are available.
            Invalid: unknown model or provider; the message lists the known ones.
        """
        if not self.models:
            raise NoProvider(
                "no credentials are set", retry_after=60, settings=credentials()
            )
        if provider is not None and provider not in self.names:
            raise Invalid.field(
                "provider", "invalid.provider", known=", ".join(self.names)
            )
        kinds: tuple[Makes, ...] = ("image", "video") if makes is None else (makes,)
        offered = [model for each in kinds for model in self.making(each, provider)]
        if name is None:
            model = self.default(provider, makes=kinds[0])
        else:
            model = named(offered, name)
        if model is None:
            known = ", ".join(sorted({model.id for model in offered}))
            raise Invalid.field("model", self._why_not(name, makes), known=known)
        return model

    def _why_not(self, name: str | None, makes: Makes | None) -> str:
        """The message key for a model that is not offered for this."""
        if name and makes == "image" and named(self.making("video"), name):
            return "invalid.model_of_videos"
        if name and makes == "video" and named(self.making("image"), name):
            return "invalid.model_of_pictures"
        return "invalid.model"

    def by_lane(self, lane: str) -> Model | None:
        return self.models.get(lane)

    def provider(self, name: str, account: str = MAIN) -> Provider:
        """
        Args:
            account: The account whose credentials are used.

        Raises:
            ProviderError: the account has no credentials here, or no longer.
        """
        try:
            return self._providers[account][name]
        except KeyError:
            raise ProviderError(
                f"provider {name} is not configured for account {account}",
                code="provider_not_configured",
                transient=True,
            ) from None
