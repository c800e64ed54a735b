"""Failures: found, run again, or dropped; singly, or all that match."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.accounts import users
from jimeng.documents import BulkAction
from jimeng.errors.access import UserNotFound
from jimeng.http import auth
from jimeng.operations import failures as archive
from jimeng.operations.failures import Filter
from jimeng.web import is_htmx
from jimeng.web.admin import bp
from jimeng.web.gallery.filters import day_of
from jimeng.web.site.forms import accepts_double_charge


@bp.get("/failures")
def failures() -> ResponseReturnValue:
    """What failed for good and was not dealt with, newest first."""
    wanted = asked_for(request.args)
    cursor = request.args.get("cursor") or None
    return render_template(
        "admin/failures.html",
        page=archive.page(auth.principal_of_page(), wanted, cursor),
        wanted=wanted,
        query=wanted.as_json(),
        days=days(),
        codes=sorted(archive.CODES),
        most=archive.MAX_COUNTED,
        step=told(),
    )


def asked_for(given: Mapping[str, str]) -> Filter:
    """The filter of a link or a form; what is malformed counts as not given."""
    day = day_of(given.get("day", "").strip())
    code, user = given.get("code", "").strip(), given.get("user", "").strip()
    return Filter(code=code or None, day=day, user_id=id_of(user) or None)


def id_of(text: str) -> str:
    """Whom the text means: an e-mail's user, or an id, maybe of one who is gone."""
    if "@" in text:
        with suppress(UserNotFound):
            return users.find_by_email(auth.principal_of_page(), text).id
    return text


def days() -> dict[str, date]:
    today = datetime.now(UTC).date()
    return {"today": today, "yesterday": today - timedelta(days=1)}


def told() -> dict | None:
    """What the form before this page has done, or is doing."""
    found = archive.under_way(auth.principal_of_page(), request.args.get("action", ""))
    if found is not None:
        return step_of(found)
    done = request.args.get("done", type=int)
    if done is None:
        return None
    return {"how": "drop" if request.args.get("how") == "drop" else "retry", "n": done}


def step_of(action: BulkAction) -> dict:
    how = "drop" if action.kind == archive.DROP else "retry"
    total: int | str = action.total
    if action.total > archive.MAX_TOLD:
        total = f"{max(archive.MAX_TOLD, action.done)}+"
    return {"how": how, "n": action.done, "total": total, "action": action}


@bp.post("/failures/retry")
def retry_failures() -> ResponseReturnValue:
    """Run those that match again; very many take longer than this request."""
    wanted = asked_for(request.form)
    return tell(wanted, archive.retry_all(auth.principal_of_page(), wanted))


@bp.post("/failures/drop")
def drop_failures() -> ResponseReturnValue:
    """Take those that match off the list."""
    wanted = asked_for(request.form)
    return tell(wanted, archive.drop_all(auth.principal_of_page(), wanted))


@bp.get("/failures/progress")
def failures_progress() -> ResponseReturnValue:
    """How far that has come; at the end the page is loaded anew."""
    wanted = asked_for(request.args)
    action_id = request.args.get("action", "")
    action = archive.under_way(auth.principal_of_page(), action_id)
    if action is None:
        return "", 200, {"HX-Redirect": url_for(".failures", **wanted.as_json())}
    return tell(wanted, action)


def tell(wanted: Filter, action: BulkAction) -> ResponseReturnValue:
    """Say what was done so far; at the end, beside a list without those."""
    query = wanted.as_json()
    page = url_for(".failures", **query, action=action.id)
    if not is_htmx():
        return redirect(page, 303)
    if not action.is_open:
        return "", 200, {"HX-Redirect": page}
    return render_template("admin/_step.html", step=step_of(action), query=query)


@bp.post("/failures/<task_id>/retry")
def retry_failure(task_id: str) -> ResponseReturnValue:
    """Run one task again, with consent where that may be charged twice."""
    made = archive.retry(
        auth.principal_of_page(),
        task_id,
        accept_double_charge=accepts_double_charge(),
    )
    return dealt_with("retry", made.id)


@bp.post("/failures/<task_id>/drop")
def drop_failure(task_id: str) -> ResponseReturnValue:
    """Take one task's failures off the list."""
    archive.drop(auth.principal_of_page(), task_id)
    return dealt_with("drop")


def dealt_with(how: str, made: str | None = None) -> ResponseReturnValue:
    if is_htmx():
        return render_template("admin/_dealt.html", how=how, made=made)
    query = asked_for(request.form).as_json()
    return redirect(url_for(".failures", **query, how=how, done=1), 303)
