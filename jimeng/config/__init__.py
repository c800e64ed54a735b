"""Settings, read once from the environment and ``.env``."""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from functools import cached_property
from typing import Any, Self
from urllib.parse import quote, urlsplit

from jimeng.config import dotenv
from jimeng.config.accounts import MAIN, Account, check_keys, parse_accounts
from jimeng.config.values import (
    ADDRESS,
    BUCKET,
    EMAIL,
    NAME,
    PREFIX,
    PRINTABLE,
    between,
    key,
    matching,
    one_of,
    parse_bool,
    parse_list,
    parse_mongodb_uri,
    parse_names,
    parse_origins,
    parse_redis_url,
    parse_secret_key,
    parse_timezone,
    parse_url,
    parse_yuan,
    setting,
)
from jimeng.errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
PLACEHOLDER = re.compile(r"^(你的|your[-_ ])", re.IGNORECASE)
HEROKU_WAIT = 25.0  # seconds; its router gives up after 30


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings. Durations are in seconds; empty text means "not set"."""

    VOLCENGINE_ACCESS_KEY: str = key(credential=True)
    VOLCENGINE_SECRET_KEY: str = key()
    VOLCENGINE_SESSION_TOKEN: str = key()
    VOLCENGINE_ENDPOINT: str = setting("https://visual.volcengineapi.com", parse_url)
    VOLCENGINE_REGION: str = setting("cn-north-1")
    VOLCENGINE_CONCURRENCY: int = setting(2, between(1, 1000, int), per_account=True)
    VOLCENGINE_ACCOUNTS: tuple[Account, ...] = setting((), parse_accounts)
    ARK_API_KEY: str = key(credential=True)
    ARK_BASE_URL: str = setting("https://ark.cn-beijing.volces.com/api/v3", parse_url)
    ARK_CONCURRENCY: int = setting(2, between(1, 1000, int), per_account=True)
    MODELS_FILE: str = setting("")
    OPENAI_MODELS: tuple[str, ...] = setting((), parse_names)
    PROMPT_ASSISTANT_MODEL: str = setting("", matching(PRINTABLE, "a model's name"))
    PROMPT_ASSISTANT_URL: str = setting("", parse_url)
    PROMPT_ASSISTANT_KEY: str = setting("", secret=True)
    WATERMARK: bool = setting(False, parse_bool)
    AIGC_PRODUCER_ID: str = setting("", matching(PRINTABLE, "1 to 256 characters"))
    MONGODB_URI: str = setting("", parse_mongodb_uri, secret=True)
    MONGODB_DATABASE: str = setting("jimeng_ai", matching(NAME, "a plain name"))
    REDIS_URL: str = setting("", parse_redis_url, secret=True)
    REDIS_ADDR: str = setting("", matching(ADDRESS, "host:port"))
    REDIS_PASSWORD: str = setting("", secret=True)
    REDIS_DB: int = setting(0, between(0, 1000, int))
    SERVER_HOST: str = setting("localhost")
    SERVER_PORT: int = setting(8080, between(1, 65535, int))
    PUBLIC_URL: str = setting("", parse_url)
    AUTH: str = setting("", one_of("on", "off"))
    SECRET_KEY: str = setting("", parse_secret_key, secret=True)
    ADMIN_EMAIL: str = setting("", matching(EMAIL, "one e-mail address"))
    ADMIN_PASSWORD: str = setting("", secret=True)
    REQUIRE_SECOND_FACTOR: str = setting("off", one_of("off", "admins", "all"))
    TRUSTED_PROXIES: int = setting(0, between(0, 10, int))
    ALLOW_OPEN_ACCESS: bool = setting(False, parse_bool)
    HSTS: str = setting("host", one_of("host", "subdomains", "preload"))
    ALLOWED_HOSTS: tuple[str, ...] = setting((), parse_list)
    CORS_ORIGINS: tuple[str, ...] = setting((), parse_origins)
    ALLOWED_PRIVATE_HOSTS: tuple[str, ...] = setting((), parse_list)
    ALLOWED_USER_HOSTS: tuple[str, ...] = setting((), parse_list)
    TASK_DEADLINE: float = setting(900.0, between(1, 43200, float))
    WAIT_SECONDS: float = setting(55.0, between(1, 60, float))
    USER_MAX_PENDING: int = setting(100, between(1, 1_000_000, int))
    USER_MAX_PENDING_VIDEOS: int = setting(8, between(1, 1_000_000, int))
    USER_SUBMISSIONS_PER_MINUTE: int = setting(300, between(0, 1_000_000, int))
    REQUESTS_PER_MINUTE: int = setting(3000, between(0, 1_000_000, int))
    USER_DAILY_QUOTA: int = setting(0, between(0, 1_000_000, int))
    BILLING_TIMEZONE: str = setting("Asia/Shanghai", parse_timezone)
    DAILY_BUDGET: int = setting(0, parse_yuan)
    MONTHLY_BUDGET: int = setting(0, parse_yuan)
    USER_DAILY_BUDGET: int = setting(0, parse_yuan)
    USER_MONTHLY_BUDGET: int = setting(0, parse_yuan)
    KEEP_DAYS: int = setting(0, between(0, 100_000, int))
    KEEP_GIB: float = setting(0.0, between(0, 1_000_000, float))
    KEEP_VIDEO_GIB: float = setting(0.0, between(0, 1_000_000, float))
    KEEP_TASK_DAYS: int = setting(0, between(0, 100_000, int))
    KEEP_AUDIT_DAYS: int = setting(0, between(0, 100_000, int))
    SHUTDOWN_GRACE: float = setting(25.0, between(1, 600, float))
    STORAGE: str = setting("gridfs", one_of("gridfs", "file", "s3"))
    STORAGE_DIR: str = setting("")
    S3_ENDPOINT: str = setting("", parse_url)
    S3_BUCKET: str = setting("", matching(BUCKET, "the name of a bucket"))
    S3_REGION: str = setting("us-east-1", matching(NAME, "a plain name"))
    S3_ACCESS_KEY: str = setting("", secret=True)
    S3_SECRET_KEY: str = setting("", secret=True)
    S3_ADDRESSING: str = setting("auto", one_of("auto", "path", "virtual"))
    S3_PREFIX: str = setting("", matching(PREFIX, "letters, digits, . _ - and /"))
    S3_PUBLIC_ENDPOINT: str = setting("", parse_url)
    S3_CA_BUNDLE: str = setting("")
    DATA_DIR: str = setting(".data")
    LOG_LEVEL: str = setting("info", one_of("debug", "info", "warning", "error"))
    LOG_FORMAT: str = setting("text", one_of("text", "json"))

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """
        Build the settings from *env*; unset and empty names keep their default.

        A platform's ``PORT`` overrides ``SERVER_PORT``. On Heroku, which sets ``DYNO``,
        the default of ``WAIT_SECONDS`` is below the timeout of its router.

        Raises:
            ConfigError: naming the variable that is malformed or a placeholder.
        """
        settings = {name: text.strip() for name, text in env.items() if text.strip()}
        values = {}
        for each in fields(cls):
            name = each.name
            if name == "SERVER_PORT" and "PORT" in settings:
                name = "PORT"
            if name in settings:
                values[each.name] = read(each, name, settings[name])
        if "DYNO" in settings:
            values.setdefault("WAIT_SECONDS", HEROKU_WAIT)
        config = cls(**values)
        config.check_partners()
        return config._with_accounts(settings)

    def check_partners(self) -> None:
        """
        Check settings that depend on each other.

        Raises:
            ConfigError: a setting is set without another that it needs.
        """
        for whose in ("VOLCENGINE", "S3"):
            access, secret = f"{whose}_ACCESS_KEY", f"{whose}_SECRET_KEY"
            if bool(getattr(self, access)) != bool(getattr(self, secret)):
                lacking = secret if getattr(self, access) else access
                raise ConfigError(
                    f"{lacking} is missing: set both of the pair or neither"
                )
        if self.STORAGE == "s3" and not self.S3_BUCKET:
            raise ConfigError("S3_BUCKET is missing: STORAGE=s3 keeps pictures in it")
        keys = (self.PROMPT_ASSISTANT_URL, self.PROMPT_ASSISTANT_KEY, self.ARK_API_KEY)
        if self.PROMPT_ASSISTANT_MODEL and not any(keys):
            raise ConfigError(
                "PROMPT_ASSISTANT_MODEL needs ARK_API_KEY, or an endpoint of its own: "
                "PROMPT_ASSISTANT_URL, PROMPT_ASSISTANT_KEY"
            )

    def _with_accounts(self, settings: Mapping[str, str]) -> Self:
        """Add the accounts' own settings from the environment's *settings*."""
        found = []
        for account in self.VOLCENGINE_ACCOUNTS:
            own = [(each, account.named(each.name)) for each in PER_ACCOUNT]
            values = {
                each.name: read(each, name, settings[name])
                for each, name in own
                if name in settings
            }
            found.append(Account(account.name, values))
            check_pair(self.of(found[-1]), found[-1])
        config = replace(self, VOLCENGINE_ACCOUNTS=tuple(found))
        keys = [each.name for each in PER_ACCOUNT if each.metadata["credential"]]
        check_keys(config.by_account, keys)
        return config

    def of(self, account: Account) -> Self:
        """Return the settings for this account, without other accounts' keys."""
        keys = [each.name for each in fields(self) if is_key(each)]
        values: dict[str, Any] = {**dict.fromkeys(keys, ""), **account.settings}
        return replace(self, **values, VOLCENGINE_ACCOUNTS=())

    @property
    def by_account(self) -> dict[str, Self]:
        """Account name -> settings; those of `MAIN` have no suffix."""
        others = {each.name: self.of(each) for each in self.VOLCENGINE_ACCOUNTS}
        return {MAIN: replace(self, VOLCENGINE_ACCOUNTS=()), **others}

    @property
    def secrets(self) -> set[str]:
        """The secret values of all accounts, to be masked everywhere."""
        hidden = [each.name for each in fields(self) if not each.repr]
        configs = self.by_account.values()
        return {str(getattr(config, name)) for config in configs for name in hidden}

    @classmethod
    def load(cls, path: str = ".env") -> Self:
        """
        Load the settings of this process from the environment and the file at *path*.

        Raises:
            ConfigError: as in `from_env` and `read_dotenv`.
        """
        return cls.from_env(read_environment(path))

    @property
    def has_credentials(self) -> bool:
        """Whether any provider can be used."""
        keys = [each.name for each in fields(self) if each.metadata["credential"]]
        configs = self.by_account.values()
        return any(getattr(config, name) for config in configs for name in keys)

    @property
    def mongodb_uri(self) -> str:
        return self.MONGODB_URI or "mongodb://localhost:27017"

    @property
    def redis_url(self) -> str:
        """``REDIS_URL``, else a URL built from ``REDIS_ADDR`` and related settings."""
        if self.REDIS_URL:
            return self.REDIS_URL
        password = (
            f":{quote(self.REDIS_PASSWORD, safe='')}@" if self.REDIS_PASSWORD else ""
        )
        return (
            f"redis://{password}{self.REDIS_ADDR or 'localhost:6379'}/{self.REDIS_DB}"
        )

    @property
    def sign_in(self) -> bool:
        """Whether users have to sign in: unless it is switched off."""
        return self.AUTH != "off"

    @property
    def is_loopback(self) -> bool:
        return self.SERVER_HOST.lower() in LOOPBACK

    @property
    def bare_host(self) -> str:
        """``SERVER_HOST`` without the brackets of an IPv6 address."""
        return self.SERVER_HOST.strip("[]")

    @property
    def address(self) -> str:
        """``host:port``, as Gunicorn and URLs write it."""
        host = f"[{self.bare_host}]" if ":" in self.bare_host else self.bare_host
        return f"{host}:{self.SERVER_PORT}"

    def max_pending(self, makes: str) -> int:
        """How many pictures, or how many of a ``video``, a user may have waiting."""
        is_video = makes == "video"
        return self.USER_MAX_PENDING_VIDEOS if is_video else self.USER_MAX_PENDING

    @cached_property  # each request asks for it
    def own_hosts(self) -> frozenset[str]:
        """The host names, without port, under which this server is reachable."""
        public = {urlsplit(self.PUBLIC_URL).hostname or ""} - {""}
        return LOOPBACK | public | set(self.ALLOWED_HOSTS)


KNOWN = [each.name for each in fields(Config)]
# Settings of the release before; whoever still sets them is told.
WITHDRAWN = (
    "POLL_INTERVAL",
    "POLLS_PER_SECOND",
    "MAX_LONG_POLLS",
    "MAX_EVENT_STREAMS",
    "USER_MAX_WAITING",
)
PER_ACCOUNT = [each for each in fields(Config) if each.metadata["per_account"]]


def is_key(field: Field) -> bool:
    about = field.metadata
    return about["credential"] or (about["per_account"] and not field.repr)


def read(field: Field, name: str, text: str) -> Any:
    """
    Parse the value of a setting.

    Args:
        name: The variable's name, for the error.

    Raises:
        ConfigError: it is malformed, or a placeholder.
    """
    if PLACEHOLDER.match(text):
        raise ConfigError(f"{name} is still the placeholder of the example")
    try:
        return field.metadata["parse"](text)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None


def check_pair(config: Config, account: Account) -> None:
    """
    Check that an account's keys are complete.

    Raises:
        ConfigError: an account has half a key pair, or no key.
    """
    pair = ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY")
    lacking = [name for name in pair if not getattr(config, name)]
    if len(lacking) == 1:
        raise ConfigError(
            f"{account.named(lacking[0])} is missing: set both of the pair or neither"
        )
    if not config.has_credentials:
        keys = [each.name for each in PER_ACCOUNT if each.metadata["credential"]]
        wanted = " or ".join(map(account.named, keys))
        raise ConfigError(f"VOLCENGINE_ACCOUNTS names {account}, without {wanted}")


def read_environment(path: str = ".env") -> dict[str, str]:
    """Return the process's settings as text; the environment overrides ``.env``."""
    return {**read_dotenv(path), **os.environ}


def read_dotenv(path: str) -> dict[str, str]:
    """Read a ``.env`` file; raises ConfigError as `dotenv.read` does."""
    return dotenv.read(path, [*KNOWN, *WITHDRAWN], [each.name for each in PER_ACCOUNT])
