"""The list of the user's tasks: states, search, and bulk actions."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import tasks
from jimeng.documents import Task
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.i18n import t
from jimeng.tasks import clear_queue, retries, summary
from jimeng.tasks.queries import MAX_SEARCH_CHARS
from jimeng.tasks.summary import Count
from jimeng.web import bp, is_htmx
from jimeng.web.create.form_tokens import new_token, token_of
from jimeng.web.site.forms import accepts_double_charge
from jimeng.web.tasks.cards import find_changes, poll_interval_s, read_marks
from jimeng.web.tasks.task_rows import (
    BEFORE,
    CANCELLED,
    RETRIED,
    ResultCount,
    Wanted,
    count_results,
    parse_result_counts,
    rows_from,
    rows_of,
)

PAGE = 24  # rows
NOTHING = retries.RetryableFailures([], 0, 0, 0)


@bp.get("/tasks", endpoint="tasks")
def task_list() -> ResponseReturnValue:
    """The user's tasks by state, newest first."""
    wanted = asked_for()
    if is_htmx() and wanted.cursor:
        return render_template("task_list/_page.html", wanted=wanted, **listing(wanted))
    return show(wanted, parse_result_counts(request.args.getlist("said")))


@dataclass(frozen=True)
class Totals:
    """
    The counts above the rows.

    Attributes:
        counts: State -> tasks that match the search.
        waiting: State -> cancellable tasks, regardless of the search.
        again: The failed tasks that can be retried together.
    """

    counts: dict[str, Count]
    waiting: dict[str, Count]
    again: retries.RetryableFailures

    @property
    def total(self) -> Count:
        return Count.sum(self.counts.values())


def asked_for() -> Wanted:
    query = request.values
    state = query.get("status")
    return Wanted(
        state=state if state in summary.STATES else None,
        q=" ".join(query.get("q", "").split())[:MAX_SEARCH_CHARS],
        cursor=query.get("cursor"),
        batch=query.get("batch", "")[:MAX_SEARCH_CHARS],
        customer=query.get("customer", "")[:MAX_SEARCH_CHARS],
    )


def totals(wanted: Wanted) -> Totals:
    principal = auth.principal_of_page()
    user_id = wanted.customer or principal.user_id
    waiting = clear_queue.CANCELLABLE
    no_actions = dict.fromkeys(waiting, Count(0))
    if wanted.batch:  # the batch's page has its bulk actions
        found = summary.count_by_state(
            principal, user_id, condition={"batch": wanted.batch}
        )
        return Totals(found, no_actions, NOTHING)
    if wanted.q:
        found = summary.count_matches_by_state(principal, user_id, wanted.q)
        waiting_now = summary.count_by_state(principal, user_id, waiting)
    else:
        found = waiting_now = summary.count_by_state(principal, user_id)
    if wanted.customer:
        return Totals(found, no_actions, NOTHING)
    again = retries.retryable_failures(principal, user_id)
    waiting_now = {state: waiting_now[state] for state in waiting}
    return Totals(found, waiting_now, again)


def listing(wanted: Wanted) -> dict:
    """The template variables of the rows."""
    principal = auth.principal_of_page()
    page = tasks.page(
        principal,
        wanted.customer or principal.user_id,
        limit=PAGE,
        cursor=wanted.cursor,
        q=wanted.q,
        condition=filter_of(wanted),
    )
    rows = rows_of(page.rows)
    return {
        "rows": rows,
        "next_cursor": page.next_cursor,
        "wait": poll_interval_s(row.card for row in rows),
    }


def filter_of(wanted: Wanted) -> dict | None:
    found = summary.state_filter(wanted.state) if wanted.state else {}
    return {**found, **({"batch": wanted.batch} if wanted.batch else {})} or None


def show(wanted: Wanted, messages: Iterable[ResultCount] = ()) -> str:
    """The whole page; for htmx the partial below its heading."""
    part = "task_list/_list.html" if is_htmx() else "task_list/index.html"
    values = list_context(wanted) | listing(wanted)
    return render_template(part, messages=list(messages), **values)


def list_context(wanted: Wanted) -> dict:
    """The template variables of the partials around the rows."""
    return {
        "wanted": wanted,
        "states": (None, *summary.STATES),
        "totals": totals(wanted),
        "cancelling": clear_queue.running_cancellations(auth.principal_of_page()),
        "token": new_token(),
    }


@bp.get("/tasks/changes")
@polled
def task_changes() -> ResponseReturnValue:
    """The changes of the rows that a page shows as unfinished."""
    cards, changed, gone = find_changes(read_marks(request.args.getlist("c")))
    wait = poll_interval_s(cards)
    if wait and not changed and not gone:
        return "", 204
    moved = bool(gone) or any(change.changed for change in changed)
    return render_template(
        "task_list/_changes.html",
        rows=rows_from([change.card for change in changed]),
        gone=gone,
        wait=wait,
        moved=moved,
        # Changed seconds do not change the counts.
        **(list_context(asked_for()) if moved else {"wanted": asked_for()}),
    )


@bp.post("/tasks/cancel")
def cancel_tasks() -> ResponseReturnValue:
    """
    Cancel the task ``id``, or with ``all`` every task of a state that still waits.
    """
    state = request.form.get("all")
    if state in clear_queue.CANCELLABLE:
        action = clear_queue.cancel_all(g.principal, g.principal.user_id, state)
        # A bulk action in progress has its own notice.
        return list_response(
            [] if action.is_open else [ResultCount(CANCELLED, action.done)]
        )
    task_ids = request.form.getlist("id")[:1]
    return list_response(
        count_results(CANCELLED, tasks.cancel_many(g.principal, task_ids))
    )


@bp.get("/tasks/cancelling")
@polled
def cancelling() -> ResponseReturnValue:
    """The progress of a bulk cancellation; at its end htmx reloads the page."""
    principal, wanted = g.principal, asked_for()
    action = clear_queue.find_cancellation(principal, request.args.get("action", ""))
    if action is None or not action.is_open:
        said = [str(ResultCount(CANCELLED, action.done))] if action else []
        return "", 200, {"HX-Redirect": url_for(".tasks", **wanted.query, said=said)}
    return render_template(
        "_bulk_action.html",
        action=action,
        message=t("bulk.cancelling", done=action.done, n=action.total),
        url=url_for(".cancelling", action=action.id, **wanted.query),
        page=url_for(".tasks", **wanted.query),
    )


@bp.post("/tasks/retry")
def retry_tasks() -> ResponseReturnValue:
    """
    Retry each task ``id`` that was not retried yet; a single one, with consent, also
    if it may be charged twice.
    """
    task_ids = list(dict.fromkeys(request.form.getlist("id")))[: retries.MAX_AT_ONCE]
    before = retries.find_retries(g.principal, task_ids)
    agreed = accepts_double_charge() and len(task_ids) == 1
    results = tasks.retry_many(
        g.principal,
        [task_id for task_id in task_ids if task_id not in before],
        accept_double_charge=agreed,
        idem_key=token_of(request.form),
    )
    messages = count_results(RETRIED, results)
    if before:
        messages.append(ResultCount(BEFORE, len(before)))
    return list_response(messages, [each.task for each in results if each.task])


def list_response(
    messages: list[ResultCount], new_tasks: Iterable[Task] = ()
) -> ResponseReturnValue:
    """The list with messages about the action; for one row, only that row."""
    wanted = asked_for()
    if not is_htmx():
        said = [str(message) for message in messages]
        return redirect(url_for(".tasks", **wanted.query, said=said), 303)
    if request.form.get("only") != "row":
        return show(wanted, messages)
    touched = tasks.find_all(auth.principal_of_page(), request.form.getlist("id")[:1])
    new = [row for row in rows_of(new_tasks) if wanted.takes(row.state)]
    return render_template(
        "task_list/_done.html",
        new=new,
        rows=rows_of(touched),
        messages=messages,
        wait=poll_interval_s(row.card for row in new),
        **list_context(wanted),
    )
