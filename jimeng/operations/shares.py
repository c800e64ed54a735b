"""What anybody shares, and whose it is."""

from dataclasses import dataclass, field

from jimeng import sharing
from jimeng.documents import User
from jimeng.documents.cursors import Page
from jimeng.sharing import Listed
from jimeng.viewers import Viewer, recorded


@dataclass(frozen=True)
class Shares(Page[Listed]):
    """
    Some of them, newest first.

    Attributes:
        names: Of their owners, by id, as far as these have a record.
    """

    names: dict[str, str] = field(default_factory=dict)


def page(viewer: Viewer, cursor: str | None) -> Shares:
    """
    What anybody shares.

    Raises:
        AdminsOnly: others see their own alone.
        Invalid: the cursor is not one of ours.
    """
    found = sharing.everybodys(viewer, cursor=cursor)
    names = User.names({each.share.user_id for each in found.rows})
    return Shares(found.rows, found.next_cursor, names)


def end(viewer: Viewer, share_id: str) -> None:
    """
    End one; it is recorded whosever it is.

    Raises:
        AdminsOnly: as in `page`.
        ShareNotFound: it has ended already.
    """
    viewer.require_operator("ending a share")
    found = sharing.find(viewer, share_id)
    with recorded(viewer, "shares.revoke", found.id, of=found.user_id):
        sharing.revoke(viewer, found.id)
