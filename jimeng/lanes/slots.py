"""
Slots: numbers of the pictures that a lane's accounts generate at the same time.

An account lane is one provider account in one lane, with slots, a concurrency limit and
a back-off of its own. The queue is shared: the next picture is assigned to any account
with a free slot. The state of the main account is stored in the lane's own record.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, State
from jimeng.documents.base import OTHER_KIND

BATCH_ROWS = 2000  # rows per round trip
QUEUE_ORDER = [("turn", 1), ("_id", 1)]
KNOWN_STATES = [state.value for state in State]

Slot = int | str  # as `AccountLane.slot` writes it


class AccountLane(NamedTuple):
    """One provider account in one lane."""

    lane: str
    account: str = MAIN

    @property
    def record(self) -> str:
        """The id of the `Lane` record with its limit and back-off."""
        if self.account == MAIN:
            return self.lane
        return f"{self.account}@{self.lane}"

    def slot(self, number: int) -> Slot:
        """The stored value of the slot with this number, unique within the lane."""
        return number if self.account == MAIN else f"{self.account}/{number}"


def parse_slot(lane: str, slot: object) -> tuple[AccountLane, int] | None:
    """Return the account lane and number of a stored slot; None if it is malformed."""
    if isinstance(slot, int):
        return AccountLane(lane), slot
    account, _, number = str(slot).rpartition("/")
    if not (account and number.isascii() and number.isdecimal()):
        return None
    return AccountLane(lane, account), int(number)


def account_lanes_of(limits: Mapping[str, Mapping[str, int]]) -> dict[AccountLane, int]:
    """
    Flatten limits by lane and account.

    Args:
        limits: Lane -> account -> its configured concurrency limit.
    """
    return {
        AccountLane(lane, account): configured
        for lane, by_account in limits.items()
        for account, configured in by_account.items()
    }


def used_slots(lane: str, account: str = MAIN) -> set[int]:
    account_lane = AccountLane(lane, account)
    return used_slots_in([account_lane])[account_lane]


def used_slots_in(account_lanes: Iterable[AccountLane]) -> dict[AccountLane, set[int]]:
    """Bulk version of `used_slots`."""
    used: dict[AccountLane, set[int]] = {
        account_lane: set() for account_lane in account_lanes
    }
    for account_lane, number in _used_slots(
        {"$in": sorted({account_lane.lane for account_lane in used})}
    ):
        if account_lane in used:
            used[account_lane].add(number)
    return used


def count_foreign_slots(
    account_lanes: Collection[AccountLane],
) -> Counter[AccountLane]:
    """
    Count the slots in use by account lanes other than these. Their accounts have no
    credentials here (any more), so their pictures are not polled.
    """
    lanes = {"$exists": True}
    return Counter(
        account_lane
        for account_lane, _ in _used_slots(lanes)
        if account_lane not in account_lanes
    )


def _used_slots(lanes: Mapping[str, object]) -> Iterator[tuple[AccountLane, int]]:
    where = {"lane": lanes, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(BATCH_ROWS):
        if found := parse_slot(row["lane"], row["slot"]):
            yield found


def count_unreadable_slots(lanes: Iterable[str]) -> int:
    """Count slots in use by pictures of a state or kind unknown to this release."""
    unknown = [{"state": {"$nin": KNOWN_STATES}}, OTHER_KIND]
    where = {"lane": {"$in": list(lanes)}, "slot": {"$exists": True}, "$or": unknown}
    return Generation.collection().count_documents(where, hint="slot")


def count_generating_in(lane: str, account: str = MAIN) -> int:
    """Count the pictures of an account in a lane that the provider has accepted."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"lane": lane, "account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_generating(account: str) -> int:
    """Count the pictures of an account in all lanes: those that it is polled for."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")
