"""Refuse to start a server whose access settings are unsafe."""

from jimeng.config import Config
from jimeng.errors import ConfigError


def require_access(config: Config) -> None:
    """
    Refuse to start with unsafe access, unless the operator has allowed it.

    Raises:
        ConfigError: sign-in is on and there is no ``SECRET_KEY``, or it is off and
            ``ALLOW_OPEN_ACCESS`` is not set.
    """
    if config.sign_in and not config.SECRET_KEY:
        raise ConfigError(
            "SECRET_KEY is missing, which sessions are signed with: set it to what "
            '`python -c "import secrets; print(secrets.token_hex(32))"` prints'
        )
    if not config.sign_in and not config.ALLOW_OPEN_ACCESS:
        raise ConfigError(
            "AUTH=off lets anybody who reaches this server use it, on loopback those "
            "whom a proxy passes on: set ALLOW_OPEN_ACCESS=1 if that is meant, behind "
            "a proxy that asks for a password"
        )
