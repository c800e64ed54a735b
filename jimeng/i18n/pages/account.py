"""The words of the account pages."""

ACCOUNT: dict[str, tuple[str, str]] = {}
