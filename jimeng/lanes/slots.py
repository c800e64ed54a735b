"""Slots: the numbers of the pictures under way in a lane."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, State
from jimeng.lanes.shares import Share, parted

AT_ONCE = 2000  # rows in one answer
KNOWN = [state.value for state in State]


def slots_taken(lane: str, account: str = MAIN) -> set[int]:
    share = Share(lane, account)
    return slots_taken_in([share])[share]


def slots_taken_in(shares: Iterable[Share]) -> dict[Share, set[int]]:
    """Share -> the numbers taken, of several at once."""
    found: dict[Share, set[int]] = {share: set() for share in shares}
    for share, number in _held({"$in": sorted({share.lane for share in found})}):
        if share in found:
            found[share].add(number)
    return found


def held_by_others(shares: Collection[Share]) -> Counter[Share]:
    """
    How many slots are held of which shares that are none of these: their accounts have
    no credentials here (any more), and nobody asks for the pictures.
    """
    lanes = {"$exists": True}
    return Counter(share for share, _ in _held(lanes) if share not in shares)


def _held(lanes: Mapping[str, object]) -> Iterator[tuple[Share, int]]:
    where = {"lane": lanes, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(AT_ONCE):
        if found := parted(row["lane"], row["slot"]):
            yield found


def held_by_unknown(lanes: Iterable[str]) -> int:
    """How many pictures hold a slot in a state that this release does not know."""
    where = {"slot": {"$exists": True}, "state": {"$nin": KNOWN}}
    mine = {"lane": {"$in": list(lanes)}, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_drawn(lane: str, account: str = MAIN) -> int:
    """The pictures that the account has taken and, as far as is known, draws."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    whose = {"account": account if account != MAIN else {"$in": [MAIN, None]}}
    mine = {"lane": lane, **where, **whose}
    return Generation.collection().count_documents(mine, hint="slot")
