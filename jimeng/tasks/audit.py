"""What is done to what is another's stands in the audit trail."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from jimeng.documents.base import Stored
from jimeng.documents.principal import Principal, recorded

P = ParamSpec("P")
R = TypeVar("R")
Ids = TypeVar("Ids", bound=str | Iterable[str])


def audited(
    kind: type[Stored], action: str
) -> Callable[
    [Callable[Concatenate[Principal, Ids, P], R]],
    Callable[Concatenate[Principal, Ids, P], R],
]:
    """
    Let a function of a principal, and of an id or a list of them, leave an entry where
    one of them is another's. Without authentication nobody knows whose they are, and
    there is none.
    """

    def wrap(
        act: Callable[Concatenate[Principal, Ids, P], R],
    ) -> Callable[Concatenate[Principal, Ids, P], R]:
        @wraps(act)
        def noted(
            principal: Principal, ids: Ids, *args: P.args, **kwargs: P.kwargs
        ) -> R:
            found = others(kind, principal, ids)
            if not found:
                return act(principal, ids, *args, **kwargs)
            target = next(iter(found)) if len(found) == 1 else None
            details = {"of": ", ".join(sorted(set(found.values())))}
            number = {} if target else {"n": len(found)}
            with recorded(principal, action, target, **details, **number):
                return act(principal, ids, *args, **kwargs)

        return noted

    return wrap


def others(
    kind: type[Stored], principal: Principal, ids: str | Iterable[str]
) -> dict[str, str]:
    """Those of *ids* that are not the principal's own but theirs to touch -> whose."""
    if not principal.is_operator or principal.is_anonymous:
        return {}
    wanted = [ids] if isinstance(ids, str) else list(ids)
    where = {"_id": {"$in": wanted}, "user_id": {"$ne": principal.user_id}}
    rows = kind.collection().find(where, {"user_id": 1})
    return {row["_id"]: row["user_id"] for row in rows}
