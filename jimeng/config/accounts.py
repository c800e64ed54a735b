"""
Further accounts of a provider: settings with the account's name as a suffix.

``VOLCENGINE_ACCOUNTS=studio`` enables ``VOLCENGINE_ACCESS_KEY_STUDIO`` and the other
settings with that suffix.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jimeng.errors import ConfigError

NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
# The displayed name of the account whose settings have no suffix.
MAIN = "main"
LISTED = "VOLCENGINE_ACCOUNTS"


@dataclass(frozen=True)
class Account:
    """
    A further account.

    Attributes:
        settings: Name of the setting, without the suffix -> value.
    """

    name: str
    settings: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    def __str__(self) -> str:
        return self.name

    def named(self, setting: str) -> str:
        """Return the name of *setting* with this account's suffix."""
        return f"{setting}_{self.name.upper()}"


def parse_accounts(text: str) -> tuple[Account, ...]:
    names = [part.strip().lower() for part in text.split(",") if part.strip()]
    if len(set(names)) < len(names):
        raise ValueError("must name each account once")
    for name in names:
        if not NAME.fullmatch(name) or name == MAIN:
            raise ValueError(
                "must be names of a letter and up to 19 letters and digits, separated "
                f"by commas; {MAIN} is the one without a name"
            )
    return tuple(map(Account, names))


def named(accounts: Iterable[Account], settings: Iterable[str]) -> set[str]:
    """Return the names, with suffix, of all settings of these accounts."""
    return {each.named(setting) for each in accounts for setting in settings}


def check_keys(by_account: Mapping[str, object], keys: Iterable[str]) -> None:
    """
    Check that no two accounts have the same key.

    Args:
        by_account: Account name -> settings.
        keys: The settings that must differ.

    Raises:
        ConfigError: two accounts share a key, whose limit would be exceeded twofold.
    """
    for key in keys:
        seen: dict[str, str] = {}
        for name, its in by_account.items():
            value = getattr(its, key)
            if value and seen.setdefault(value, name) != name:
                raise ConfigError(f"{key} of {name} is {seen[value]}'s too")
