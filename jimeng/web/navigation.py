"""The ways between the main pages."""

from dataclasses import dataclass

from flask import current_app, request, url_for


@dataclass(frozen=True)
class Entry:
    """
    Attributes:
        endpoint: Where it leads.
        name: Its words are ``nav.<name>``, its icon ``icon-<name>``.
        operators_only: Whether others would be refused there.
    """

    endpoint: str
    name: str
    operators_only: bool = False

    @property
    def url(self) -> str:
        return url_for(self.endpoint)

    @property
    def is_here(self) -> bool:
        return request.endpoint == self.endpoint


ENTRIES = (
    Entry("web.index", "create"),
    Entry("web.gallery", "gallery"),
    Entry("web.tasks", "tasks"),
    Entry("web.account", "account"),
    Entry("admin.queue", "operator", operators_only=True),
)


def navigation(*, is_operator: bool) -> list[Entry]:
    """The entries for whoever looks at the page."""
    return [
        entry
        for entry in ENTRIES
        if entry.endpoint in current_app.view_functions
        and (is_operator or not entry.operators_only)
    ]
