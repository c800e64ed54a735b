"""What anybody shares, and whose it is."""

from dataclasses import dataclass, field

from jimeng.documents import User
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal, recorded
from jimeng.gallery import shares
from jimeng.gallery.shares import Listed


@dataclass(frozen=True)
class Shares(Page[Listed]):
    """
    Some of them, newest first.

    Attributes:
        names: Of their owners, by id, as far as these have a record.
    """

    names: dict[str, str] = field(default_factory=dict)


def page(principal: Principal, cursor: str | None) -> Shares:
    """
    What anybody shares.

    Raises:
        AdminsOnly: others see their own alone.
        Invalid: the cursor is not one of ours.
    """
    found = shares.everybodys(principal, cursor=cursor)
    names = User.names({each.share.user_id for each in found.rows})
    return Shares(found.rows, found.next_cursor, names)


def end(principal: Principal, share_id: str) -> None:
    """
    End one; it is recorded whosever it is.

    Raises:
        AdminsOnly: as in `page`.
        ShareNotFound: it has ended already.
    """
    principal.require_operator("ending a share")
    found = shares.find(principal, share_id)
    with recorded(principal, "shares.revoke", found.id, of=found.user_id):
        shares.revoke(principal, found.id)
