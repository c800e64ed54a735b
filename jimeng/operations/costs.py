"""The costs of all users; and deciding whether the provider charged for a picture."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from jimeng.billing import cost_reports as costs_of_all
from jimeng.billing import costs
from jimeng.billing.budgets import BudgetState, states_of_installation
from jimeng.billing.cost_reports import Cost
from jimeng.documents import ApiKey, Generation, User, utcnow
from jimeng.documents.generation import UNDECIDED
from jimeng.documents.principal import Principal, recorded
from jimeng.errors import ChargeKnown, ImageNotFound
from jimeng.process.runtime import runtime

MAX_SHOWN = 50  # undecided pictures
NAMES_AT_ONCE = 500


@dataclass(frozen=True)
class Overview:
    """
    Attributes:
        undecided: The newest of the pictures whose charge an operator can decide.
        open_charges: How many there are.
        budgets: Those of all users together; empty if they have no limit.
        users, keys: Id -> name, as far as known.
    """

    costs: costs_of_all.Overview
    undecided: list[Generation]
    open_charges: int
    budgets: list[BudgetState]
    users: dict[str, str]
    keys: dict[str, str]


log = logging.getLogger(__name__)

# A picture that is still being polled may yet be found, which decides it.
OPEN_CHARGES = {**UNDECIDED, "due_at": {"$exists": False}}


def overview(
    principal: Principal, order: str = costs_of_all.ORDERS[0], page: int = 1
) -> Overview:
    """
    The costs of today and of this month; as `billing.cost_reports.overview`.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    found = costs_of_all.overview(principal, order, page)
    return Overview(
        found,
        undecided(principal, limit=MAX_SHOWN),
        count_undecided(),
        states_of_installation(runtime().config),
        _names("user", found.users),
        _names("key", found.keys),
    )


def by_owner(
    principal: Principal, owner: str, month: str
) -> Iterator[tuple[str, str, Cost]]:
    """
    Ids, names and costs in a month of users or keys: `billing.cost_reports.by_owner`.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    return _named(owner, costs_of_all.by_owner(principal, owner, month))


def _named(
    owner: str, found: Iterable[tuple[str, Cost]]
) -> Iterator[tuple[str, str, Cost]]:
    remaining = iter(found)
    while rows := list(islice(remaining, NAMES_AT_ONCE)):
        names = _names(owner, [row_id for row_id, _ in rows])
        for row_id, cost in rows:
            yield row_id, names.get(row_id, ""), cost


def _names(owner: str, ids: Iterable[str]) -> dict[str, str]:
    """Id -> name of the users or keys that still exist."""
    if owner == "user":
        return User.names(ids)
    return {key.id: key.name for key in ApiKey.find_all({"_id": {"$in": [*ids]}})}


def count_undecided() -> int:
    """How many pictures `undecided` would return without a limit."""
    return Generation.collection().count_documents(OPEN_CHARGES, hint="undecided")


def undecided(
    principal: Principal, *, before: datetime | None = None, limit: int = 100
) -> list[Generation]:
    """
    Ended pictures that may or may not have been charged, newest first, except for those
    that are still being polled.

    Args:
        before: Only those that ended before this moment.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("costs")
    where: dict = {**OPEN_CHARGES}
    if before is not None:
        where["ended_at"] = {"$lt": before}
    newest_first = [("ended_at", -1), ("_id", -1)]
    return Generation.find_all(where, sort=newest_first, limit=limit, hint="undecided")


def decide(principal: Principal, picture_id: str, charged: bool) -> Generation:
    """
    Store whether the provider charged for a picture, as its bill says; also weeks
    later. Its cost is settled within seconds.

    Args:
        picture_id: The id of the generation, ``<task>_<index>``.

    Raises:
        AdminsOnly: the principal is not an operator.
        ImageNotFound: there is no such picture.
        ChargeKnown: its charge is known, or not decided yet by late polls.
    """
    principal.require_operator("costs")
    decision = costs.CHARGED if charged else costs.NOT_CHARGED
    mine = {**OPEN_CHARGES, "_id": picture_id}
    with recorded(principal, "costs.decide", picture_id, charged=decision):
        decided = {"by": principal.user_id, "at": utcnow()}
        changes = {**costs.charge(decision), "decided": decided}
        found = Generation.find_and_modify(mine, {"$set": changes})
        if found is None:
            if Generation.find_one({"_id": picture_id}) is None:
                raise ImageNotFound(f"picture {picture_id[:80]!r}")
            raise ChargeKnown(f"picture {picture_id[:80]!r}")
    log.info("charge decided id=%s charged=%s", picture_id, decision)
    return found
