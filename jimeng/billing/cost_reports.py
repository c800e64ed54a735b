"""Costs by day, model, account, user and key, as the sums of the ledger say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from jimeng.billing.costs import today
from jimeng.documents import CostSum, Generation
from jimeng.documents.ledger import AMOUNTS, OF_MONTH
from jimeng.documents.principal import Customers, Principal
from jimeng.process.runtime import runtime

PAGE = 20  # users, keys
ALL = {"of": "all"}
# Sums also count what ended without a cost.
HAS_COST = {"$or": [{name: {"$nin": [0, None]}} for name in AMOUNTS]}
ORDERS = ("micros", "outputs")
OWNERS = ("user", "key")
# What costs are grouped by, and the sums' field.
GROUPS = {
    "day": "day",
    "month": "month",
    "model": "model",
    "user": "user_id",
    "key": "key_id",
}


@dataclass(frozen=True)
class Cost:
    """
    A sum of the ledger.

    Attributes:
        micros: In micro-yuan.
        outputs: Charged outputs.
        unknown: Outputs that may or may not be charged.
        unpriced: Charged outputs without a known price.
    """

    micros: int = 0
    outputs: int = 0
    unknown: int = 0
    unpriced: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, name) + getattr(other, name) for name in AMOUNTS))


@dataclass(frozen=True)
class CostRow:
    """The cost of one day, in ``BILLING_TIMEZONE``, model and account."""

    day: str
    model: str
    account: str
    cost: Cost


@dataclass(frozen=True)
class Report:
    """
    A user's costs.

    Attributes:
        days: Each day of the span, in order, also those without a cost.
        models: Model -> cost, highest first.
    """

    total: Cost
    days: dict[str, Cost]
    models: dict[str, Cost]


@dataclass(frozen=True)
class CostGroup:
    """
    Attributes:
        values: Of the groups; empty for the key of a request without one.
        is_open: Whether the cost may still change: its month is not over, or pictures
            of it are held or unknown. None where months are not told apart.
        corrected_at: When it has last been changed after its month was over.
    """

    values: list[str]
    cost: Cost
    is_open: bool | None = None
    corrected_at: datetime | None = None


@dataclass(frozen=True)
class OfCustomers:
    """
    The costs of a shop's customers.

    Attributes:
        highest: The `PAGE` highest: user id -> cost, highest first.
        has_more: Whether there are more.
    """

    total: Cost
    highest: dict[str, Cost]
    has_more: bool


@dataclass(frozen=True)
class Overview:
    """
    The costs of all users.

    Attributes:
        month: The month, ``2026-01``.
        models, users, keys: Their costs this month, highest first; of users and keys
            one page of `PAGE`.
        has_more: Whether there are more users or keys.
    """

    month: str
    today: Cost
    this_month: Cost
    models: dict[str, Cost]
    users: dict[str, Cost]
    keys: dict[str, Cost]
    has_more: bool


def of_user(principal: Principal, user_id: str, days: int) -> Report:
    """
    A user's costs of the last *days* days, today included.

    Raises:
        UserNotFound: the principal may not read this user.
    """
    principal.require_reader(user_id)
    last = today()
    names = [(last - timedelta(days=n)).isoformat() for n in reversed(range(days))]
    span = {"$gte": names[0], "$lte": names[-1]}
    where = {"of": "user", "user_id": user_id, "day": span}
    found = _sum(where, "day")
    return Report(
        total=sum(found.values(), Cost()),
        days={name: found.get(name, Cost()) for name in names},
        models=_by_model(where),
    )


def of_customers(customers: Customers, days: int) -> OfCustomers:
    """
    The costs of the last *days* days, today included, of a shop's customers; also what
    was done for them with keys that are revoked by now.
    """
    where = {
        "of": "user",
        "user_id": customers.filter(),
        "day": {"$gte": (today() - timedelta(days=days - 1)).isoformat()},
    }
    found = [*_sum(where, "user_id", limit=PAGE + 1, hint="user").items()]
    return OfCustomers(
        total=sum(_sum(where, "of", hint="user").values(), Cost()),
        highest=dict(found[:PAGE]),
        has_more=len(found) > PAGE,
    )


def overview(principal: Principal, order: str = ORDERS[0], page: int = 1) -> Overview:
    """
    The costs of today and of this month.

    Args:
        order: What users and keys are sorted by, highest first: one of `ORDERS`.
        page: Of users and keys, from 1.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's costs")
    day = today().isoformat()
    month = day[:7]
    models, first = _by_model({**ALL, "day": _days_of(month)}), (page - 1) * PAGE
    users, keys = (
        [*_owners(of, month, order, skip=first, limit=PAGE + 1)] for of in OWNERS
    )
    return Overview(
        month=month,
        today=_sum({**ALL, "day": day}, "day").get(day, Cost()),
        this_month=sum(models.values(), Cost()),
        models=models,
        users=dict(users[:PAGE]),
        keys=dict(keys[:PAGE]),
        has_more=max(len(users), len(keys)) > PAGE,
    )


def by_account(principal: Principal, month: str) -> Iterator[CostRow]:
    """
    The costs of all users in a month, by day, model and account. Reads only sums, as
    they are needed: a month has some hundreds, however many pictures were generated.

    Args:
        month: ``2026-01``.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's costs")
    order = [("day", 1), ("lane", 1), ("account", 1)]
    where = {**ALL, "day": _days_of(month)}
    return (
        CostRow(each.day, model_of(each.lane), each.account, _cost(each))
        for each in _read(where, order)
    )


def by_owner(
    principal: Principal, owner: str, month: str
) -> Iterator[tuple[str, Cost]]:
    """
    The costs in a month, by user or key, highest first; as `by_account`.

    Args:
        owner: ``user`` or ``key``.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's costs")
    return _owners(owner, month)


def grouped(
    principal: Principal,
    by: Sequence[str],
    since: date,
    until: date,
    *,
    user_id: str | None = None,
    customers: bool = False,
) -> Iterator[CostGroup]:
    """
    The costs of the days from *since* to *until*, in order of the groups; one after the
    other, as they are needed. Operators see everybody's, others their own.

    Args:
        by: Some of `GROUPS`.
        user_id: Only this user's.
        customers: Also those of the customers that the principal may see.

    Raises:
        UserNotFound: the principal may not read this user.
        Invalid: the principal has no customers.
    """
    days = {"$gte": since.isoformat(), "$lte": until.isoformat()}
    where: dict = {"of": "user", "day": days}
    if user_id is not None:
        principal.require_reader(user_id)
        where["user_id"] = user_id
    elif not principal.is_operator:
        if customers:
            principal.require_customers()
        own = {"user_id": principal.user_id}
        where |= principal.filter() if customers else own
    elif not {"user", "key"} & {*by}:
        where["of"] = "all"  # fewer, and they add up to the same
    fields = {
        "day": "$day",
        "month": {"$substrBytes": ["$day", 0, 7]},
        "model": _model_expression(),
        "user_id": "$user_id",
        "key_id": "$key_id",
    }
    names = [GROUPS[each] for each in by]
    added: dict = {name: {"$sum": f"${name}"} for name in AMOUNTS}
    added["corrected_at"] = {"$max": "$corrected_at"}
    rows = CostSum.collection().aggregate(
        [
            {"$match": {**where, **HAS_COST}},
            {"$group": {"_id": {name: fields[name] for name in names}, **added}},
            {"$sort": {f"_id.{name}": 1 for name in names}},
        ],
        hint="user" if "user_id" in where else "day",
    )
    months = _open_months(where) if "month" in by else None

    def group(row: Mapping) -> CostGroup:
        values, cost = [row["_id"][name] for name in names], _cost(row)
        if months is None:
            return CostGroup(values, cost)
        is_open = row["_id"]["month"] in months or cost.unknown != 0
        return CostGroup(values, cost, is_open, row["corrected_at"])

    return map(group, rows)


def _open_months(where: Mapping) -> set[str]:
    """This month, and those of the pictures that are held; few are at any time."""
    held = {"held_micros": {"$exists": True}, "budget_day": where["day"]}
    if "user_id" in where:
        held["user_id"] = where["user_id"]
    rows = Generation.collection().find(held, {"_id": 0, "budget_day": 1})
    held_in = {row["budget_day"][:7] for row in rows.hint("held")}
    return {today().isoformat()[:7], *held_in}


def _model_expression() -> dict:
    """An aggregation expression for `model_of` the lane."""
    branches = [
        {"case": {"$eq": ["$lane", model.lane]}, "then": model.id}
        for model in runtime().registry.models.values()
    ]
    return {"$switch": {"branches": branches, "default": "$lane"}}


def of_models() -> dict[str, Cost]:
    """Each model's cost since the beginning of the ledger, also of those unused."""
    offered = runtime().registry.models.values()
    return {model.id: Cost() for model in offered} | _by_model(ALL)


def _days_of(month: str) -> dict[str, str]:
    return {"$gte": f"{month}-01", "$lte": f"{month}-31"}


def _owners(
    owner: str, month: str, order: str = ORDERS[0], *, skip: int = 0, limit: int = 0
) -> Iterator[tuple[str, Cost]]:
    of = f"{owner}_month"
    where = {"of": of, "month": month}
    highest_first = [(order, -1), ("_id", -1)]
    for each in _read(where, highest_first, skip=skip, limit=limit):
        yield each[OF_MONTH[of]], _cost(each)


def _read(
    where: Mapping, order: list[tuple[str, int]], *, skip: int = 0, limit: int = 0
) -> Iterator[CostSum]:
    rows = CostSum.collection().find(
        {**where, **HAS_COST}, sort=order, skip=skip, limit=limit
    )
    return map(CostSum.read, rows)


def _cost(row: Mapping | CostSum) -> Cost:
    return Cost(**{name: row[name] for name in AMOUNTS})


def _by_model(where: Mapping) -> dict[str, Cost]:
    """Add up by model: two lanes may be of one model."""
    found: dict[str, Cost] = {}
    for lane, cost in _sum(where, "lane").items():
        found[model_of(lane)] = found.get(model_of(lane), Cost()) + cost
    return found


def _sum(
    where: Mapping, by: str, *, limit: int = 0, hint: str | None = None
) -> dict[str, Cost]:
    """Add up the sums that match, by one of their fields, highest cost first."""
    added = {name: {"$sum": f"${name}"} for name in AMOUNTS}
    options: dict[str, Any] = {"hint": hint} if hint else {}
    rows = CostSum.collection().aggregate(
        [
            {"$match": {**where, **HAS_COST}},
            {"$group": {"_id": f"${by}", **added}},
            {"$sort": {"micros": -1, "_id": 1}},
            *([{"$limit": limit}] if limit else []),
        ],
        **options,
    )
    return {row["_id"]: _cost(row) for row in rows}


def model_of(lane: str) -> str:
    """The lane's model id; the lane itself if it is no longer offered."""
    model = runtime().registry.by_lane(lane)
    return model.id if model else lane
