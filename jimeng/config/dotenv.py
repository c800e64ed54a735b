"""Read ``.env`` files, and detect misspelled settings."""

import os
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

from jimeng.config.accounts import LISTED, named, parse_accounts
from jimeng.errors import ConfigError


def read(
    path: str, known: Collection[str], per_account: Collection[str]
) -> dict[str, str]:
    """
    Read a ``.env`` file; a missing one counts as empty.

    Args:
        known: The names of all settings.
        per_account: The names of settings that each account may have.

    Raises:
        ConfigError: it is not UTF-8 text of ``NAME=value`` lines, a quote is not
            closed, or a name looks misspelled: the setting would silently not apply.
    """
    if not Path(path).is_file():
        return {}
    try:
        with open(path, encoding="utf-8") as text:
            rows = [*parse_stream(text)]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    for row in rows:
        if row.error:  # the line itself may be a secret
            raise ConfigError(
                f"{path}: line {row.original.line} is no NAME=value; is there a quote "
                "too many, in it or in a line before it?"
            )
    found = {row.key: row.value for row in rows if row.key is not None}
    bare = [name for name, value in found.items() if value is None]
    if bare:
        # An unknown name may be a pasted key: it must not appear in the message.
        where = f" after {bare[0]}" if bare[0] in known else " in one of its lines"
        raise ConfigError(f"{path}: no ={where}")
    for name in sorted(found.keys() - set(known) - of_accounts(found, per_account)):
        if name.startswith(tuple(f"{each}_" for each in per_account)):
            raise ConfigError(f"{path}: {name} is of no account in {LISTED}")
        if meant := nearest(name, known, per_account):
            raise ConfigError(f"{path}: there is no {name}; is {meant} meant?")
    return {name: value or "" for name, value in found.items()}


def of_accounts(
    file: Mapping[str, str | None], per_account: Collection[str]
) -> set[str]:
    """Return the settings of the accounts in the environment, or else in the file."""
    try:
        accounts = parse_accounts(os.environ.get(LISTED) or file.get(LISTED) or "")
    except ValueError as error:
        raise ConfigError(f"{LISTED} {error}") from None
    return named(accounts, per_account)


def nearest(name: str, known: Collection[str], per_account: Iterable[str]) -> str:
    """Return the setting that *name* probably misspells, or an empty string."""
    # A name with the prefix of a provider's settings is meant as one of them.
    ours = tuple({f"{each.partition('_')[0]}_" for each in per_account})
    alike = 0.6 if name.upper().startswith(ours) else 0.85
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=alike)), "")
