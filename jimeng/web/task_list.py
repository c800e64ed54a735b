"""All tasks of one's own: how each stands, and what can be done about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth, tasks
from jimeng.documents import Task
from jimeng.i18n import t
from jimeng.tasks import clearing, retrying, summary
from jimeng.tasks.reading import LONGEST_SEARCH
from jimeng.tasks.summary import Count
from jimeng.web import bp, is_htmx
from jimeng.web.cards import (
    interval,
    look_again,
    read_marks,
)
from jimeng.web.forms import accepts_double_charge
from jimeng.web.task_rows import (
    BEFORE,
    CANCELLED,
    RETRIED,
    Note,
    Wanted,
    notes_of,
    read_notes,
    rows_from,
    rows_of,
)
from jimeng.web.tokens import new_token, token_of

PAGE = 24  # rows
NOTHING = retrying.Again([], 0, 0, 0)


@bp.get("/tasks", endpoint="tasks")
def task_list() -> ResponseReturnValue:
    """One's tasks by state, newest first."""
    wanted = asked_for()
    if is_htmx() and wanted.cursor:
        return render_template("task_list/_page.html", wanted=wanted, **listing(wanted))
    return show(wanted, read_notes(request.args.getlist("said")))


@dataclass(frozen=True)
class Totals:
    """
    What stands above the rows.

    Attributes:
        counts: State -> tasks, of those that the search finds.
        waiting: State -> tasks that can be cancelled, whatever is searched for.
        again: The failed tasks that can all be run again.
    """

    counts: dict[str, Count]
    waiting: dict[str, Count]
    again: retrying.Again

    @property
    def total(self) -> Count:
        return Count.sum(self.counts.values())


def asked_for() -> Wanted:
    given = request.values
    state = given.get("status")
    return Wanted(
        state=state if state in summary.STATES else None,
        q=" ".join(given.get("q", "").split())[:LONGEST_SEARCH],
        cursor=given.get("cursor"),
        batch=given.get("batch", "")[:LONGEST_SEARCH],
    )


def totals(wanted: Wanted) -> Totals:
    viewer = auth.viewer_of_page()
    user_id, waiting = viewer.user_id, clearing.CANCELLABLE
    if wanted.batch:  # whose own page has what can be done to all of it
        found = summary.counts(viewer, user_id, within={"batch": wanted.batch})
        return Totals(found, dict.fromkeys(waiting, Count(0)), NOTHING)
    if wanted.q:
        found = summary.counts_found(viewer, user_id, wanted.q)
        left = summary.counts(viewer, user_id, waiting)
    else:
        found = left = summary.counts(viewer, user_id)
    again = retrying.failures(viewer, user_id)
    left = {state: left[state] for state in waiting}
    return Totals(found, left, again)


def listing(wanted: Wanted) -> dict:
    """What the rows of a page want."""
    viewer = auth.viewer_of_page()
    page = tasks.page(
        viewer,
        viewer.user_id,
        limit=PAGE,
        cursor=wanted.cursor,
        q=wanted.q,
        within=within(wanted),
    )
    rows = rows_of(page.rows)
    return {
        "rows": rows,
        "next_cursor": page.next_cursor,
        "wait": interval(row.card for row in rows),
    }


def within(wanted: Wanted) -> dict | None:
    found = summary.in_state(wanted.state) if wanted.state else {}
    return {**found, **({"batch": wanted.batch} if wanted.batch else {})} or None


def show(wanted: Wanted, notes: Iterable[Note] = ()) -> str:
    """The whole page; for htmx what is under its heading."""
    part = "task_list/_list.html" if is_htmx() else "task_list/index.html"
    beside = around(wanted) | listing(wanted)
    return render_template(part, notes=list(notes), **beside)


def around(wanted: Wanted) -> dict:
    """What the parts around the rows want."""
    return {
        "wanted": wanted,
        "states": (None, *summary.STATES),
        "totals": totals(wanted),
        "cancelling": clearing.cancelling(auth.viewer_of_page()),
        "token": new_token(),
    }


@bp.get("/tasks/changes")
def task_changes() -> ResponseReturnValue:
    """What has changed since, of the rows that a page shows as unfinished."""
    cards, changed, gone = look_again(read_marks(request.args.getlist("c")))
    wait = interval(cards)
    if wait and not changed and not gone:
        return "", 204
    moved = bool(gone) or any(change.changed for change in changed)
    return render_template(
        "task_list/_changes.html",
        rows=rows_from([change.card for change in changed]),
        gone=gone,
        wait=wait,
        moved=moved,
        # The seconds that count on are no reason to count tasks.
        **(around(asked_for()) if moved else {"wanted": asked_for()}),
    )


@bp.post("/tasks/cancel")
def cancel_tasks() -> ResponseReturnValue:
    """Cancel the task ``id``, or with ``all`` every one that has not begun."""
    viewer = auth.viewer_of_page()
    state = request.form.get("all")
    if state in clearing.CANCELLABLE:
        action = clearing.cancel_all(viewer, viewer.user_id, state)
        # One that goes on is shown by itself.
        return answer([] if action.is_open else [Note(CANCELLED, action.done)])
    given = request.form.getlist("id")[:1]
    return answer(notes_of(CANCELLED, tasks.cancel_many(viewer, given)))


@bp.get("/tasks/cancelling")
def cancelling() -> ResponseReturnValue:
    """How far a cancellation of many has come; at the end the page is loaded anew."""
    viewer, wanted = auth.viewer_of_page(), asked_for()
    action = clearing.find_cancelling(viewer, request.args.get("action", ""))
    if action is None or not action.is_open:
        said = [str(Note(CANCELLED, action.done))] if action else []
        return "", 200, {"HX-Redirect": url_for(".tasks", **wanted.query, said=said)}
    return render_template(
        "_bulk_action.html",
        action=action,
        words=t("bulk.cancelling", done=action.done, total=action.total),
        url=url_for(".cancelling", action=action.id, **wanted.query),
        page=url_for(".tasks", **wanted.query),
    )


@bp.post("/tasks/retry")
def retry_tasks() -> ResponseReturnValue:
    """
    Run each task ``id`` again, but for those that were already; one alone also
    where it may be charged twice, if the form says so.
    """
    viewer = auth.viewer_of_page()
    given = list(dict.fromkeys(request.form.getlist("id")))[: retrying.MOST_AT_ONCE]
    before = retrying.runs_again(viewer, given)
    agreed = accepts_double_charge() and len(given) == 1
    outcomes = tasks.retry_many(
        viewer,
        [task_id for task_id in given if task_id not in before],
        accept_double_charge=agreed,
        idem_key=token_of(request.form),
    )
    notes = notes_of(RETRIED, outcomes)
    if before:
        notes.append(Note(BEFORE, len(before)))
    return answer(notes, [each.task for each in outcomes if each.task])


def answer(notes: list[Note], made: Iterable[Task] = ()) -> ResponseReturnValue:
    """The list as it is now, with what was done above it; for one row, that row."""
    wanted = asked_for()
    if not is_htmx():
        said = [str(note) for note in notes]
        return redirect(url_for(".tasks", **wanted.query, said=said), 303)
    if request.form.get("only") != "row":
        return show(wanted, notes)
    touched = tasks.find_all(auth.viewer_of_page(), request.form.getlist("id")[:1])
    new = [row for row in rows_of(made) if wanted.takes(row.state)]
    return render_template(
        "task_list/_done.html",
        new=new,
        rows=rows_of(touched),
        notes=notes,
        wait=interval(row.card for row in new),
        **around(wanted),
    )
