"""The effective settings, without any secrets."""

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from mongoengine import get_db
from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.billing.costs import yuan
from jimeng.config import PER_ACCOUNT, Account, Config, read_dotenv
from jimeng.config.version import RELEASE
from jimeng.documents.principal import Principal
from jimeng.errors import ConfigError
from jimeng.providers import Model

PACKAGES = ("flask", "huey", "gunicorn", "pymongo", "mongoengine", "redis", "requests")


@dataclass(frozen=True)
class Setting:
    """
    Attributes:
        value: As text; empty if not set; None if secret.
        source: ``environment``, ``file`` (``.env``), or ``default``.
    """

    name: str
    value: str | None
    source: str


@dataclass(frozen=True)
class Offer:
    """A model, and its limit of simultaneous pictures."""

    model: Model
    limit: int
    is_default: bool


@dataclass(frozen=True)
class Effective:
    """
    Attributes:
        versions: Component -> version; None if it is not installed, or Redis is down.
    """

    settings: list[Setting]
    offers: list[Offer]
    versions: dict[str, str | None]


def read_settings(principal: Principal, config: Config) -> Effective:
    """
    Describe this process's settings.

    Raises:
        AdminsOnly: the principal is not an operator.
        PyMongoError: MongoDB does not answer.
    """
    principal.require_operator("settings")
    file = dotenv()
    found = [_setting(config, each, file) for each in fields(config)]
    found += [
        each
        for one in config.VOLCENGINE_ACCOUNTS
        for each in _account_settings(one, file)
    ]
    return Effective(found, offers(), versions())


def dotenv() -> Mapping[str, str]:
    """The current ``.env``; empty if it cannot be read."""
    try:
        return read_dotenv(".env")
    except ConfigError:
        return {}


def _setting(config: Config, each, file: Mapping[str, str]) -> Setting:
    value = getattr(config, each.name)
    is_secret = not each.repr or has_password(value)
    is_amount = each.name.endswith("_BUDGET")
    shown = yuan(value) if is_amount else as_text(value)
    text = None if is_secret and value else shown
    return Setting(each.name, text, source(each.name, value == each.default, file))


def _account_settings(account: Account, file: Mapping[str, str]) -> Iterator[Setting]:
    """The settings of an additional account."""
    for each in PER_ACCOUNT:
        if each.name in account.settings:
            name = account.named(each.name)
            text = as_text(account.settings[each.name]) if each.repr else None
            yield Setting(name, text, source(name, False, file))


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def has_password(value: object) -> bool:
    """Whether it is a URL that contains a user name or password."""
    return isinstance(value, str) and "://" in value and "@" in urlsplit(value).netloc


def source(name: str, is_default: bool, file: Mapping[str, str]) -> str:
    names = ("SERVER_PORT", "PORT") if name == "SERVER_PORT" else (name,)
    for variables, where in ((os.environ, "environment"), (file, "file")):
        if any(variables.get(each, "").strip() for each in names):
            return where
    # `make run` sets its own values in the environment of this process.
    return "default" if is_default else "environment"


def offers() -> list[Offer]:
    registry = jobs.runtime().registry
    default = registry.default()
    return [
        Offer(model, registry.lanes[model.lane], model == default)
        for model in registry.models.values()
    ]


def versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"jimeng": RELEASE}
    found["Python"] = platform.python_version()
    found["MongoDB"] = _mongodb()
    found["Redis"] = _redis()
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # Gunicorn may not be installed
            found[name] = None
    return found


def _mongodb() -> str:
    # If it is down the page is, too: the error is not caught, to wait for it only once.
    return get_db().client.server_info()["version"]


def _redis() -> str | None:
    try:
        info = jobs.huey.storage.conn.info("server")
    except RedisError:
        return None
    return info.get("valkey_version") or info["redis_version"]
