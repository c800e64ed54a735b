"""Shares of all users, for the operator."""

from dataclasses import dataclass, field

from jimeng.documents import User
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal, recorded
from jimeng.gallery import shares
from jimeng.gallery.shares import ShareOverview


@dataclass(frozen=True)
class Shares(Page[ShareOverview]):
    """
    A page of shares, newest first.

    Attributes:
        names: User id -> name of the owners, as far as known.
    """

    names: dict[str, str] = field(default_factory=dict)


def page(principal: Principal, cursor: str | None) -> Shares:
    """
    List the shares of all users.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    found = shares.page_of_all_users(principal, cursor=cursor)
    names = User.names({each.share.user_id for each in found.rows})
    return Shares(found.rows, found.next_cursor, names)


def end(principal: Principal, share_id: str) -> None:
    """
    End a share; the action is audited.

    Raises:
        AdminsOnly: as in `page`.
        ShareNotFound: it has already ended.
    """
    principal.require_operator("ending a share")
    found = shares.find(principal, share_id)
    with recorded(principal, "shares.revoke", found.id, of=found.user_id):
        shares.revoke(principal, found.id)
