"""The main navigation."""

from dataclasses import dataclass

from flask import request, url_for

from jimeng.http import auth


@dataclass(frozen=True)
class Entry:
    """
    Attributes:
        endpoint: The page that it links to.
        name: Its message key is ``nav.<name>``, its icon ``icon-<name>``.
        key: Its keyboard shortcut, a sequence of keys.
        below: Path prefixes of the pages below it.
        operators_only: Whether it is hidden from other users.
    """

    endpoint: str
    name: str
    key: str
    below: tuple[str, ...]
    operators_only: bool = False

    @property
    def url(self) -> str:
        return url_for(self.endpoint)

    @property
    def here(self) -> str | None:
        """The value of ``aria-current``: ``page``, or ``true`` for a page below it."""
        if request.endpoint == self.endpoint:
            return "page"
        return "true" if request.path.startswith(self.below) else None


ENTRIES = (
    Entry("web.index", "create", "g c", ("/composer", "/tasks/")),
    Entry(
        "web.gallery",
        "gallery",
        "g g",
        ("/gallery/", "/pictures/", "/collections", "/shares"),
    ),
    Entry("web.account", "account", "g a", ("/account/",)),
    Entry("admin.queue", "operator", "g o", ("/admin/",), operators_only=True),
)


def navigation() -> list[Entry]:
    """The entries for the current user; none before sign-in."""
    user = auth.current_user()
    if user is None and auth.needs_sign_in():
        return []
    is_operator = user is None or user.role == "admin"
    return [entry for entry in ENTRIES if is_operator or not entry.operators_only]
