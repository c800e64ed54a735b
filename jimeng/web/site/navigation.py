"""The ways between the main pages."""

from dataclasses import dataclass

from flask import request, url_for

from jimeng.http import auth


@dataclass(frozen=True)
class Entry:
    """
    Attributes:
        endpoint: Where it leads.
        name: Its words are ``nav.<name>``, its icon ``icon-<name>``.
        key: What is pressed to go there, one key after the other.
        within: How the paths of the pages begin that lie below it.
        operators_only: Whether others would be refused there.
    """

    endpoint: str
    name: str
    key: str
    within: tuple[str, ...]
    operators_only: bool = False

    @property
    def url(self) -> str:
        return url_for(self.endpoint)

    @property
    def here(self) -> str | None:
        """For ``aria-current``: whether this page is it, or lies below it."""
        if request.endpoint == self.endpoint:
            return "page"
        return "true" if request.path.startswith(self.within) else None


ENTRIES = (
    Entry("web.index", "create", "g c", ("/composer", "/tasks/")),
    Entry(
        "web.gallery",
        "gallery",
        "g g",
        ("/gallery/", "/pictures/", "/collections", "/shares"),
    ),
    Entry("web.tasks", "tasks", "g t", ()),
    Entry("web.account", "account", "g a", ("/account/",)),
    Entry("admin.queue", "operator", "g o", ("/admin/",), operators_only=True),
)


def navigation() -> list[Entry]:
    """The entries for whoever looks at the page; none before signing in."""
    user = auth.current_user()
    if user is None and auth.needs_sign_in():
        return []
    is_operator = user is None or user.role == "admin"
    return [entry for entry in ENTRIES if is_operator or not entry.operators_only]
