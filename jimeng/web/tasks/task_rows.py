"""View models of the task list's rows, its query, and its messages."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jimeng.documents import Image, Task
from jimeng.http import auth
from jimeng.tasks import BulkResult, clear_queue, retries, summary
from jimeng.web.tasks.cards import Card, cards_of
from jimeng.web.tasks.titles import OfTask

MAX_COUNT_SHOWN = 9999
# Kinds of results besides errors; the message key is ``said.<kind>``.
CANCELLED, RETRIED, BEFORE = "cancelled", "retried", "before"
ERRORS = (
    *("task_finished", "task_not_found", "task_not_retryable"),
    *("may_be_charged_twice", "too_many_pending", "out_of_time"),
)
OTHER = "other"
RESULT_COUNT = re.compile(r"([a-z_]{1,40})\.([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """
    Attributes:
        state: One of `summary.STATES`; None for all.
        q: Search words in the prompt.
        batch: Only tasks of this batch; empty for all tasks.
        customer: The id of the customer whose tasks they are; empty for one's own.
        cursor: The cursor of the page; None for the first.
    """

    state: str | None = None
    q: str = ""
    cursor: str | None = None
    batch: str = ""
    customer: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """The query parameters of this list."""
        found = {"status": self.state or "", "q": self.q, "batch": self.batch}
        found["customer"] = self.customer
        return {name: value for name, value in found.items() if value}

    @property
    def cancellable(self) -> list[str]:
        """The states whose tasks can be cancelled in bulk here."""
        if self.batch or self.customer:
            return []
        if self.state is None:
            return [clear_queue.CANCELLABLE[0]]
        return [state for state in clear_queue.CANCELLABLE if state == self.state]

    def takes(self, state: str) -> bool:
        return self.state in {None, state}


@dataclass(frozen=True)
class Row(OfTask):
    """
    Attributes:
        card: The task.
        retried_as: The id of the task that retries it.
    """

    card: Card
    retried_as: str | None = None

    @property
    def task(self) -> Task:
        return self.card.task

    @property
    def state(self) -> str:
        """One of `summary.STATES`."""
        begins = self.task.not_before
        if self.task.status == "pending" and begins and begins > datetime.now(UTC):
            return summary.SCHEDULED
        return str(self.task.status)

    @property
    def picture(self) -> Image | None:
        return next(iter(self.card.view.images), None)

    @property
    def action(self) -> str | None:
        """The action that the row offers: ``cancel``, the failure hint, or none."""
        if self.card.is_open:
            return "cancel"
        if self.retried_as or self.task.status == "completed":
            return None
        return self.card.failure_hint


@dataclass(frozen=True)
class ResultCount:
    """The result of an action for *n* tasks."""

    kind: str
    n: int

    def __str__(self) -> str:
        return f"{self.kind}.{min(self.n, MAX_COUNT_SHOWN)}"


def rows_of(found: Iterable[Task]) -> list[Row]:
    return rows_from(cards_of(found))


def rows_from(cards: list[Card]) -> list[Row]:
    ended = [card.task.id for card in cards if not card.is_open]
    again = retries.find_retries(auth.principal_of_page(), ended)
    return [Row(card, again.get(card.task.id)) for card in cards]


def count_results(done: str, results: Iterable[BulkResult]) -> list[ResultCount]:
    """Count the results: successes, and failures by reason."""
    kinds: Counter[str] = Counter()
    for each in results:
        code = each.error.code if each.error else done
        kinds[code if code in {done, *ERRORS} else OTHER] += 1
    return [ResultCount(kind, n) for kind, n in kinds.items()]


def parse_result_counts(texts: Iterable[str]) -> list[ResultCount]:
    """Parse result counts from a query; malformed ones are ignored."""
    matches = [RESULT_COUNT.fullmatch(text) for text in texts]
    known = {CANCELLED, RETRIED, BEFORE, OTHER, *ERRORS}
    return [ResultCount(m[1], int(m[2])) for m in matches if m and m[1] in known]
