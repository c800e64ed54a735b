"""Settling duplicates: who keeps what only one may have, and what others do."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import partial

import pymongo

from jimeng import lanes
from jimeng.accounts import known_keys
from jimeng.documents import (
    ApiKey,
    Collection,
    Generation,
    Image,
    Input,
    Share,
    State,
    Task,
    User,
    indexes,
    repeating,
)
from jimeng.documents.base import Stored
from jimeng.documents.collection import name_key
from jimeng.documents.duplicates import duplicates
from jimeng.documents.image import new_key
from jimeng.documents.share import new_share_token
from jimeng.viewers import Viewer, recorded

AT_A_TIME = 200  # values of one index
LONGEST = 3600.0  # seconds that the search may take
# States in which the provider may be drawing it, the likeliest first. Any other has no
# use for a slot.
MAY_RUN = [
    State.GENERATING.value,
    State.SUBMITTING.value,
    State.UNKNOWN.value,
    State.FAILED.value,  # past its deadline, and looked for once more
    State.STARTING.value,
]


@dataclass(frozen=True)
class Rule:
    """
    How duplicates of one index are settled.

    Attributes:
        kind: The document.
        others: What becomes of those that do not keep the value, in words.
        give_up: Makes it so for one, unless it has changed meanwhile.
        rank: The one with the lowest keeps the value; None: somebody must choose.
    """

    kind: type[Stored]
    others: str
    give_up: Callable[[dict], None]
    rank: Callable[[dict], tuple] | None


@dataclass(frozen=True)
class Step:
    """
    What is done about one value.

    Attributes:
        label: The index.
        ids: Of all documents that have it.
        kept_by: The one that keeps it; None while nobody has chosen.
        others: The documents that do not.
    """

    label: str
    ids: list[str]
    kept_by: str | None
    others: list[dict]

    @property
    def words(self) -> str:
        """What would be done, for the operator."""
        if self.kept_by is None:
            return f"choose which one keeps it: --keep {' or --keep '.join(self.ids)}"
        named = ", ".join(str(row["_id"]) for row in self.others)
        return f"{self.kept_by} keeps it; {RULES[self.label].others}: {named}"


def plan(chosen: Container[str] = ()) -> list[Step]:
    """
    What would settle the duplicates that keep indexes from being built.

    Args:
        chosen: Ids of documents that are to keep what they have.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    found = []
    for label, rule in RULES.items():
        if indexes.is_there(label, fresh=True):
            continue
        with pymongo.timeout(LONGEST):
            for each in duplicates(indexes.declared()[label], limit=AT_A_TIME):
                rows = list(rule.kind.collection().find({"_id": {"$in": each.ids}}))
                found.append(_step(label, rule, rows, chosen))
    return found


def settle(viewer: Viewer, steps: list[Step]) -> int:
    """
    Do what `plan` has said, as far as it is decided, and write it down.

    Returns:
        How many values were settled.
    """
    decided = [step for step in steps if step.kept_by is not None]
    for step in decided:
        said = {"kept": step.kept_by, "of": step.ids}
        with recorded(viewer, "duplicates.settle", step.label, **said):
            for row in step.others:
                RULES[step.label].give_up(row)
    return len(decided)


def _step(label: str, rule: Rule, rows: list[dict], chosen: Container[str]) -> Step:
    keepers = [row for row in rows if row["_id"] in chosen]
    if not keepers and rule.rank is not None:
        keepers = [min(rows, key=rule.rank)]
    ids = [row["_id"] for row in rows]
    if len(keepers) != 1:
        return Step(label, ids, None, [])
    others = [row for row in rows if row is not keepers[0]]
    return Step(label, ids, keepers[0]["_id"], others)


def _give_up_key(kind: type[Task] | type[Input], row: dict) -> None:
    repeating.give_back(kind, row["_id"], row["idem_key"])


def _take_another_slot(generation: dict) -> None:
    """
    Whoever may be running goes on counting: under the lowest number that is free.

    It may be beyond its account's limit; that sends nothing until it is below again.
    """
    where = {name: generation.get(name) for name in ("_id", "slot", "state")}
    rows = Generation.collection()
    if generation.get("state") not in MAY_RUN:
        rows.update_one(where, {"$unset": {"slot": ""}})
        return
    found = lanes.parted(generation["lane"], generation["slot"])
    channel = found[0] if found else lanes.Channel(generation["lane"])
    held = {"lane": channel.lane, "slot": {"$exists": True}}
    taken = set(rows.distinct("slot", held))
    slots = (channel.slot(number) for number in range(len(taken) + 1))
    free = next(slot for slot in slots if slot not in taken)
    rows.update_one(where, {"$set": {"slot": free}})


def _take_another_link(image: dict) -> None:
    where = {"_id": image["_id"], "key": image.get("key")}
    Image.collection().update_one(where, {"$set": {"key": new_key()}})


def _take_another_page(share: dict) -> None:
    where = {"_id": share["_id"], "token": share.get("token")}
    Share.collection().update_one(where, {"$set": {"token": new_share_token()}})


def _take_another_name(collection: dict) -> None:
    name = f"{collection.get('name', '')} ({collection['_id'][-6:]})"
    where = {"_id": collection["_id"], "name_key": collection.get("name_key")}
    given = {"name": name, "name_key": name_key(name)}
    Collection.collection().update_one(where, {"$set": given})


def _lose_address(user: dict) -> None:
    # A name that leads nowhere by agreement. Source: RFC 2606.
    address = f"{user['_id']}@duplicate.invalid".lower()
    where = {"_id": user["_id"], "email_key": user.get("email_key")}
    given = {"email": address, "email_key": address}
    User.collection().update_one(where, {"$set": given})


def _revoke(key: dict) -> None:
    ApiKey.collection().delete_one({"_id": key["_id"]})
    known_keys.access_changed()


def _age(row: dict) -> tuple:
    return row["created_at"], row["_id"]


def _likeliest_to_run(row: dict) -> tuple:
    state = row.get("state")
    rank = MAY_RUN.index(state) if state in MAY_RUN else len(MAY_RUN)
    return rank, *_age(row)


RULES = {
    **{
        label: Rule(
            kind, "without a key from then on", partial(_give_up_key, kind), _age
        )
        for label, kind in ((indexes.IDEMPOTENCY, Task), (indexes.UPLOADS, Input))
    },
    indexes.SLOTS: Rule(
        Generation,
        "another slot, or none if it does not run",
        _take_another_slot,
        _likeliest_to_run,
    ),
    indexes.LINKS: Rule(Image, "a new link", _take_another_link, _age),
    indexes.SHARES: Rule(Share, "a new link", _take_another_page, _age),
    indexes.NAMES: Rule(
        Collection, "the name with the end of its id", _take_another_name, _age
    ),
    indexes.EMAILS: Rule(
        User,
        "an address ending in @duplicate.invalid, until an admin gives another",
        _lose_address,
        None,
    ),
    indexes.API_KEYS: Rule(ApiKey, "revoked", _revoke, None),
}
