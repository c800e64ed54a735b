"""How much waits, as the users' places say: no count of what may be very much."""

from collections import Counter
from urllib.parse import unquote

from jimeng.documents import Allowance

MOST_USERS = 10_000  # those who asked for something last


def waiting_by_user() -> Counter[tuple[str, str]]:
    """
    (lane, user id) -> waiting pictures, delayed ones too.

    Each number is the user's `Allowance.lanes` one: a hint, which may have drifted
    where a process has died between two writes.
    """
    rows = Allowance.collection().aggregate(
        [
            {"$sort": {"taken_at": -1}},
            {"$limit": MOST_USERS},
            {"$match": {"lanes": {"$type": "object"}}},
            {"$project": {"lane": {"$objectToArray": "$lanes"}}},
            {"$unwind": "$lane"},
            {"$match": {"lane.v.pending": {"$gt": 0}}},
            {"$project": {"lane": "$lane.k", "n": {"$toLong": "$lane.v.pending"}}},
        ]
    )
    # As `Allowance.place_of` has written the name.
    return Counter({(unquote(row["lane"]), row["_id"]): row["n"] for row in rows})
