"""Accounts, and the settings that can be changed at run time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

WANTED = "ACCESS_KEY:SECRET_KEY[:LIMIT[:ARK_KEY]]"


@dataclass(frozen=True)
class Account:
    """
    Attributes:
        name: Its access key, as the ledger names it; empty for the first account.
        limit: Running tasks of one req_key or model; None for those of `Settings`.
    """

    name: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    ark_key: str = field(default="", repr=False)
    limit: int | None = None


def parse(text: str) -> Account:
    """
    Read an account as the command line has it.

    Raises:
        ValueError: it is not as `WANTED` says.
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
        limit: Running tasks of one req_key of Visual.
        ark_limit: Calls under way for one model of Ark.
        ark_per_minute: Pictures of one model of Ark within a minute.
        group: Pictures that a model draws where it may decide how many.
        duration: Median seconds from acceptance to the end of a task.
        sigma: Spread of the logarithm of the duration; 0 is always the median.
        url_ttl: Seconds that a picture's link lives.
        answer_base64: Answer polls with bytes even when links were asked for.
        clock_offset: Seconds by which tasks and links are older than they are.
        signing_clock_offset: Seconds by which the check of X-Date is ahead.
        revoked: An access key or an API key that lets nobody in any more.
        plain: Pictures of one colour, for load tests: drawing takes a CPU.
    """

    limit: int = 2
    ark_limit: int = 10
    ark_per_minute: int = 500
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
        Copy with *values* from JSON.

        Raises:
            ValueError: a name is unknown or a value is of another type.
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
