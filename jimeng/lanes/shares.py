"""
Shares: what one account has of a lane: slots, a limit and patience of its own.

The line is the lane's: whoever is next goes to any account that has a slot. The main
account's share is kept where the lane itself is, as it was when there was no other.
"""

from collections.abc import Mapping
from typing import NamedTuple

from jimeng.config.accounts import MAIN

Slot = int | str  # as `Share.slot` writes it


class Share(NamedTuple):
    lane: str
    account: str = MAIN

    @property
    def record(self) -> str:
        """The id of the record of its limit and patience."""
        if self.account == MAIN:
            return self.lane
        return f"{self.account}@{self.lane}"

    def slot(self, number: int) -> Slot:
        """The slot of this number, as it is stored: no two of a lane are alike."""
        return number if self.account == MAIN else f"{self.account}/{number}"


def parted(lane: str, slot: object) -> tuple[Share, int] | None:
    """Whose slot that is, and its number; None where neither was written by us."""
    if isinstance(slot, int):
        return Share(lane), slot
    account, _, number = str(slot).rpartition("/")
    if not (account and number.isascii() and number.isdecimal()):
        return None
    return Share(lane, account), int(number)


def shares_of(limits: Mapping[str, Mapping[str, int]]) -> dict[Share, int]:
    """
    Args:
        limits: Lane -> account -> how many of its pictures may be under way.
    """
    return {
        Share(lane, account): most
        for lane, its in limits.items()
        for account, most in its.items()
    }
