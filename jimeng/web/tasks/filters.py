"""The filter of the contact sheet: tasks by state and words, and its bulk actions."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import tasks
from jimeng.documents import Status, Task
from jimeng.documents.cursors import Page
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.i18n import t
from jimeng.tasks import BulkResult, clear_queue, retries, summary
from jimeng.tasks.queries import MAX_SEARCH_CHARS, prompt_filter
from jimeng.tasks.summary import SCHEDULED, Count
from jimeng.web import bp, is_htmx, reload_page
from jimeng.web.create.form_tokens import new_token, token_of
from jimeng.web.site.forms import accepts_double_charge

PAGE = 24  # tasks
PENDING = Status.PENDING.value
# What ``show`` may be -> the states of these tasks.
SHOWN: dict[str, tuple[str, ...]] = {
    "all": summary.STATES,
    "waiting": (PENDING, Status.PROCESSING.value),
    "scheduled": (SCHEDULED,),
    "failed": (Status.FAILED.value,),
    "cancelled": (Status.CANCELLED.value,),
    "completed": (Status.COMPLETED.value,),
}
# What can be cancelled in bulk where it is shown.
CANCELLABLE = {"all": PENDING, "waiting": PENDING, "scheduled": SCHEDULED}
MAX_COUNT_SHOWN = 9999
# Kinds of results besides errors; the message key is ``said.<kind>``.
CANCELLED, RETRIED, BEFORE = "cancelled", "retried", "before"
ERRORS = (
    *("task_finished", "task_not_found", "task_not_retryable"),
    *("may_be_charged_twice", "too_many_pending", "out_of_time"),
)
OTHER = "other"
RESULT_COUNT = re.compile(r"([a-z_]{1,40})\.([0-9]{1,4})", re.ASCII)
NOTHING = retries.RetryableFailures([], 0, 0, 0)


@dataclass(frozen=True)
class Filter:
    """
    Attributes:
        show: One of `SHOWN`.
        q: Search words in the prompt.
        batch: Only tasks of this batch; empty for all tasks.
        customer: The id of the customer whose tasks they are; empty for one's own.
    """

    show: str
    q: str = ""
    batch: str = ""
    customer: str = ""

    @property
    def query(self) -> dict[str, Any]:
        """The query parameters of the page."""
        narrowed = {"q": self.q, "batch": self.batch, "customer": self.customer}
        return {"show": self.show, **{k: v for k, v in narrowed.items() if v}}

    @property
    def user_id(self) -> str:
        return self.customer or auth.principal_of_page().user_id

    @property
    def in_batch(self) -> dict:
        return {"batch": self.batch} if self.batch else {}

    @property
    def cancels(self) -> str | None:
        """The state whose tasks can be cancelled in bulk here."""
        return None if self.customer else CANCELLABLE.get(self.show)

    @property
    def may_retry(self) -> bool:
        """Whether failed tasks can be retried in bulk here."""
        return not self.customer and self.show in {"all", "failed"}

    def page(self, cursor: str | None = None, *, limit: int = PAGE) -> Page[Task]:
        """The tasks that match, newest first."""
        return self._page(SHOWN[self.show], cursor, limit)

    def cancellable(self) -> list[str]:
        """The ids of the newest tasks that match and can be cancelled in bulk."""
        found = self._page((self.cancels,), None, retries.MAX_AT_ONCE)
        return [task.id for task in found.rows]

    def _page(self, states: tuple, cursor: str | None, limit: int) -> Page[Task]:
        one_of = {"$or": [summary.state_filter(state) for state in states]}
        of_state = {} if states == summary.STATES else one_of
        return tasks.page(
            auth.principal_of_page(),
            self.user_id,
            limit=limit,
            cursor=cursor,
            q=self.q,
            condition={**of_state, **self.in_batch},
        )

    def counts(self) -> dict[str, Count]:
        """State -> tasks that match the rest."""
        principal = auth.principal_of_page()
        if self.q and not self.batch:
            return summary.count_matches_by_state(principal, self.user_id, self.q)
        narrowed = {**self.in_batch, **prompt_filter(self.q)}
        return summary.count_by_state(principal, self.user_id, condition=narrowed)

    def retryable(self) -> retries.RetryableFailures:
        """The failed tasks that match and can be retried together."""
        if not self.may_retry:
            return NOTHING
        principal = auth.principal_of_page()
        return retries.retryable_failures(
            principal, self.user_id, q=self.q, condition=self.in_batch
        )


def chosen_filter() -> Filter | None:
    """The filter that the request names; None for the whole sheet."""
    show = request.values.get("show")
    if show is None:
        return None
    words = {
        name: " ".join(request.values.get(name, "").split())[:MAX_SEARCH_CHARS]
        for name in ("q", "batch", "customer")
    }
    return Filter(show if show in SHOWN else "all", **words)


def filter_context(chosen: Filter) -> dict:
    """The template variables of the filter's bar."""
    counts = chosen.counts()
    return {
        "tabs": {
            show: Count.sum(counts[state] for state in states)
            for show, states in SHOWN.items()
        },
        "counts": counts,
        "again": chosen.retryable(),
        "cancelling": clear_queue.running_cancellations(auth.principal_of_page()),
        "messages": parse_result_counts(request.args.getlist("said")),
        "bulk_token": new_token(),
    }


@bp.get("/tasks", endpoint="tasks")
def task_list() -> ResponseReturnValue:
    """The address that the filter had as a page of its own."""
    shown_in = {state: show for show, states in SHOWN.items() for state in states}
    show = shown_in.get(request.args.get("status", ""), "all")
    query: dict = {
        name: request.args.getlist(name) for name in ("q", "batch", "customer", "said")
    }
    return redirect(url_for(".index", show=show, **query), 303)


@bp.get("/tasks/changes")
@polled
def task_changes() -> ResponseReturnValue:
    """Have a list that an earlier release has rendered reload."""
    return reload_page()


@bp.post("/tasks/cancel")
def cancel_tasks() -> ResponseReturnValue:
    """
    Cancel the task ``id``, or with ``all`` every task of that state that the filter
    matches.
    """
    principal, chosen = auth.principal_of_page(), chosen_filter() or Filter("all")
    state = request.form.get("all")
    if state in clear_queue.CANCELLABLE and not (chosen.q or chosen.batch):
        action = clear_queue.cancel_all(principal, principal.user_id, state)
        # A bulk action in progress has its own notice.
        done = [] if action.is_open else [ResultCount(CANCELLED, action.done)]
        return show_filtered(chosen, done)
    task_ids = request.form.getlist("id")[:1]
    if state is not None and state == chosen.cancels:
        task_ids = chosen.cancellable()
    results = tasks.cancel_many(principal, task_ids)
    return show_filtered(chosen, count_results(CANCELLED, results))


@bp.get("/tasks/cancelling")
@polled
def cancelling() -> ResponseReturnValue:
    """The progress of a bulk cancellation; at its end htmx reloads the page."""
    principal, chosen = auth.principal_of_page(), chosen_filter() or Filter("all")
    action = clear_queue.find_cancellation(principal, request.args.get("action", ""))
    if action is None or not action.is_open:
        said = [str(ResultCount(CANCELLED, action.done))] if action else []
        return "", 200, {"HX-Redirect": url_for(".index", **chosen.query, said=said)}
    return render_template(
        "_bulk_action.html",
        action=action,
        message=t("bulk.cancelling", done=action.done, n=action.total),
        url=url_for(".cancelling", action=action.id, **chosen.query),
        page=url_for(".index", **chosen.query),
    )


@bp.post("/tasks/retry")
def retry_tasks() -> ResponseReturnValue:
    """
    Retry each task ``id`` that was not retried yet; a single one, with consent, also
    if it may be charged twice.
    """
    principal = auth.principal_of_page()
    task_ids = list(dict.fromkeys(request.form.getlist("id")))[: retries.MAX_AT_ONCE]
    before = retries.find_retries(principal, task_ids)
    agreed = accepts_double_charge() and len(task_ids) == 1
    results = tasks.retry_many(
        principal,
        [task_id for task_id in task_ids if task_id not in before],
        accept_double_charge=agreed,
        idem_key=token_of(request.form),
    )
    messages = count_results(RETRIED, results)
    if before:
        messages.append(ResultCount(BEFORE, len(before)))
    return show_filtered(chosen_filter() or Filter("all"), messages)


@dataclass(frozen=True)
class ResultCount:
    """The result of an action for *n* tasks."""

    kind: str
    n: int

    def __str__(self) -> str:
        return f"{self.kind}.{min(self.n, MAX_COUNT_SHOWN)}"


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


def show_filtered(chosen: Filter, messages: list[ResultCount]) -> ResponseReturnValue:
    """The filtered sheet, with messages about an action."""
    said = [str(message) for message in messages]
    url = url_for(".index", **chosen.query, said=said)
    return ("", 200, {"HX-Redirect": url}) if is_htmx() else redirect(url, 303)
