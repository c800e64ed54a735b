"""Who asks, and what they may see."""

from dataclasses import dataclass
from datetime import datetime

from jimeng.errors import AdminsOnly

SCOPES = ("read", "write", "admin")  # of an API key
UNKNOWN = -1


@dataclass(frozen=True)
class Viewer:
    """
    The one on whose behalf something is read or changed.

    Attributes:
        user_id: Whose new tasks are, unless the request says otherwise.
        sees_all: Sees and touches everybody's: an operator, or anybody where
            authentication is off.
        scopes: What the API key that was used is good for; a signed-in browser
            may do whatever its user may.
        key_ends_at: When that key ends, if it does.
        daily_quota: Pictures a day that the user's record allows, None where it does
            not say; `UNKNOWN` if nobody has looked.
    """

    user_id: str
    sees_all: bool = False
    scopes: frozenset[str] = frozenset(SCOPES)
    key_ends_at: datetime | None = None
    daily_quota: int | None = UNKNOWN

    def filter(self) -> dict:
        """The part of a query that keeps to what this viewer may see."""
        return {} if self.sees_all else {"user_id": self.user_id}

    def may_act_for(self, user_id: str) -> bool:
        return self.sees_all or user_id == self.user_id

    def require_operator(self, what: str) -> None:
        """
        Args:
            what: Was asked for, for the log.

        Raises:
            AdminsOnly: it is the operator's alone to see or to do.
        """
        if not self.sees_all:
            raise AdminsOnly(what)
