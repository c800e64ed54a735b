"""The words of the operator's pages."""

OPERATOR: dict[str, tuple[str, str]] = {}
