"""Slots: the numbers of the pictures under way in a lane."""

from jimeng.documents import Generation


def slots_taken(lane: str) -> set[int]:
    where = {"lane": lane, "slot": {"$exists": True}}
    rows = Generation.collection().find(where, {"_id": 0, "slot": 1}).hint("slot")
    return {row["slot"] for row in rows}
