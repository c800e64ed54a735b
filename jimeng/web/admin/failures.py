"""Failed tasks: search, retry or drop them, one by one or all that match."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.accounts import users
from jimeng.billing.costs import today
from jimeng.documents import BulkAction
from jimeng.errors.access import UserNotFound
from jimeng.http.request_kinds import polled
from jimeng.operations import failures as archive
from jimeng.operations.failures import Filter
from jimeng.web import is_htmx
from jimeng.web.admin import bp
from jimeng.web.gallery.filters import day_of
from jimeng.web.site.forms import accepts_double_charge


@bp.get("/failures")
def failures() -> ResponseReturnValue:
    """Tasks that failed for good and were neither retried nor dropped, newest first."""
    wanted = filter_of(request.args)
    cursor = request.args.get("cursor") or None
    return render_template(
        "admin/failures.html",
        page=archive.page(g.principal, wanted, cursor),
        wanted=wanted,
        query=wanted.as_json(),
        days=days(),
        codes=sorted(archive.CODES),
        most=archive.MAX_COUNTED,
        step=current_step(),
    )


def filter_of(query: Mapping[str, str]) -> Filter:
    """Read the filter from a query or a form; malformed values are ignored."""
    day = day_of(query.get("day", "").strip())
    code, user = query.get("code", "").strip(), query.get("user", "").strip()
    return Filter(code=code or None, day=day, user_id=user_id_of(user) or None)


def user_id_of(text: str) -> str:
    """Resolve an e-mail to a user id; any other text is taken as the id itself."""
    if "@" in text:
        with suppress(UserNotFound):
            return users.find_by_email(g.principal, text).id
    return text


def days() -> dict[str, date]:
    return {"today": today(), "yesterday": today() - timedelta(days=1)}


def current_step() -> dict | None:
    """The progress or result of the bulk action that led to this page."""
    found = archive.under_way(g.principal, request.args.get("action", ""))
    if found is not None:
        return step_of(found)
    done = request.args.get("done", type=int)
    if done is None:
        return None
    return {"how": "drop" if request.args.get("how") == "drop" else "retry", "n": done}


def step_of(action: BulkAction) -> dict:
    how = "drop" if action.kind == archive.DROP else "retry"
    total: int | str = action.total
    if action.total > archive.MAX_TOTAL_SHOWN:
        total = f"{max(archive.MAX_TOTAL_SHOWN, action.done)}+"
    return {"how": how, "n": action.done, "total": total, "action": action}


@bp.post("/failures/retry")
def retry_failures() -> ResponseReturnValue:
    """Retry all that match; workers continue a large bulk action."""
    wanted = filter_of(request.form)
    return show_step(wanted, archive.retry_all(g.principal, wanted))


@bp.post("/failures/drop")
def drop_failures() -> ResponseReturnValue:
    """Drop all that match from the list."""
    wanted = filter_of(request.form)
    return show_step(wanted, archive.drop_all(g.principal, wanted))


@bp.get("/failures/progress")
@polled
def failures_progress() -> ResponseReturnValue:
    """The progress of the bulk action; at its end htmx reloads the page."""
    wanted = filter_of(request.args)
    action_id = request.args.get("action", "")
    action = archive.under_way(g.principal, action_id)
    if action is None:
        return "", 200, {"HX-Redirect": url_for(".failures", **wanted.as_json())}
    return show_step(wanted, action)


def show_step(wanted: Filter, action: BulkAction) -> ResponseReturnValue:
    """Show the progress so far; at the end, reload the list."""
    query = wanted.as_json()
    page = url_for(".failures", **query, action=action.id)
    if not is_htmx():
        return redirect(page, 303)
    if not action.is_open:
        return "", 200, {"HX-Redirect": page}
    return render_template("admin/_step.html", step=step_of(action), query=query)


@bp.post("/failures/<task_id>/retry")
def retry_failure(task_id: str) -> ResponseReturnValue:
    """Retry one task; one that may be charged twice needs consent."""
    task = archive.retry(
        g.principal,
        task_id,
        accept_double_charge=accepts_double_charge(),
    )
    return resolved("retry", task.id)


@bp.post("/failures/<task_id>/drop")
def drop_failure(task_id: str) -> ResponseReturnValue:
    """Drop one task's failures from the list."""
    archive.drop(g.principal, task_id)
    return resolved("drop")


def resolved(how: str, new_task_id: str | None = None) -> ResponseReturnValue:
    if is_htmx():
        return render_template("admin/_dealt.html", how=how, new_task_id=new_task_id)
    query = filter_of(request.form).as_json()
    return redirect(url_for(".failures", **query, how=how, done=1), 303)
