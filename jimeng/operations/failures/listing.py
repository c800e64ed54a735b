"""The list of failures, filtered by code, day and user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from jimeng.billing.costs import day_begin
from jimeng.documents import Generation, Status, Task, User
from jimeng.documents.cursors import Page, after, cut_page
from jimeng.documents.generation import FAILED
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.documents.task import NOT_CHARGED, THERE
from jimeng.providers.registry import CODES, retryable
from jimeng.tasks.failure_hints import needs_other_input

PAGE = 50  # pictures
MAX_COUNTED = 1_000
NEWEST_FIRST = [("ended_at", -1), ("_id", -1)]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """
    A filter of failures.

    Attributes:
        code: Only failures with this code.
        day: Only failures of this day, in ``BILLING_TIMEZONE``.
        user_id: Only failures of this user.
    """

    code: str | None = None
    day: date | None = None
    user_id: str | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.code or self.day or self.user_id)

    @property
    def index(self) -> str:
        """The most selective index: a user has fewer failures than a code."""
        if self.user_id:
            return "failed_user"
        return "failed_code" if self.code else "failed"

    @property
    def index_to_retry(self) -> str:
        """The index for `to_retry`, which without a code selects by retryable codes."""
        return "failed_user" if self.user_id else "failed_code"

    def where(self) -> dict:
        where: dict = dict(FAILED)
        if self.code:
            where["error.code"] = self.code
        if self.user_id:
            where["user_id"] = self.user_id
        if self.day:
            until = day_begin(self.day + timedelta(days=1))
            where["ended_at"] = {"$gte": day_begin(self.day), "$lt": until}
        return where

    def as_json(self) -> dict[str, Any]:
        """The set fields, for the audit trail and URLs."""
        day = self.day.isoformat() if self.day else None
        fields = {"code": self.code, "day": day, "user": self.user_id}
        return {name: text for name, text in fields.items() if text}

    @classmethod
    def from_json(cls, fields: dict[str, str]) -> "Filter":
        """Read the result of `as_json`."""
        day = fields.get("day")
        return cls(
            code=fields.get("code"),
            day=date.fromisoformat(day) if day else None,
            user_id=fields.get("user"),
        )


@dataclass(frozen=True)
class Failure:
    """
    Pictures of one task, or its video, that failed for one reason.

    Attributes:
        id: The id of the first picture.
        pictures: Their numbers, from 1; empty for a video.
        user_name: The user's name, if known.
        attempts: The largest number of submissions of a picture.
        state: ``open`` if the task can be retried, ``consent`` if that may be
            charged twice, ``partly`` if its other pictures are in progress,
            ``hopeless`` if only other input helps, ``retried`` if its owner has
            retried it, ``cancelled`` if its owner cancelled the rest, ``gone`` if
            it was deleted.
    """

    id: str
    task_id: str
    pictures: list[int]
    code: str
    provider_code: str | None
    request_id: str | None
    charged: str
    attempts: int
    ended_at: datetime
    user_id: str
    user_name: str | None
    lane: str
    state: str

    @property
    def may_retry(self) -> bool:
        return self.state in {"open", "consent"}


@dataclass(frozen=True)
class Failures(Page[Failure]):
    """
    A page of failures, newest first.

    Attributes:
        count: The number of matching pictures, up to `MAX_COUNTED`.
        can_retry: The number of them that `retry_all` would consider.
    """

    count: int = 0
    can_retry: int = 0


def page(principal: Principal, wanted: Filter, cursor: str | None = None) -> Failures:
    """
    List unresolved failures, newest first.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    principal.require_operator("failures")
    found = list(find(wanted, cursor, PAGE + 1))
    shown = cut_page(found, PAGE, "ended_at")
    return Failures(
        describe(shown.rows),
        shown.next_cursor,
        count(wanted.where(), wanted.index),
        count(to_retry(wanted), wanted.index_to_retry),
    )


def find(wanted: Filter, cursor: str | None, limit: int, where: dict | None = None):
    """Find generations, newest first, from *cursor* on."""
    parts = [where or wanted.where()]
    if cursor:
        parts.append(after(cursor, "ended_at"))
    rows = Generation.collection().find({"$and": parts}).sort(NEWEST_FIRST)
    return rows.hint(wanted.index).limit(limit)


def count(where: dict, index: str, most: int = MAX_COUNTED) -> int:
    """Count matches, up to *most*."""
    return Generation.collection().count_documents(where, hint=index, limit=most)


def codes_since(
    principal: Principal, since: datetime
) -> tuple[list[tuple[str, int]], bool]:
    """
    Code -> failed pictures since then, most frequent first; and whether there are more:
    only the newest `MAX_COUNTED` are counted.
    """
    principal.require_operator("failures")
    rows = Generation.collection().aggregate(codes_of(since), hint="failed")
    found = [(row["_id"], row["n"]) for row in rows]
    return found, sum(n for _, n in found) == MAX_COUNTED


def codes_of(since: datetime) -> list[dict]:
    return [
        {"$match": {**FAILED, "ended_at": {"$gte": since}}},
        {"$sort": dict(NEWEST_FIRST)},
        {"$limit": MAX_COUNTED},
        {"$group": {"_id": "$error.code", "n": {"$sum": 1}}},
        {"$sort": {"n": -1, "_id": 1}},
    ]


def describe(rows: Sequence[dict]) -> list[Failure]:
    ids = list({row["task_id"] for row in rows})
    found = {each.id: each for each in Task.find_all(there(ids))}
    again = set(Task.collection().distinct("retried_from", retries_of(ids)))
    names = User.names({row["user_id"] for row in rows})
    groups = groupby(rows, lambda row: (row["task_id"], row["error"]["code"]))
    return [_failure(list(group), found, again, names) for _, group in groups]


def there(task_ids: Sequence[str]) -> dict:
    return {"_id": {"$in": list(task_ids)}, **THERE}


def retries_of(task_ids: Sequence[str]) -> dict:
    return {"retried_from": {"$in": list(task_ids)}}


def _failure(
    rows: list[dict], found: dict[str, Task], again: set, names: dict
) -> Failure:
    first, error = rows[0], rows[0]["error"]
    task = found.get(first["task_id"])
    return Failure(
        id=first["_id"],
        task_id=first["task_id"],
        pictures=sorted(row["index"] + 1 for row in rows if row.get("kind") != VIDEO),
        code=error["code"],
        provider_code=error.get("provider_code"),
        request_id=error.get("provider_request_id"),
        charged=first["charged"],
        attempts=max(row.get("attempts", 0) for row in rows),
        ended_at=first["ended_at"],
        user_id=first["user_id"],
        user_name=names.get(first["user_id"]),
        lane=first["lane"],
        state=state_of(task, is_retried=first["task_id"] in again),
    )


def state_of(task: Task | None, *, is_retried: bool) -> str:
    """The state of a task's failures, as in `Failure.state`."""
    if task is None:
        return "gone"
    if is_retried:
        return "retried"
    if task.is_open:
        return "partly"
    if task.status == Status.CANCELLED.value:
        return "cancelled"
    if all(needs_other_input(error["code"]) for error in task.failures.values()):
        return "hopeless"
    return "consent" if task.may_be_charged_twice else "open"


def to_retry(wanted: Filter) -> dict:
    """
    The query of failures that can be retried in bulk.

    It leaves out pictures that were or may have been charged, or need other input, and,
    without a code, those that would fail again: an operator who filters by a code has
    removed its cause.
    """
    codes = [wanted.code] if wanted.code else sorted(filter(retryable, CODES))
    useful = [code for code in codes if not needs_other_input(code)]
    return {**wanted.where(), "charged": NOT_CHARGED, "error.code": {"$in": useful}}
