"""Accounts, and the settings that can be changed at run time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

WANTED = "ACCESS_KEY:SECRET_KEY[:LIMIT[:ARK_KEY]]"


@dataclass(frozen=True)
class Account:
    """
    Attributes:
        name: Its name in the ledger: the access key, empty for the first account.
        limit: Maximum of running tasks per req_key or model; None for `Settings`.
    """

    name: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    ark_key: str = field(default="", repr=False)
    limit: int | None = None


def parse(text: str) -> Account:
    """
    Parse an account from the command line.

    Raises:
        ValueError: it does not have the format `WANTED`.
    """
    access_key, secret_key, limit, ark_key, *more = [*text.split(":"), "", "", ""]
    if not (access_key and secret_key) or any(more):
        raise ValueError(f"must be {WANTED}")
    try:
        most = int(limit) if limit else None
    except ValueError:
        raise ValueError(f"must be {WANTED}") from None
    return Account(access_key, access_key, secret_key, "", ark_key, most)


@dataclass(frozen=True)
class Settings:
    """
    Attributes:
        limit: Maximum of running tasks per req_key of Visual.
        ark_limit: Maximum of concurrent calls per model of Ark.
        ark_per_minute: Maximum of pictures per minute and model of Ark.
        video_limit: Running videos per model of Ark; more are queued.
        video_url_ttl: Lifetime of a link to a video of Visual, in seconds.
        video_bytes: Pad videos to this size, as if their content were richer.
        echo_tag: Repeat ``safety_identifier`` in the tasks of Ark.
        enforce_rates: Refuse calls of Ark's video tasks beyond its limits per second.
        strict: Refuse what Ark ignores: unknown fields, and those that a video model
            does not support.
        group: The number of outputs where the model may choose it.
        duration: Median seconds from acceptance to the end of a task.
        sigma: Standard deviation of the duration's logarithm; 0: always the median.
        url_ttl: Lifetime of the other links, in seconds.
        answer_base64: Return bytes from polls even if links were requested.
        clock_offset: Seconds by which the clock of tasks and links is ahead.
        signing_clock_offset: Seconds by which the clock that checks X-Date is ahead.
        revoked: An access key or API key that is refused.
        plain: Pictures of one colour, for load tests, since drawing uses a whole CPU.
    """

    limit: int = 2
    ark_limit: int = 10
    ark_per_minute: int = 500
    video_limit: int = 3
    video_url_ttl: float = 3600.0
    video_bytes: int = 0
    echo_tag: bool = True
    enforce_rates: bool = False
    strict: bool = False
    group: int = 4
    duration: float = 3.0
    sigma: float = 0.0
    url_ttl: float = 24 * 3600.0
    answer_base64: bool = False
    clock_offset: float = 0.0
    signing_clock_offset: float = 0.0
    revoked: str = ""
    plain: bool = False

    def changed(self, values: Mapping[str, object]) -> "Settings":
        """
        Copy the settings with *values* from JSON.

        Raises:
            ValueError: a name is unknown, or a value has the wrong type.
        """
        types = {each.name: type(each.default) for each in fields(self)}
        clean: dict[str, object] = {}
        for name, value in values.items():
            if name not in types:
                raise ValueError(f"no setting {name!r}; there are {', '.join(types)}")
            if types[name] is float and type(value) is int:
                value = float(value)
            if type(value) is not types[name]:
                raise ValueError(f"{name} must be {types[name].__name__}")
            clean[name] = value
        return replace(self, **clean)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
