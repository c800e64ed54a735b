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

Slot = int | str  # as `Channel.slot` writes it


class Channel(NamedTuple):
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


def parted(lane: str, slot: object) -> tuple[Channel, int] | None:
    """Whose slot that is, and its number; None where neither was written by us."""
    if isinstance(slot, int):
        return Channel(lane), slot
    account, _, number = str(slot).rpartition("/")
    if not (account and number.isascii() and number.isdecimal()):
        return None
    return Channel(lane, account), int(number)


def channels_of(limits: Mapping[str, Mapping[str, int]]) -> dict[Channel, int]:
    """
    Args:
        limits: Lane -> account -> how many of its pictures may be under way.
    """
    return {
        Channel(lane, account): most
        for lane, its in limits.items()
        for account, most in its.items()
    }


def slots_taken(lane: str, account: str = MAIN) -> set[int]:
    channel = Channel(lane, account)
    return slots_taken_in([channel])[channel]


def slots_taken_in(channels: Iterable[Channel]) -> dict[Channel, set[int]]:
    """Channel -> the numbers taken, of several at once."""
    found: dict[Channel, set[int]] = {channel: set() for channel in channels}
    for channel, number in _held({"$in": sorted({channel.lane for channel in found})}):
        if channel in found:
            found[channel].add(number)
    return found


def held_by_others(channels: Collection[Channel]) -> Counter[Channel]:
    """
    How many slots are held of which channels that are none of these: their accounts
    have no credentials here (any more), and nobody asks for the pictures.
    """
    lanes = {"$exists": True}
    return Counter(channel for channel, _ in _held(lanes) if channel not in channels)


def _held(lanes: Mapping[str, object]) -> Iterator[tuple[Channel, int]]:
    where = {"lane": lanes, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(AT_ONCE):
        if found := parted(row["lane"], row["slot"]):
            yield found


def held_by_unknown(lanes: Iterable[str]) -> int:
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
