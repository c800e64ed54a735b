"""Slots: the numbers of the pictures under way in a lane."""

from collections.abc import Iterable

from jimeng.documents import Generation, State

AT_ONCE = 2000  # rows in one answer
KNOWN = [state.value for state in State]


def slots_taken(lane: str) -> set[int]:
    return slots_taken_in([lane])[lane]


def slots_taken_in(lanes: Iterable[str]) -> dict[str, set[int]]:
    """Lane -> the numbers taken, of several at once."""
    found: dict[str, set[int]] = {lane: set() for lane in lanes}
    where = {"lane": {"$in": list(found)}, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(AT_ONCE):
        found[row["lane"]].add(row["slot"])
    return found


def held_by_unknown(lanes: Iterable[str]) -> int:
    """How many pictures hold a slot in a state that this release does not know."""
    where = {"slot": {"$exists": True}, "state": {"$nin": KNOWN}}
    mine = {"lane": {"$in": list(lanes)}, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_drawn(lane: str) -> int:
    """The pictures that the provider has taken and, as far as is known, draws."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    return Generation.collection().count_documents({"lane": lane, **where}, hint="slot")
