"""
Slots: the numbers of the pictures under way in a lane, and whose they are.

A channel is one account's way into a lane, with slots, a limit and patience of its
own. The line is the lane's: whoever is next goes by any channel that has a slot. The
main account's is kept where the lane itself is.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, State
from jimeng.documents.base import OTHER_KIND

AT_ONCE = 2000  # rows in one answer
IN_LINE = [("turn", 1), ("_id", 1)]  # who goes first
KNOWN = [state.value for state in State]

Slot = int | str  # as `AccountLane.slot` writes it


class AccountLane(NamedTuple):
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


def parted(lane: str, slot: object) -> tuple[AccountLane, int] | None:
    """Whose slot that is, and its number; None where neither was written by us."""
    if isinstance(slot, int):
        return AccountLane(lane), slot
    account, _, number = str(slot).rpartition("/")
    if not (account and number.isascii() and number.isdecimal()):
        return None
    return AccountLane(lane, account), int(number)


def account_lanes_of(limits: Mapping[str, Mapping[str, int]]) -> dict[AccountLane, int]:
    """
    Args:
        limits: Lane -> account -> how many of its pictures may be under way.
    """
    return {
        AccountLane(lane, account): most
        for lane, its in limits.items()
        for account, most in its.items()
    }


def used_slots(lane: str, account: str = MAIN) -> set[int]:
    account_lane = AccountLane(lane, account)
    return used_slots_in([account_lane])[account_lane]


def used_slots_in(account_lanes: Iterable[AccountLane]) -> dict[AccountLane, set[int]]:
    """AccountLane -> the numbers taken, of several at once."""
    found: dict[AccountLane, set[int]] = {
        account_lane: set() for account_lane in account_lanes
    }
    for account_lane, number in _held(
        {"$in": sorted({account_lane.lane for account_lane in found})}
    ):
        if account_lane in found:
            found[account_lane].add(number)
    return found


def slots_used_elsewhere(
    account_lanes: Collection[AccountLane],
) -> Counter[AccountLane]:
    """
    How many slots are held of which channels that are none of these: their accounts
    have no credentials here (any more), and nobody asks for the pictures.
    """
    lanes = {"$exists": True}
    return Counter(
        account_lane
        for account_lane, _ in _held(lanes)
        if account_lane not in account_lanes
    )


def _held(lanes: Mapping[str, object]) -> Iterator[tuple[AccountLane, int]]:
    where = {"lane": lanes, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(AT_ONCE):
        if found := parted(row["lane"], row["slot"]):
            yield found


def slots_used_by_unknown(lanes: Iterable[str]) -> int:
    """How many hold a slot that are of a state or kind this release does not know."""
    unknown = [{"state": {"$nin": KNOWN}}, OTHER_KIND]
    where = {"slot": {"$exists": True}, "$or": unknown}
    mine = {"lane": {"$in": list(lanes)}, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_drawn(lane: str, account: str = MAIN) -> int:
    """The pictures that the account has taken and, as far as is known, draws."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"lane": lane, "account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_generating(account: str) -> int:
    """The pictures of all lanes for which the account is polled."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")
