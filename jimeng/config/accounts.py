"""
Further accounts of a provider: settings with the account's name as a suffix.

``VOLCENGINE_ACCOUNTS=studio`` lets ``VOLCENGINE_ACCESS_KEY_STUDIO`` and its likes
apply.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jimeng.errors import ConfigError

NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
# The one whose settings have nothing behind their names, as people are told of it.
MAIN = "main"
LISTED = "VOLCENGINE_ACCOUNTS"


@dataclass(frozen=True)
class Account:
    """
    Attributes:
        settings: Name of the setting, without the account's -> value.
    """

    name: str
    settings: Mapping[str, Any] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    def __str__(self) -> str:
        return self.name

    def named(self, setting: str) -> str:
        """As *setting* is called where it is this account's."""
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
    """The names of all settings of these accounts."""
    return {each.named(setting) for each in accounts for setting in settings}


def check_keys(by_account: Mapping[str, object], keys: Iterable[str]) -> None:
    """
    Args:
        by_account: Name -> its settings.
        keys: The settings of which no two accounts may have the same value.

    Raises:
        ConfigError: two accounts share a key, which would get twice its limit.
    """
    for key in keys:
        seen: dict[str, str] = {}
        for name, its in by_account.items():
            value = getattr(its, key)
            if value and seen.setdefault(value, name) != name:
                raise ConfigError(f"{key} of {name} is {seen[value]}'s too")
