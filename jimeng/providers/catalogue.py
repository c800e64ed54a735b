"""Every code of ours that a picture can fail with, of all providers."""

from jimeng.providers.registry import PROVIDERS
from jimeng.providers.rules import WITHOUT_CODE

_RETRYABLE = {
    rule.code: rule.retryable
    for rule in (
        *(rule for each in PROVIDERS for rule in each.rules.values()),
        *WITHOUT_CODE,
    )
}
CODES = frozenset(_RETRYABLE)


def retryable(code: str) -> bool:
    """Say whether the same task, run again by its user, may succeed."""
    return _RETRYABLE.get(code, False)
