"""Slots: the numbers of the pictures under way in a lane."""

from jimeng.documents import Generation, State


def slots_taken(lane: str) -> set[int]:
    where = {"lane": lane, "slot": {"$exists": True}}
    rows = Generation.collection().find(where, {"_id": 0, "slot": 1}).hint("slot")
    return {row["slot"] for row in rows}


def count_drawn(lane: str) -> int:
    """The pictures that the provider has taken and, as far as is known, draws."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    return Generation.collection().count_documents({"lane": lane, **where}, hint="slot")
