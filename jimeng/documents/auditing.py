"""Record in the audit log what operators do to documents of other users."""

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
    Decorate a function of a principal and of one or several ids: it writes an audit
    entry if a document belongs to another user. With sign-in off there is no owner to
    compare, and no entry.
    """

    def wrap(
        act: Callable[Concatenate[Principal, Ids, P], R],
    ) -> Callable[Concatenate[Principal, Ids, P], R]:
        @wraps(act)
        def recording(
            principal: Principal, ids: Ids, *args: P.args, **kwargs: P.kwargs
        ) -> R:
            owners = owned_by_others(kind, principal, ids)
            if not owners:
                return act(principal, ids, *args, **kwargs)
            target = next(iter(owners)) if len(owners) == 1 else None
            details = {"of": ", ".join(sorted(set(owners.values())))}
            number = {} if target else {"n": len(owners)}
            with recorded(principal, action, target, **details, **number):
                return act(principal, ids, *args, **kwargs)

        return recording

    return wrap


def owned_by_others(
    kind: type[Stored], principal: Principal, ids: str | Iterable[str]
) -> dict[str, str]:
    """Those of *ids* that an operator may change but does not own -> their owners."""
    if not principal.is_operator or principal.is_anonymous:
        return {}
    wanted = [ids] if isinstance(ids, str) else list(ids)
    where = {"_id": {"$in": wanted}, "user_id": {"$ne": principal.user_id}}
    rows = kind.collection().find(where, {"user_id": 1})
    return {row["_id"]: row["user_id"] for row in rows}
