"""Who asks, what they may see, and the trail that they leave at what is another's."""

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
from jimeng.errors import JimengError
from jimeng.errors.access import (
    AdminsOnly,
    ModelNotAllowed,
    ScopeTooSmall,
    UserIdNotYours,
    UserNotFound,
)

log = logging.getLogger(__name__)

# Of an API key. What changes something takes one of `CHANGING`.
SCOPES = ("read", "write", "act_for", "account", "admin")
CHANGING = frozenset({"write", "act_for", "admin"})
KEY_INTERFACES = ("api", "openai", "mcp")  # that programs come in by, with a key
UNKNOWN = -1
Kind = TypeVar("Kind", bound=Stored)

_recording: ContextVar[bool] = ContextVar("recording", default=False)


@dataclass(frozen=True)
class KeyUse:
    """
    The API key that is used, and what it is limited to.

    Attributes:
        models: Ids; empty for all.
        per_minute: Tasks; None for no limit but the user's.
        per_day: Pictures; the same.
        user_prefix: Begins the ids of the users that it may act for; empty for none.
    """

    id: str
    models: frozenset[str] = frozenset()
    per_minute: int | None = None
    per_day: int | None = None
    user_prefix: str = ""


@dataclass(frozen=True)
class Principal:
    """
    The one on whose behalf something is read or changed.

    Attributes:
        user_id: Whose new tasks are, unless the request says otherwise.
        is_operator: Sees and touches everybody's: an operator, or anybody where
            authentication is off.
        scopes: What the API key that was used is good for; a signed-in browser
            may do whatever its user may.
        key: That key, if one was used.
        key_ends_at: When that key ends, if it does.
        daily_quota: Pictures a day that the user's record allows, None where it does
            not say; `UNKNOWN` if nobody has looked.
        address: Where the request comes from; of commands ``user@host``.
        is_anonymous: Authentication is off, and nobody knows who it is.
    """

    user_id: str
    is_operator: bool = False
    scopes: frozenset[str] = frozenset(SCOPES)
    key: KeyUse | None = None
    key_ends_at: datetime | None = None
    daily_quota: int | None = UNKNOWN
    address: str = ""
    is_anonymous: bool = False

    @property
    def person(self) -> str:
        """One of those who share this server; without sign-in an address."""
        return self.address if self.is_anonymous else self.user_id

    def filter(self) -> dict:
        """The part of a query that keeps to what this principal may see."""
        if self.is_operator:
            return {}
        if prefix := self.user_prefix:
            under = re.compile(f"^{re.escape(prefix)}")
            return {"user_id": {"$in": [self.user_id, under]}}
        return {"user_id": self.user_id}

    @property
    def user_prefix(self) -> str:
        """As the key has it; ids of user records never begin so."""
        return self.key.user_prefix if self.key else ""

    def find(
        self,
        kind: type[Kind],
        row_id: str,
        missing: type[JimengError],
        within: Mapping[str, object] = MappingProxyType({}),
    ) -> Kind:
        """
        Look one up: what is another's is as absent as what never was.

        Args:
            missing: Raised where there is none.
            within: Only where this query holds, too.
        """
        found = kind.find_one({"_id": row_id, **self.filter(), **within})
        if found is None:
            raise missing(f"{kind.__name__} {row_id[:80]!r}")
        return found

    def change(
        self,
        kind: type[Kind],
        row_id: str,
        update: dict | list[dict],
        missing: type[JimengError],
        within: Mapping[str, object] = MappingProxyType({}),
    ) -> Kind:
        """`find`, and change as MongoDB's *update* says, in one step."""
        found = kind.find_and_modify({"_id": row_id, **self.filter(), **within}, update)
        if found is None:
            raise missing(f"{kind.__name__} {row_id[:80]!r}")
        return found

    def may_use(self, model: str) -> bool:
        """Whether the key, if one was used, is good for the model with that id."""
        return self.key is None or not self.key.models or model in self.key.models

    def signer_for(self, user_id: str) -> str | None:
        """
        Whose secret signs what tells of that user's work, if it is not the user's own:
        a shop has one for all of its customers.
        """
        is_another = bool(self.user_prefix) and user_id != self.user_id
        return self.user_id if is_another else None

    @property
    def may_change(self) -> bool:
        """Whether the key, if one was used, is good for more than looking."""
        return bool(self.scopes & CHANGING)

    def may_act_for(self, user_id: str) -> bool:
        if self.is_operator or user_id == self.user_id:
            return True
        return bool(self.user_prefix) and user_id.startswith(self.user_prefix)

    def require_reader(self, user_id: str) -> None:
        """
        Raises:
            UserNotFound: what is that user's is not there for this principal to see.
        """
        if not self.may_act_for(user_id):
            raise UserNotFound(f"user {user_id[:64]!r}")

    def require_owner(self, user_id: str, what: str) -> None:
        """
        Args:
            what: Is to be made, for the log.

        Raises:
            UserIdNotYours: it would be that user's, and only an operator, or a key
                for users with such an id, makes anything for others.
        """
        if not self.may_act_for(user_id):
            said = f"{what} for {user_id[:64]!r}"
            raise UserIdNotYours(said, prefix=self.user_prefix or "shop:")

    def require_operator(self, what: str) -> None:
        """
        Args:
            what: Was asked for, for the log.

        Raises:
            AdminsOnly: it is the operator's alone to see or to do.
        """
        if not self.is_operator:
            raise AdminsOnly(what)

    def require_model(self, model: str) -> None:
        """
        Args:
            model: Its id.

        Raises:
            ModelNotAllowed: the key is limited to others.
        """
        if self.key is not None and not self.may_use(model):
            allowed = ", ".join(sorted(self.key.models))
            raise ModelNotAllowed(f"{model} by key {self.key.id}", allowed=allowed)

    def require_account(self, what: str) -> None:
        """
        Raises:
            ScopeTooSmall: the key is not good for what the password protects.
        """
        if not self.scopes & {"account", "admin"}:
            raise ScopeTooSmall(what, scope="account")


@contextmanager
def recorded(
    principal: Principal, action: str, target: str | None = None, **details: object
) -> Iterator[dict]:
    """
    Write into the audit trail what is about to be done, and afterwards what came of
    it. What is done as part of that is not written once more.

    Yields:
        A dict to put the outcome into: counts, as JSON. An error's code is added by
        itself, ``internal`` for what nobody expected. An entry without an outcome is
        one whose process, or MongoDB, died before it could say.
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
    with best_effort("outcome of an action"):  # which is done
        AuditEntry.close(entry.id, outcome or {"ok": True})


def noted(
    principal: Principal, user_id: str, action: str, **details: object
) -> AbstractContextManager[dict]:
    """
    An entry in the audit trail, where an operator does this to another. Without
    authentication nobody knows who it is.
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
    """What is done inside is part of what stands in the audit trail already."""
    token = _recording.set(True)
    try:
        yield
    finally:
        _recording.reset(token)
