"""The principal of a request: access rights, and the audit trail of operators."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from jimeng.documents import AuditEntry, best_effort
from jimeng.documents.base import Stored
from jimeng.documents.spending import Budgets
from jimeng.errors import Invalid, JimengError
from jimeng.errors.access import (
    AdminsOnly,
    ModelNotAllowed,
    ScopeTooSmall,
    UserIdNotYours,
    UserNotFound,
)

log = logging.getLogger(__name__)

# Scopes of API keys. Changes require one of `CHANGING`.
SCOPES = ("read", "write", "act_for", "account", "admin")
CHANGING = frozenset({"write", "act_for", "admin"})
KEY_INTERFACES = ("api", "openai", "ark", "mcp")  # interfaces that accept API keys
UNKNOWN = -1
Kind = TypeVar("Kind", bound=Stored)

_recording: ContextVar[bool] = ContextVar("recording", default=False)


@dataclass(frozen=True)
class Customers:
    """
    The customers of a shop: users whose ids have one of its prefixes.

    Attributes:
        prefixes: Of their ids; none for who has no customers.
        foreign: Prefixes of users among them that another shop acts for.
    """

    prefixes: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    def __contains__(self, user_id: str) -> bool:
        return user_id.startswith(self.prefixes) and not self.is_foreign(user_id)

    def is_foreign(self, user_id: str) -> bool:
        """Whether the user has one of the prefixes, but another shop acts for them."""
        return user_id.startswith(self.foreign)

    def filter(self, *others: str) -> dict:
        """Build a query condition for their ids and those of *others*."""
        condition: dict = {"$in": [*others, *map(begins_with, self.prefixes)]}
        if self.foreign:
            condition["$nin"] = [*map(begins_with, self.foreign)]
        return condition


@dataclass(frozen=True)
class KeyUse:
    """
    The API key of a request, and its limits.

    Attributes:
        owner_id: The user who has it.
        models: Ids of the allowed models; empty for all.
        per_minute: Rate limit of tasks; None for only that of the user.
        per_day: Daily quota of pictures; None for only that of the user.
        budgets: What may be spent with it; None likewise.
        user_prefix: Prefix of the ids of users that it may act for; empty for none.
        customers: Those users; with a key that acts for nobody, those that its owner's
            other keys act for: it sees them, and creates nothing for them.
        limits_customers: False if no single customer of its owner has limits.
    """

    id: str
    owner_id: str
    models: frozenset[str] = frozenset()
    per_minute: int | None = None
    per_day: int | None = None
    user_prefix: str = ""
    budgets: Budgets = Budgets()
    customers: Customers = Customers()
    limits_customers: bool = True

    def acts_for(self, user_id: str) -> bool:
        """Whether the user is one of those that the key acts for."""
        return bool(self.user_prefix) and user_id in self.customers


@dataclass(frozen=True)
class Principal:
    """
    The user, and the API key if any, on whose behalf data is read or changed.

    Attributes:
        user_id: The owner of new tasks, unless the request names another.
        is_operator: May read and change every user's data: an operator, or any client
            if authentication is off.
        scopes: The scopes of the API key; a browser session has all that its user may
            have.
        key: The API key, if one was used.
        key_ends_at: When that key expires; None for never.
        daily_quota: The user's own daily quota of pictures; None if the user has none
            of their own; `UNKNOWN` if it was not looked up.
        budgets: The user's own budgets; None if they were not looked up.
        own_customers: Those of this user, who uses no key; None likewise.
        address: The client's address; of commands ``user@host``.
        is_anonymous: Authentication is off, so the user is unknown.
    """

    user_id: str
    is_operator: bool = False
    scopes: frozenset[str] = frozenset(SCOPES)
    key: KeyUse | None = None
    key_ends_at: datetime | None = None
    daily_quota: int | None = UNKNOWN
    budgets: Budgets | None = None
    own_customers: Customers | None = None
    address: str = ""
    is_anonymous: bool = False

    @property
    def person(self) -> str:
        """The key of per-person limits: the user, or the address without sign-in."""
        return self.address if self.is_anonymous else self.user_id

    def filter(self) -> dict:
        """Build a query condition for documents that this principal may see."""
        if self.is_operator:
            return {}
        if not self.customers.prefixes:
            return {"user_id": self.user_id}
        return {"user_id": self.customers.filter(self.user_id)}

    @property
    def customers(self) -> Customers:
        """Those whose data this principal may read, change and delete."""
        return self.key.customers if self.key else self.own_customers or Customers()

    @property
    def user_prefix(self) -> str:
        """The key's `user_prefix`; ids of user records never begin with one."""
        return self.key.user_prefix if self.key else ""

    def find(
        self,
        kind: type[Kind],
        row_id: str,
        missing: type[JimengError],
        condition: Mapping[str, object] = MappingProxyType({}),
    ) -> Kind:
        """
        Find a document that the principal may see. Another user's document is reported
        like one that does not exist.

        Args:
            missing: The error to raise if there is none.
            condition: A further query condition.
        """
        found = kind.find_one({"_id": row_id, **self.filter(), **condition})
        if found is None:
            raise missing(f"{kind.__name__} {row_id[:80]!r}")
        return found

    def change(
        self,
        kind: type[Kind],
        row_id: str,
        update: dict | list[dict],
        missing: type[JimengError],
        condition: Mapping[str, object] = MappingProxyType({}),
    ) -> Kind:
        """`find`, and apply the MongoDB *update*, in one atomic step."""
        found = kind.find_and_modify(
            {"_id": row_id, **self.filter(), **condition}, update
        )
        if found is None:
            raise missing(f"{kind.__name__} {row_id[:80]!r}")
        return found

    def may_use(self, model: str) -> bool:
        """Whether the key, if one was used, allows the model with that id."""
        return self.key is None or not self.key.models or model in self.key.models

    def signer_for(self, user_id: str) -> str | None:
        """
        The user whose endpoints receive that user's events, and whose secret signs
        them, if it is another: a shop that acts for its customers.
        """
        is_another = bool(self.user_prefix) and user_id != self.user_id
        return self.user_id if is_another else None

    @property
    def may_change(self) -> bool:
        """Whether the key, if one was used, has a scope for more than reading."""
        return bool(self.scopes & CHANGING)

    def may_act_for(self, user_id: str) -> bool:
        """Whether it may create objects for that user."""
        if self.is_operator or user_id == self.user_id:
            return True
        return self.key is not None and self.key.acts_for(user_id)

    def may_see(self, user_id: str) -> bool:
        """Whether it may read, change and delete that user's data."""
        return self.may_act_for(user_id) or user_id in self.customers

    def require_reader(
        self, user_id: str, missing: type[JimengError] = UserNotFound
    ) -> None:
        """
        Args:
            missing: The error to raise if the principal may not see that user's data:
                the same as if there were none.

        Raises:
            UserIdNotYours: the user has the key's prefix, but another shop acts for
                them.
        """
        if self.may_see(user_id):
            return
        if self.user_prefix and self.customers.is_foreign(user_id):
            raise UserIdNotYours(f"of {user_id[:64]!r}", prefix=self.user_prefix)
        raise missing(f"of {user_id[:64]!r}")

    def require_customers(self) -> None:
        """
        Raises:
            Invalid: the principal has none, whom a request asks for.
        """
        if not self.customers.prefixes:
            raise Invalid.field("customers", "invalid.no_customers")

    def with_customers(self) -> dict:
        """
        Build a query condition for the documents of the user and of all the user's
        customers; `filter` narrows it to those that this principal may see.

        Raises:
            Invalid: as `require_customers`.
        """
        self.require_customers()
        return {"owner_id": self.user_id}

    def require_owner(self, user_id: str, what: str) -> None:
        """
        Args:
            what: The object to create, for the log.

        Raises:
            UserIdNotYours: the principal may not create objects for that user: only an
                operator, or a key with that prefix of user ids, acts for others.
        """
        if not self.may_act_for(user_id):
            said = f"{what} for {user_id[:64]!r}"
            raise UserIdNotYours(said, prefix=self.user_prefix or "shop:")

    def require_operator(self, what: str) -> None:
        """
        Args:
            what: The requested action, for the log.

        Raises:
            AdminsOnly: the principal is not an operator.
        """
        if not self.is_operator:
            raise AdminsOnly(what)

    def require_model(self, model: str) -> None:
        """
        Args:
            model: Its id.

        Raises:
            ModelNotAllowed: the key is limited to other models.
        """
        if self.key is not None and not self.may_use(model):
            allowed = ", ".join(sorted(self.key.models))
            raise ModelNotAllowed(f"{model} by key {self.key.id}", allowed=allowed)

    def require_account(self, what: str) -> None:
        """
        Raises:
            ScopeTooSmall: the key lacks the scope for what the password protects.
        """
        if not self.scopes & {"account", "admin"}:
            raise ScopeTooSmall(what, scope="account")


def begins_with(prefix: str) -> re.Pattern[str]:
    """
    Build a query condition for ids with that prefix.

    Python's flag for Unicode would make MongoDB read the whole index.
    """
    return re.compile(f"^{re.escape(prefix)}", re.ASCII)


@contextmanager
def recorded(
    principal: Principal, action: str, target: str | None = None, **details: object
) -> Iterator[dict]:
    """
    Record an action in the audit trail before it runs, and its outcome afterwards.

    Nested actions are part of it and get no entry of their own.

    Yields:
        A dict for the outcome: counts, as JSON. The code of an error is added
        automatically, ``internal`` for unexpected ones. An entry without an outcome
        means that the process, or MongoDB, died before writing it.
    """
    outcome: dict = {}
    if _recording.get():
        yield outcome
        return
    entry = AuditEntry(
        by=principal.user_id,
        address=principal.address or None,
        action=action,
        target=target,
        details=details,
    )
    entry.add()
    log.info("audited by=%s action=%s target=%s", entry.by, action, target)
    try:
        with part_of_recorded():
            yield outcome
    except BaseException as error:
        code = error.code if isinstance(error, JimengError) else "internal"
        with best_effort("outcome of an action"):
            AuditEntry.close(entry.id, {**outcome, "error": code})
        raise
    with best_effort("outcome of an action"):  # it has succeeded
        AuditEntry.close(entry.id, outcome or {"ok": True})


def recorded_on_behalf(
    principal: Principal, user_id: str, action: str, **details: object
) -> AbstractContextManager[dict]:
    """
    Record an action in the audit trail if an operator acts on another user's data. With
    authentication off the actor is unknown, and nothing is recorded.
    """
    if (
        principal.is_anonymous
        or not principal.is_operator
        or user_id == principal.user_id
    ):
        return nullcontext({})
    return recorded(principal, action, user_id, **details)


@contextmanager
def part_of_recorded() -> Iterator[None]:
    """Record no nested actions: the enclosing action is in the audit trail already."""
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)
