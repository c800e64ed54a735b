"""Inputs in the form a provider receives: bytes, or links that it can fetch."""

import base64
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

from jimeng.config import Config
from jimeng.providers.download import is_public
from jimeng.providers.models import Model
from jimeng.providers.models.model import LACKS_ADDRESS, LACKS_SECRET

# Domains that resolve only inside a network: RFC 6762, RFC 8375, and convention.
INSIDE = (
    *(".local", ".internal", ".lan", ".home.arpa", ".localhost", ".localdomain"),
    ".ivolces.com",  # the internal endpoint of TOS, for Volcengine's own machines
)
AWS = "https://s3.amazonaws.com"


def address_for(config: Config, provider: str) -> str | None:
    """
    Return the base URL at which *provider* can reach this server, or None.

    Args:
        provider: The provider's own address. A loopback address, such as the
            simulator's, can fetch from this machine.
    """
    if config.PUBLIC_URL and is_outside(config.PUBLIC_URL):
        return config.PUBLIC_URL
    if is_loopback(provider):
        return config.PUBLIC_URL or f"http://127.0.0.1:{config.SERVER_PORT}"
    return None


def fetches_from_store(config: Config, provider: str) -> bool:
    """Whether *provider* can fetch inputs directly from the object store."""
    if config.STORAGE != "s3":
        return False
    store = config.S3_PUBLIC_ENDPOINT or config.S3_ENDPOINT or AWS
    return is_outside(store) or is_loopback(provider)


def with_lacks(model: Model, config: Config, provider: str) -> Model:
    """Return *model* with `lacks` set if this server cannot send inputs to it."""
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
    """Whether the host of *url* looks reachable from outside the local network."""
    host = urlsplit(url).hostname or ""
    try:
        return is_public(host)
    except ValueError:  # a host name
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
    An input picture, fitted to the model's limits.

    Attributes:
        data: Its bytes, encoded as *media_type*.
        media_type: ``image/jpeg`` or ``image/png``.
        width: Pixels.
        height: Pixels.
        link: URL from which the provider fetches these bytes; only for models that
            take links.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    link: str | None = field(default=None, repr=False)

    @cached_property
    def text(self) -> str:
        """Return the bytes in base64, cached: encoding dominates building a body."""
        return base64.b64encode(self.data).decode()
