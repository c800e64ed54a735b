"""Inputs as a provider receives them: bytes, or links that it can reach."""

import base64
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

from jimeng.config import Config
from jimeng.providers.download import is_public
from jimeng.providers.models import Model
from jimeng.providers.models.model import LACKS_ADDRESS, LACKS_SECRET

# Names that are looked up only inside a network: RFC 6762, RFC 8375, and usage.
INSIDE = (
    *(".local", ".internal", ".lan", ".home.arpa", ".localhost", ".localdomain"),
    ".ivolces.com",  # TOS as Volcengine's own machines reach it
)
AWS = "https://s3.amazonaws.com"


def address_for(config: Config, provider: str) -> str | None:
    """
    The address under which *provider* can reach this server; None if there is none.

    Args:
        provider: Where it is asked. One on this machine, such as the simulator, can
            fetch from this machine.
    """
    if config.PUBLIC_URL and is_outside(config.PUBLIC_URL):
        return config.PUBLIC_URL
    if is_loopback(provider):
        return config.PUBLIC_URL or f"http://127.0.0.1:{config.SERVER_PORT}"
    return None


def fetches_from_store(config: Config, provider: str) -> bool:
    """Whether *provider* can fetch from the object store with the inputs."""
    if config.STORAGE != "s3":
        return False
    store = config.S3_PUBLIC_ENDPOINT or config.S3_ENDPOINT or AWS
    return is_outside(store) or is_loopback(provider)


def with_lacks(model: Model, config: Config, provider: str) -> Model:
    """*model*, with the reason if inputs cannot be sent to it from here."""
    if model.takes is None or model.takes.travels != "link":
        return model
    if fetches_from_store(config, provider):
        return model
    if address_for(config, provider) is None:
        return replace(model, lacks=LACKS_ADDRESS)
    if not config.SECRET_KEY:
        return replace(model, lacks=LACKS_SECRET)
    return model


def is_outside(url: str) -> bool:
    """Whether the host is none that only a network around this server knows."""
    host = urlsplit(url).hostname or ""
    try:
        return is_public(host)
    except ValueError:  # a name
        return "." in host and not f".{host}".endswith(INSIDE)


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True)
class InputPicture:
    """
    One picture, fitted to what the model takes.

    Attributes:
        data: Its bytes, encoded as *media_type*.
        media_type: ``image/jpeg`` or ``image/png``.
        width: Pixels.
        height: Pixels.
        link: Where the provider can fetch these bytes itself; only for a model whose
            pictures travel as links.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    link: str | None = field(default=None, repr=False)

    @cached_property
    def text(self) -> str:
        """The bytes in base64: most of the work of a body, and done once."""
        return base64.b64encode(self.data).decode()


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """How far a picture grows: at each edge a share of that side, 0 for not at all."""

    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    left: float = 0.0

    @property
    def shares(self) -> tuple[float, ...]:
        """Those of the four edges."""
        return astuple(self)

    def __bool__(self) -> bool:
        return any(self.shares)

    def applied(self, width: int, height: int) -> tuple[int, int]:
        """The sides, in pixels, that a picture of *width* by *height* grows to."""
        return (
            round(width * (1 + self.left + self.right)),
            round(height * (1 + self.top + self.bottom)),
        )
