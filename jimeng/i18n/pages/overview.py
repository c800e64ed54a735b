"""The words of the page that lists tasks."""

OVERVIEW: dict[str, tuple[str, str]] = {}
